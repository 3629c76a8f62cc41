"""What callbacks rely on: the module they watch, its data, and one another."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torch.optim import Optimizer

from oasis.batch import Batch
from oasis.data import LabelMapDataModule
from oasis.errors import ConfigurationError
from oasis.labels import LabelSpace
from oasis.models import OASISDiscriminator, OASISGenerator

LossTerms = dict[str, Tensor]
OptimizerFactory = Callable[[Iterable[nn.Parameter]], Optimizer]
_Kind = TypeVar("_Kind", bound=Callback)


class GANModule(LightningModule):
    """Two networks with an optimizer each, stepped in turn, and a count of what they have seen.

    Lightning's own `global_step` counts optimizer steps, two a batch, so batches and images are counted here,
    and are in the checkpoint.

    Attributes:
        generator: the network in training.
        discriminator: the one it is trained against.
        optimizer_factories: make the optimizers, the generator's first.
        label_space: the classes.
        batches_seen: batches trained on so far, over all resumed runs.
        images_seen: images trained on so far, on all devices.
    """

    generator: OASISGenerator
    discriminator: OASISDiscriminator
    optimizer_factories: tuple[OptimizerFactory, OptimizerFactory]
    label_space: LabelSpace

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False  # two optimizers, stepped in turn
        self.batches_seen = 0
        self.images_seen = 0

    def configure_optimizers(self) -> list[Optimizer]:
        """Generator's first, discriminator's second."""
        networks = (self.generator, self.discriminator)
        try:
            optimizers = [
                make(network.parameters()) for make, network in zip(self.optimizer_factories, networks, strict=True)
            ]
        except ValueError as error:
            raise ConfigurationError(f"model.generator_optimizer, model.discriminator_optimizer: {error}.") from error
        self._settings = [_settings(optimizer) for optimizer in optimizers]
        return optimizers

    def on_train_start(self) -> None:
        """Settings and layout of the optimizers are those of this run, not those a checkpoint was written with."""
        for optimizer, settings in zip(self.trainer.optimizers, self._settings, strict=True):
            for group, wanted in zip(optimizer.param_groups, settings, strict=True):
                group.update(wanted)
            fit_state(optimizer)

    def optimize(self, optimizer: LightningOptimizer, loss: Callable[[Batch], LossTerms], batch: Batch) -> LossTerms:
        """One step down a loss; returns its terms, detached, the mean over all processes."""
        with self.toggled_optimizer(optimizer):  # spares the other network's weight gradients
            terms = loss(batch)
            self.manual_backward(torch.stack(list(terms.values())).sum())
            optimizer.step()
            optimizer.zero_grad()  # at once: the other network's step needs the memory
        return mean_of_processes({name: term.detach() for name, term in terms.items()})

    def log_step(self) -> dict[str, float]:
        """To be logged beside metrics: loggers then count in batches, after a resume too."""
        return {"step": float(self.batches_seen)}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Put the counters in."""
        checkpoint["progress"] = {"batches_seen": self.batches_seen, "images_seen": self.images_seen}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the counters up again."""
        self.batches_seen = checkpoint["progress"]["batches_seen"]
        self.images_seen = checkpoint["progress"]["images_seen"]


def mean_of_processes(terms: LossTerms) -> LossTerms:
    """What one process with the whole batch would have: the mean of equal parts."""
    if not dist.is_available() or not dist.is_initialized() or dist.get_world_size() == 1:
        return terms
    values = torch.stack(list(terms.values()))
    dist.all_reduce(values)
    return dict(zip(terms, (values / dist.get_world_size()).unbind(), strict=True))


def mean_of_samples(terms: LossTerms, samples: int) -> tuple[LossTerms, int]:
    """The mean over the samples of all processes, of which some may have fewer than others, or none.

    Lightning weighs too, but rounds the mean of the numbers of samples down.

    Args:
        terms: scalars, means over the samples of this process; anything where it has none.
        samples: how many it has, such as those of a batch that are `counted`.

    Returns:
        The means, and how many samples all processes have.
    """
    if not dist.is_available() or not dist.is_initialized() or dist.get_world_size() == 1:
        return terms, samples
    values = torch.stack([*terms.values(), torch.ones_like(next(iter(terms.values())))])
    sums = values * samples if samples else torch.zeros_like(values)  # a mean over nothing is NaN
    dist.all_reduce(sums)
    return dict(zip(terms, (sums[:-1] / sums[-1]).unbind(), strict=True)), int(sums[-1])


def fit_state(optimizer: Optimizer) -> None:
    """Lay out and place an optimizer's state as its parameters are.

    A fused optimizer reads both by memory address and counts on the device; the checkpoint it resumes from may have
    been written by one that does neither.
    """
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            state = optimizer.state.get(parameter, {})
            for name, value in state.items():
                if isinstance(value, Tensor) and value.shape == parameter.shape:
                    state[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
                elif name == "step" and group.get("fused"):
                    state[name] = value.to(parameter.device, torch.float32)


def on_host(numbers: dict[str, float]) -> dict[str, Tensor]:
    """Numbers as Lightning can log them without a copy to the device, for which the host would have to wait."""
    return {name: torch.tensor(number) for name, number in numbers.items()}


def _settings(optimizer: Optimizer) -> list[dict[str, Any]]:
    return [{name: value for name, value in group.items() if name != "params"} for group in optimizer.param_groups]


def as_gan_module(module: LightningModule) -> GANModule:
    """The module as callbacks know it; Lightning's hooks have a wider type."""
    return cast(GANModule, module)


def data_of(trainer: Trainer) -> LabelMapDataModule:
    """The data module that the trainer fits on."""
    return cast(LabelMapDataModule, cast(Any, trainer).datamodule)


def find_callback(trainer: Trainer, kind: type[_Kind]) -> _Kind | None:
    """The trainer's first callback of a kind, None where it has none."""
    return next((callback for callback in cast(Any, trainer).callbacks if isinstance(callback, kind)), None)
