"""The base class of metrics that keep one value per image, and count each image once."""

from typing import Any

import torch
from torch import Tensor, distributed
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat
from torchmetrics.utilities.distributed import gather_all_tensors

from oasis.errors import MetricError


class PerImage(Metric):
    """A metric that keeps its values of each image until `compute`.

    Sums would be smaller, but cannot exclude repeated images, with which distributed samplers pad a dataset. Here every
    image has its position in the dataset, the values of all processes are gathered, and repeats are dropped. The
    result depends neither on the order nor on how images are spread over batches and processes, up to rounding.
    """

    full_state_update = False
    index: list[Tensor]
    values: list[Tensor]

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"dist_sync_fn": gather_rows, **settings})
        self.add_state("index", [], dist_reduce_fx="cat")
        self.add_state("values", [], dist_reduce_fx="cat")

    def keep(self, index: Tensor, values: Tensor) -> None:
        """Store the values of some images.

        Args:
            index: (B,) int64, positions in the dataset.
            values: (B, ...), the same trailing shape at every call.

        Raises:
            MetricError: the number of positions is not that of images.
        """
        if index.shape != values.shape[:1]:
            raise MetricError(
                f"{type(self).__name__}: positions of shape {tuple(index.shape)} for {len(values)} images; "
                "give each image its position in the dataset"
            )
        self.index.append(index)
        self.values.append(values)

    def collected(self) -> Tensor:
        """All values, one row per image, in the order of the dataset.

        Returns:
            (N, ...), without repeated images.

        Raises:
            MetricError: no process measured anything.
        """
        first = self.first()
        return dim_zero_cat(self.values)[first]

    def first(self) -> Tensor:
        """Where the values of each image stand first.

        Returns:
            (N,) int64, positions in `values`, in the order of the dataset.

        Raises:
            MetricError: no process measured anything.
        """
        if len(self.index) == 0:
            raise MetricError(f"{type(self).__name__}: there is no image to measure; is the split empty?")
        index = dim_zero_cat(self.index)
        order = torch.argsort(index, stable=True)
        ordered = index[order]
        first = torch.ones_like(ordered, dtype=torch.bool)
        first[1:] = ordered[1:] != ordered[:-1]
        return order[first]


def gather_rows(rows: Tensor, group: Any = None) -> list[Tensor]:
    """The rows of all processes, some of which may have none.

    torchmetrics uses a flat float32 tensor for a process without rows, which its own gathering cannot combine with
    those of the others: with gloo the process dies of mismatching sizes. Here such a process first receives the shape
    and dtype of a row from one that has some.

    Args:
        rows: (N, ...), of this process; if N is 0, any shape and dtype.
        group: the process group, None = all processes.

    Returns:
        One (N_i, ...) tensor per process, in the order of their ranks.
    """
    kinds: list[tuple[torch.Size, torch.dtype]] = [(rows.shape, rows.dtype)] * distributed.get_world_size(group)
    distributed.all_gather_object(kinds, (rows.shape, rows.dtype), group=group)
    if len(rows) == 0:
        # Of a process with rows; if there is none, of one that knows their shape: it had images, but nothing in them.
        shape, dtype = max(kinds, key=lambda kind: (kind[0][0] > 0, len(kind[0])))
        rows = torch.empty(0, *shape[1:], dtype=dtype, device=rows.device)
    return gather_all_tensors(rows, group)
