"""What all metrics here share: they keep one value an image, and count each image once."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from oasis.errors import MetricError


class PerImage(Metric):
    """A metric that keeps what it measured on each image until it is asked for the result.

    Sums would be smaller, but a sum cannot tell that an image came twice: samplers that deal a dataset to several
    processes pad it with repeats. Here every image bears its position in the dataset, the values of all processes are
    gathered, and repeats are dropped. The result depends neither on the order nor on how images are spread over
    batches and processes, but for the rounding of sums.
    """

    full_state_update = False
    index: list[Tensor]
    values: list[Tensor]

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.add_state("index", [], dist_reduce_fx="cat")
        self.add_state("values", [], dist_reduce_fx="cat")

    def keep(self, index: Tensor, values: Tensor) -> None:
        """Remember what was measured on some images.

        Args:
            index: (B,) int64, positions in the dataset.
            values: (B, ...), the same trailing shape at every call.
        """
        self.index.append(index)
        self.values.append(values)

    def collected(self) -> Tensor:
        """What was measured, one row an image, in the order of the dataset.

        Returns:
            (N, ...), the rows of repeated images once.

        Raises:
            MetricError: nothing was measured.
        """
        if len(self.index) == 0:
            raise MetricError(f"{type(self).__name__}: there is no image to measure; is the split empty?")
        index, values = dim_zero_cat(self.index), dim_zero_cat(self.values)
        order = torch.argsort(index, stable=True)
        ordered = index[order]
        first = torch.ones_like(ordered, dtype=torch.bool)
        first[1:] = ordered[1:] != ordered[:-1]
        return values[order[first]]
