"""The distances of a set of pictures from the real ones, as a metric."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchmetrics.utilities import dim_zero_cat, rank_zero_warn

from oasis.errors import MetricError
from oasis.metrics.distances import (
    frechet_distance,
    gaussian_kernel_distance,
    kernel_distance,
    kernel_spread,
    refuse_too_few,
)
from oasis.metrics.per_image import PerImage

_CMMD_SIGMA, _CMMD_SCALE = 10.0, 1000.0


def _no_caveat(generated: int, real: int, dimensions: int) -> str:
    return ""


@dataclass(frozen=True)
class Distance:
    """A distance of two sets of features.

    Attributes:
        between: (N, D) features of real and (M, D) of generated pictures, both float, finite, of at least 2 rows, to
            the distance; NaN if it is not defined for so few.
        caveat: the numbers of generated and real pictures and D to a warning, or to nothing.
    """

    between: Callable[[Tensor, Tensor], float]
    caveat: Callable[[int, int, int], str] = _no_caveat


def frechet_and_kernel(
    frechet: str, kernel: str | None = None, subsets: int = 100, subset_size: int = 100
) -> dict[str, Distance]:
    """The Frechet distance and, if it is named, the kernel distance with its spread, `..._std`.

    Args:
        frechet: name of the Frechet distance.
        kernel: name of the kernel distance; None = without one.
        subsets: number of random subsets for the spread of the kernel distance.
        subset_size: pictures in a subset.
    """
    named = {frechet: Distance(frechet_distance, _of_low_rank)}
    if kernel is not None:
        spread = Distance(
            partial(_spread, subsets=subsets, size=subset_size), partial(_without_spread, subset_size=subset_size)
        )
        named |= {kernel: Distance(kernel_distance), f"{kernel}_std": spread}
    return named


def cmmd(real: Tensor, generated: Tensor) -> float:
    """The CLIP maximum mean discrepancy of two sets of CLIP's embeddings, each of length 1.

    1000 times the biased squared discrepancy under a Gaussian kernel with sigma 10, as the paper's code computes it,
    but in float64.

    Args:
        real: (N, D) float.
        generated: (M, D) float.

    Raises:
        MetricError: fewer than 2 rows.

    Source: Jayasumana et al. 2024 (Rethinking FID), section 4 and google-research/cmmd.
    """
    return _CMMD_SCALE * gaussian_kernel_distance(real, generated, _CMMD_SIGMA)


class FeatureDistances(PerImage):
    """Distances of a set of pictures from the real ones.

    Args:
        real: (N, D) float, the features of the real pictures, N >= 2.
        distances: name -> distance, as an extractor has them.
        settings: torchmetrics' settings.

    Raises:
        MetricError: fewer than 2 real pictures, or NaN or infinity in the features of one.
    """

    real: Tensor

    def __init__(self, real: Tensor, distances: Mapping[str, Distance], **settings: Any) -> None:
        super().__init__(**settings)
        _refuse_non_finite("real", torch.arange(len(real), device=real.device), real)
        refuse_too_few("real", real)
        self.register_buffer("real", real.detach(), persistent=False)
        self.distances = distances
        self.warned = False

    def update(self, index: Tensor, features: Tensor) -> None:
        """Add a batch.

        Args:
            index: (B,) int64, positions in the dataset.
            features: (B, D) float.
        """
        self.keep(index, features)

    def compute(self) -> dict[str, float]:
        """The distances of all pictures, by name; NaN where one is not defined for so few.

        Raises:
            MetricError: fewer than 2 pictures, or NaN or infinity in the features of one. Raised
                here and not in `update`, so that all processes raise it, and none waits for the others.
        """
        features = self.collected()
        _refuse_non_finite("generated", dim_zero_cat(self.index), dim_zero_cat(self.values))
        refuse_too_few("generated", features)
        if not self.warned:
            for distance in self.distances.values():
                if caveat := distance.caveat(len(features), *self.real.shape):
                    rank_zero_warn(caveat)
            self.warned = True
        return {name: distance.between(self.real, features) for name, distance in self.distances.items()}


def _of_low_rank(generated: int, real: int, dimensions: int) -> str:
    fewest = min(generated, real)
    if fewest > dimensions:
        return ""
    return (
        f"{generated} generated and {real} real images against {dimensions} features: a covariance of rank "
        f"{fewest - 1} makes the Frechet distance far larger than many images would; compare it only with one of as "
        f"many images, and with that of real photos"
    )


def _without_spread(generated: int, real: int, dimensions: int, subset_size: int) -> str:
    fewest = min(generated, real)
    if fewest > subset_size:
        return ""
    return (
        f"{fewest} images are no more than the {subset_size} of a subset: the kernel distance comes without its spread "
        f"(NaN); measure more images for one"
    )


def _spread(real: Tensor, generated: Tensor, subsets: int, size: int) -> float:
    enough = min(len(real), len(generated)) > size  # of just as many images, all subsets are one
    return kernel_spread(real, generated, subsets, size) if enough else np.nan


def _refuse_non_finite(what: str, index: Tensor, features: Tensor) -> None:
    broken = sorted(set(index[~features.isfinite().all(dim=1)].tolist()))
    if broken:
        shown = ", ".join(map(str, broken[:10])) + (", ..." if len(broken) > 10 else "")
        raise MetricError(
            f"NaN or infinity in {len(broken)} of the {what} images, at positions {shown} of the dataset: no distance "
            f"can be computed; has the training diverged?"
        )
