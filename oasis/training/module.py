"""The LightningModule of a GAN with any objective."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, cast

import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torch.optim import Optimizer

from oasis.batch import Batch
from oasis.errors import ConfigurationError
from oasis.labels import LabelSpace
from oasis.models import Discriminator, Generator, Style
from oasis.models.building import build_network
from oasis.models.generating import generate
from oasis.objectives import LossTerms, Objective
from oasis.randomness import Stream
from oasis.training.accumulation import Accumulation
from oasis.training.base import data_of, mean_of_processes, mean_of_samples, on_host
from oasis.training.building import prepare_networks
from oasis.training.optimizers import clip_norm, fit_state, settings_of
from oasis.training.requirements import (
    refuse_unfit_precision,
    require_class_masks,
    require_classes,
    require_instances,
    require_terms,
)
from oasis.training.sampling import fixed_noise, sampling_generator, styled, training_noise
from oasis.training.schedules import Constant, Schedule
from oasis.training.step import TrainingStep

OptimizerFactory = Callable[[Iterable[nn.Parameter]], Optimizer]


class GANModule(LightningModule):
    """Two networks, an objective, two optimizers and their schedule, and counters of batches and images.

    Lightning's own `global_step` counts optimizer steps, two per batch, so batches and images are counted here and
    stored in the checkpoint.

    Args:
        label_space: the classes.
        condition_channels: channels of the encoded label map, `encoding.channels`.
        generator: makes the generator, see `oasis.models.Generator`.
        discriminator: makes the discriminator, see `oasis.models.Discriminator`.
        objective: the loss terms of both.
        generator_optimizer: makes the generator's optimizer from its parameters that are not frozen.
        discriminator_optimizer: makes the discriminator's.
        schedule: of both learning rates; None = constant.
        clip_norm: the largest norm of each network's gradients; None = no clipping.
        accumulate_batches: batches whose gradients are averaged before the optimizers step.
        seed: of noise and of objectives' random numbers.
        channels_last: use the channels-last memory format, which is faster on devices with matrix units.
        compile: compile both networks with `torch.compile` at their first batch.
        recompute: recompute activations in the backward pass, see `oasis.models.Recomputable`.

    Attributes:
        batches_seen: batches trained on so far, over all resumed runs.
        images_seen: images trained on so far, on all devices.
        accumulation: says whether the optimizers stepped at the last batch.

    Raises:
        ConfigurationError: invalid settings, or settings that a network does not support.
    """

    def __init__(
        self,
        label_space: LabelSpace,
        condition_channels: int,
        generator: Callable[..., Generator],
        discriminator: Callable[..., Discriminator],
        objective: Objective,
        generator_optimizer: OptimizerFactory,
        discriminator_optimizer: OptimizerFactory,
        schedule: Schedule | None = None,
        clip_norm: float | None = None,
        accumulate_batches: int = 1,
        seed: int = 0,
        channels_last: bool = False,
        compile: bool = False,
        recompute: bool = False,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False  # two optimizers, stepped in turn
        if clip_norm is not None and not clip_norm > 0:
            raise ConfigurationError(f"model.clip_norm={clip_norm}: must be above 0, or null for no clipping.")
        self.label_space = label_space
        self.condition_channels = condition_channels
        offered = {"condition_channels": condition_channels, "num_classes": label_space.num_classes}
        self.generator = build_network(generator, Generator, offered)
        self.discriminator = build_network(
            discriminator, Discriminator, {**offered, "num_things": len(label_space.things)}
        )
        self.objective = objective
        self.optimizer_factories = (generator_optimizer, discriminator_optimizer)
        self.schedule = schedule or Constant()
        self.clip_norm = clip_norm
        self.accumulation = Accumulation(accumulate_batches)
        self.seed = seed
        self.memory_format = torch.channels_last if channels_last else torch.contiguous_format
        # Called in training only; methods and plain objects, so that no network is registered twice.
        self._generate, self._discriminate = prepare_networks(
            self.generator, self.discriminator, objective, self.memory_format, compile, recompute
        )
        self.batches_seen = 0
        self.images_seen = 0

    def setup(self, stage: str) -> None:
        """Refuses what does not fit: precisions, a schedule, a dataset without instance maps, other encodings.

        Raises:
            ConfigurationError: the message names the precision, the setting of the schedule, the first sample without
                an instance map, or the encoding.
        """
        refuse_unfit_precision(self.trainer)
        self._rate_factor()
        if getattr(self.trainer, "datamodule", None) is not None:  # benchmarks fit on batches of their own
            dataset = data_of(self.trainer).listed("train")
            require_instances(self.generator, self.discriminator, self.objective, dataset)
            require_classes(self.generator, data_of(self.trainer).encoding)
            require_class_masks(self.objective, data_of(self.trainer).encoding)

    def configure_optimizers(self) -> list[Optimizer]:
        """Generator's first, discriminator's second."""
        networks = (self.generator, self.discriminator)
        try:
            optimizers = [
                make(weight for weight in network.parameters() if weight.requires_grad)
                for make, network in zip(self.optimizer_factories, networks, strict=True)
            ]
        except ValueError as error:
            raise ConfigurationError(f"model.generator_optimizer, model.discriminator_optimizer: {error}.") from error
        self._settings = [settings_of(optimizer) for optimizer in optimizers]
        return optimizers

    def on_train_start(self) -> None:
        """Restores this run's settings and memory layout of the optimizers, which a checkpoint has overwritten."""
        for optimizer, settings in zip(self.trainer.optimizers, self._settings, strict=True):
            for group, wanted in zip(optimizer.param_groups, settings, strict=True):
                group.update(wanted)
            fit_state(optimizer)
        self.accumulation.restore(self)
        self.on_train_epoch_start()  # Lightning does not call it for an epoch that is resumed within

    def on_train_epoch_start(self) -> None:
        """Sets the learning rates of this epoch."""
        factor = self._rate_factor()
        for optimizer, settings in zip(self.trainer.optimizers, self._settings, strict=True):
            for group, wanted in zip(optimizer.param_groups, settings, strict=True):
                group["lr"] = wanted["lr"] * factor

    def _rate_factor(self) -> float:
        return self.schedule(self.current_epoch, self.trainer.max_epochs or -1)

    def training_step(self, batch: Batch, batch_idx: int) -> LossTerms:
        """Generator step, then discriminator step on fresh fakes; returns all loss terms, detached."""
        batch = replace(batch, condition=batch.condition.contiguous(memory_format=self.memory_format))
        self.accumulation.count(self.trainer.num_training_batches - batch_idx)
        generator_optimizer, discriminator_optimizer = cast(list[LightningOptimizer], self.optimizers())
        terms = {
            **_named("generator", self.optimize(generator_optimizer, self.generator_loss, batch)),
            **_named("discriminator", self.optimize(discriminator_optimizer, self.discriminator_loss, batch)),
        }
        self.batches_seen += 1
        self.images_seen += len(batch) * self.trainer.world_size
        self.log_dict({**terms, **on_host(self.log_step())}, batch_size=len(batch))
        return terms

    def optimize(self, optimizer: LightningOptimizer, loss: Callable[[Batch], LossTerms], batch: Batch) -> LossTerms:
        """One optimizer step on a loss; returns its terms, detached, averaged over all processes."""
        with self.toggled_optimizer(optimizer):  # avoids the other network's weight gradients
            terms = require_terms(loss(batch), f"{type(self.objective).__name__}.{loss.__name__}")
            total = torch.stack(list(terms.values())).sum()
            self.manual_backward(self.accumulation.averaged(total))
            if self.accumulation.stepping:
                optimizer.step()
                optimizer.zero_grad()  # now: the other network's step needs the memory
        return mean_of_processes({name: term.detach() for name, term in terms.items()})

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Clips the gradients, once Lightning has unscaled those of 16-bit training."""
        if self.clip_norm is not None:
            clip_norm(optimizer, self.clip_norm, getattr(self.trainer.precision_plugin, "scaler", None))

    def generator_loss(self, batch: Batch) -> LossTerms:
        """The objective's terms for the generator, by name."""
        noise, style = self._training_noise(batch, Stream.GENERATOR_NOISE)
        step = self._step(batch, lambda: generate(self.generator, batch, noise, self._generate), style=style)
        return self.objective.generator_loss(step)

    def discriminator_loss(self, batch: Batch) -> LossTerms:
        """The objective's terms for the discriminator, by name."""

        @torch.no_grad()
        def fakes() -> Tensor:
            noise, _ = self._training_noise(batch, Stream.DISCRIMINATOR_NOISE)
            return generate(self.generator, batch, noise, self._generate)

        return self.objective.discriminator_loss(self._step(batch, fakes))

    def validation_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The objective's terms on validation samples.

        Returns:
            The fakes, (B, 3, H, W) in [-1, 1], for callbacks.
        """
        with sampling_generator(self.trainer) as generator:
            fake = generate(generator, batch, fixed_noise(generator, batch, seed=0))
        count = int(batch.counted.sum())
        counted = batch.first(count) if count else batch  # without any counted sample, the terms get weight 0
        step = self._step(counted, lambda: fake[: len(counted)], self.discriminator)
        terms = {f"val/{name}": term for name, term in self.objective.validation_loss(step).items()}
        terms, total = mean_of_samples(terms, count)
        self.log_dict({**terms, **self.log_step()}, batch_size=max(total, 1), sync_dist=True)
        return fake

    def _training_noise(self, batch: Batch, stream: Stream) -> tuple[Tensor | None, Style | None]:
        return styled(self.generator, batch, training_noise(self.generator, batch, self.seed, stream))

    def _step(
        self,
        batch: Batch,
        fakes: Callable[[], Tensor],
        discriminate: Callable[..., Any] | None = None,
        style: Style | None = None,
    ) -> TrainingStep:
        forward = discriminate or self._discriminate
        return TrainingStep(batch, self.discriminator, fakes, forward, self.objective, self.seed, style)

    @property
    def validation_losses(self) -> tuple[str, ...]:
        """Names under which validation logs losses; empty if they are not known in advance."""
        return tuple(f"val/{name}" for name in self.objective.validation_names)

    def log_step(self) -> dict[str, float]:
        """Logged beside metrics, so that loggers count in batches, even after resuming."""
        return {"step": float(self.batches_seen)}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Adds the counters and accumulated gradients."""
        checkpoint["progress"] = {"batches_seen": self.batches_seen, "images_seen": self.images_seen}
        self.accumulation.save(checkpoint, self)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restores the counters and accumulated gradients."""
        self.batches_seen = checkpoint["progress"]["batches_seen"]
        self.images_seen = checkpoint["progress"]["images_seen"]
        self.accumulation.load(checkpoint)

    def check_size(self, height: int, width: int) -> None:
        """Refuse a picture size that the networks do not support.

        Raises:
            ConfigurationError: the message has the nearest valid sizes.
        """
        divisor = max(self.generator.size_divisor, self.discriminator.size_divisor)
        if height % divisor or width % divisor or min(height, width) < divisor:
            fitting = [max(divisor, round(size / divisor) * divisor) for size in (height, width)]
            raise ConfigurationError(
                f"data.height={height} data.width={width}: the networks halve a picture until it is {divisor} times "
                f"smaller, so both must be multiples of {divisor}. Nearest: data.height={fitting[0]} "
                f"data.width={fitting[1]}."
            )


def as_gan_module(module: LightningModule) -> GANModule:
    """Cast the module of Lightning's hooks to its type."""
    return cast(GANModule, module)


def _named(network: str, terms: LossTerms) -> LossTerms:
    return {f"{network}/{name}": term for name, term in terms.items()}
