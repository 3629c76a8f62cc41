"""Frechet and kernel distances between the features of two sets of pictures."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from oasis.errors import MetricError

# Rows and columns of a block of the kernel matrix: 32 MB in float64, for any number of pictures.
_BLOCK = 2048
_Kernel = Callable[[Tensor, Tensor], Tensor]  # (N, D) and (M, D) float64 to (N, M)


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """Squared Frechet distance of the normal distributions fitted to two sets of features.

    |mean_a - mean_b|^2 + tr S_a + tr S_b - 2 tr sqrt(S_a S_b), with unbiased covariances S = F^T F, where F are the
    centred features over sqrt(N - 1). S_a S_b has the same eigenvalues above 0 as (F_a F_b^T)(F_a F_b^T)^T, so that the
    trace of its square root is the sum of the singular values of F_a F_b^T: exact for any N, of size N_a x N_b, and
    without the square root of a matrix that rounding made indefinite. If N > D, F is replaced by its D x D QR factor.

    Args:
        a: (N, D) float, finite, N >= 2.
        b: (M, D) float, finite, M >= 2.

    Returns:
        At least 0; computed in float64.

    Raises:
        MetricError: fewer than 2 rows.

    Source: Dowson and Landau 1982; Heusel et al. 2017, equation 6.
    """
    a, b = _float64(a), _float64(b)
    shift = a.mean(dim=0) - b.mean(dim=0)
    root_a, root_b = _covariance_root(a), _covariance_root(b)
    cross = torch.linalg.svdvals(root_a @ root_b.T).sum()
    distance = shift.square().sum() + root_a.square().sum() + root_b.square().sum() - 2 * cross
    return max(0.0, float(distance))  # negative by rounding


def kernel_distance(a: Tensor, b: Tensor) -> float:
    """Squared maximum mean discrepancy of two sets of features under the kernel (x.y / D + 1)^3, unbiased.

    The U-statistic over all pairs. torchmetrics and torch-fidelity average it over random subsets, which estimates this
    value; this depends on neither seed nor order.

    Args:
        a: (N, D) float, finite, N >= 2.
        b: (M, D) float, finite, M >= 2.

    Returns:
        May be slightly negative for similar sets; computed in float64, in blocks.

    Raises:
        MetricError: fewer than 2 rows.

    Source: Binkowski et al. 2018, section 4; Gretton et al. 2012, equation 3.
    """
    a, b = _float64(a), _float64(b)
    return float(_kernel_distances(a, b, a.new_ones(len(a), 1), b.new_ones(len(b), 1)))


def kernel_spread(a: Tensor, b: Tensor, subsets: int = 100, subset_size: int = 100, seed: int = 2020) -> float:
    """Standard deviation of the kernel distance over random subsets, as usually reported with a KID.

    It is the noise of a KID of `subset_size` pictures. The subsets are those of torch-fidelity.

    Args:
        a: (N, D) float, finite.
        b: (M, D) float, finite.
        subsets: number of subsets.
        subset_size: pictures of each set in a subset.
        seed: of the draw.

    Raises:
        MetricError: fewer rows than a subset has, or subsets of fewer than 2.
    """
    a, b = _float64(a), _float64(b)
    if not 2 <= subset_size <= min(len(a), len(b)):
        raise MetricError(
            f"subsets of {subset_size} images cannot be drawn from {len(a)} and {len(b)} images; "
            f"choose a subset_size from 2 to {min(len(a), len(b))}"
        )
    chosen_a, chosen_b = a.new_zeros(len(a), subsets), b.new_zeros(len(b), subsets)
    draw = np.random.RandomState(seed)
    for k in range(subsets):
        chosen_a[draw.choice(len(a), subset_size, replace=False), k] = 1
        chosen_b[draw.choice(len(b), subset_size, replace=False), k] = 1
    return float(_kernel_distances(a, b, chosen_a, chosen_b).std(correction=0))


def gaussian_kernel_distance(a: Tensor, b: Tensor, sigma: float) -> float:
    """Squared maximum mean discrepancy of two sets of features under the kernel exp(-|x - y|^2 / (2 sigma^2)), biased.

    The V-statistic: means over all pairs, each picture with itself included.

    Args:
        a: (N, D) float, finite, N >= 2.
        b: (M, D) float, finite, M >= 2.
        sigma: width of the kernel, above 0.

    Returns:
        At least 0; computed in float64, in blocks: with a wide kernel, 1 minus its values is of the size of float32's
        rounding.

    Raises:
        MetricError: fewer than 2 rows.

    Source: Gretton et al. 2012, equation 5.
    """
    a, b = _float64(a), _float64(b)

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        squared = x.square().sum(dim=1, keepdim=True) + y.square().sum(dim=1) - 2 * x @ y.T
        return torch.exp(squared / (-2 * sigma**2))

    def mean(x: Tensor, y: Tensor) -> Tensor:
        return _kernel_sums(kernel, x, y, x.new_ones(len(x), 1), y.new_ones(len(y), 1)) / (len(x) * len(y))

    return max(0.0, float(mean(a, a) + mean(b, b) - 2 * mean(a, b)))  # negative by rounding


def refuse_too_few(what: str, features: Tensor) -> None:
    """Refuse a set of features without a distribution.

    Raises:
        MetricError: fewer than 2 rows.
    """
    if len(features) < 2:
        raise MetricError(f"{what} {len(features)} image(s): a distance of sets of images needs at least 2 in each")


def _float64(features: Tensor) -> Tensor:
    refuse_too_few("a set of", features)
    # Apple's GPUs do not support float64.
    return (features.cpu() if features.device.type == "mps" else features).double()


def _covariance_root(features: Tensor) -> Tensor:
    """F with F^T F = the unbiased covariance: (N, D) float64 to (min(N, D), D)."""
    centred = (features - features.mean(dim=0)) / math.sqrt(len(features) - 1)
    if len(centred) <= centred.shape[1]:
        return centred
    factor: Tensor = torch.linalg.qr(centred, mode="r").R
    return factor


def _kernel_distances(a: Tensor, b: Tensor, chosen_a: Tensor, chosen_b: Tensor) -> Tensor:
    """Unbiased kernel distances of S pairs of subsets in one pass over the pairs of pictures.

    Args:
        a: (N, D) float64.
        b: (M, D) float64.
        chosen_a: (N, S) float64, 1 for the rows of `a` that are in a subset, 0 for the others.
        chosen_b: (M, S) float64, the same for `b`.

    Returns:
        (S,) float64.
    """

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return (x @ y.T / x.shape[1] + 1) ** 3

    def within(x: Tensor, chosen: Tensor) -> Tensor:
        same = (x.square().sum(dim=1) / x.shape[1] + 1) ** 3
        count = chosen.sum(dim=0)
        return (_kernel_sums(kernel, x, x, chosen, chosen) - same @ chosen) / (count * (count - 1))

    across = _kernel_sums(kernel, a, b, chosen_a, chosen_b) / (chosen_a.sum(dim=0) * chosen_b.sum(dim=0))
    return within(a, chosen_a) + within(b, chosen_b) - 2 * across


def _kernel_sums(kernel: _Kernel, a: Tensor, b: Tensor, chosen_a: Tensor, chosen_b: Tensor) -> Tensor:
    """Sums of a kernel over all chosen pairs: arguments and result as in `_kernel_distances`."""
    sums = a.new_zeros(chosen_a.shape[1])
    for rows, weights in zip(torch.split(a, _BLOCK), torch.split(chosen_a, _BLOCK), strict=True):
        for columns, other in zip(torch.split(b, _BLOCK), torch.split(chosen_b, _BLOCK), strict=True):
            sums += (kernel(rows, columns).T @ weights * other).sum(dim=0)
    return sums
