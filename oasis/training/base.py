"""What the module and its callbacks share: the data, one another, and means over processes."""

from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from pytorch_lightning import Callback, Trainer
from torch import Tensor

from oasis.data import LabelMapDataModule
from oasis.objectives import LossTerms

_Kind = TypeVar("_Kind", bound=Callback)


def data_of(trainer: Trainer) -> LabelMapDataModule:
    """The data module that the trainer fits on."""
    return cast(LabelMapDataModule, cast(Any, trainer).datamodule)


def find_callback(trainer: Trainer, kind: type[_Kind]) -> _Kind | None:
    """The trainer's first callback of a kind, None where it has none."""
    return next((callback for callback in cast(Any, trainer).callbacks if isinstance(callback, kind)), None)


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
    if not terms or not dist.is_available() or not dist.is_initialized() or dist.get_world_size() == 1:
        return terms, samples
    values = torch.stack([*terms.values(), torch.ones_like(next(iter(terms.values())))])
    sums = values * samples if samples else torch.zeros_like(values)  # a mean over nothing is NaN
    dist.all_reduce(sums)
    return dict(zip(terms, (sums[:-1] / sums[-1]).unbind(), strict=True)), int(sums[-1])


def on_host(numbers: dict[str, float]) -> dict[str, Tensor]:
    """Numbers as Lightning can log them without a copy to the device, for which the host would have to wait."""
    return {name: torch.tensor(number) for name, number in numbers.items()}
