"""Helpers of the module and its callbacks."""

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
    """The trainer's first callback of a kind, None if it has none."""
    return next((callback for callback in cast(Any, trainer).callbacks if isinstance(callback, kind)), None)


def mean_of_processes(terms: LossTerms) -> LossTerms:
    """The terms averaged over all processes, which have batches of equal size."""
    if not dist.is_available() or not dist.is_initialized() or dist.get_world_size() == 1:
        return terms
    values = torch.stack(list(terms.values()))
    dist.all_reduce(values)
    return dict(zip(terms, (values / dist.get_world_size()).unbind(), strict=True))


def mean_of_samples(terms: LossTerms, samples: int) -> tuple[LossTerms, int]:
    """The mean over the samples of all processes, which may have different numbers of samples, or none.

    Lightning's own weighted mean rounds the mean number of samples down.

    Args:
        terms: scalars, means over the samples of this process; ignored if it has none.
        samples: their number, such as those of a batch that are `counted`.

    Returns:
        The means, and the total number of samples.
    """
    if not terms or not dist.is_available() or not dist.is_initialized() or dist.get_world_size() == 1:
        return terms, samples
    values = torch.stack([*terms.values(), torch.ones_like(next(iter(terms.values())))])
    sums = values * samples if samples else torch.zeros_like(values)  # an empty mean is NaN
    dist.all_reduce(sums)
    return dict(zip(terms, (sums[:-1] / sums[-1]).unbind(), strict=True)), int(sums[-1])


def on_host(numbers: dict[str, float]) -> dict[str, Tensor]:
    """Numbers as CPU tensors, which Lightning logs without a copy to the device that would make the host wait."""
    return {name: torch.tensor(number) for name, number in numbers.items()}
