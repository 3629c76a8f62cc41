import itertools
import warnings

import numpy as np
import pytest
import scipy.linalg
import scipy.spatial.distance
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, KEY_METRIC_KID_STD, kid_features_to_metric
from torchmetrics.image.kid import poly_mmd

from oasis.errors import MetricError
from oasis.metrics import distances
from oasis.metrics.distances import frechet_distance, gaussian_kernel_distance, kernel_distance, kernel_spread
from oasis.metrics.feature_distances import Distance, FeatureDistances, cmmd, frechet_and_kernel


def features(rows, columns, seed, shift=0.0):
    """Normal, correlated, of unlike variances."""
    draw = torch.Generator().manual_seed(seed)
    mix = torch.eye(columns) + 0.3 * torch.randn(columns, columns, generator=draw) / columns**0.5
    scale = torch.linspace(0.5, 2, columns)
    return torch.randn(rows, columns, generator=draw) @ mix * scale + shift


def square_root_of(matrix):
    """Of a symmetric matrix of any rank."""
    values, vectors = np.linalg.eigh(matrix)
    return vectors * np.sqrt(values.clip(0)) @ vectors.T


def slow_frechet(a, b, trace_of_root):
    a, b = a.double().numpy(), b.double().numpy()
    shift = a.mean(0) - b.mean(0)
    s, t = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    return shift @ shift + np.trace(s) + np.trace(t) - 2 * trace_of_root(s, t)


@pytest.mark.parametrize(("n", "m", "dimensions"), [(60, 50, 8), (300, 17, 16), (16, 300, 15)])
def test_frechet_is_scipys_where_there_are_more_images_than_features(n, m, dimensions):
    a, b = features(n, dimensions, 0), features(m, dimensions, 1, shift=0.3)
    expected = slow_frechet(a, b, lambda s, t: np.trace(scipy.linalg.sqrtm(s @ t)).real)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n", "m", "dimensions"), [(6, 9, 24), (24, 24, 24), (40, 5, 24), (5, 40, 24), (2, 2, 24)])
def test_frechet_is_scipys_where_there_are_fewer(n, m, dimensions):
    """A singular product has no reliable `sqrtm`; that of sqrt(S) T sqrt(S), symmetric, has the same trace."""
    a, b = features(n, dimensions, 2), features(m, dimensions, 3, shift=0.3)

    def trace(s, t):
        root = square_root_of(s)
        return np.trace(square_root_of(root @ t @ root))

    assert frechet_distance(a, b) == pytest.approx(slow_frechet(a, b, trace), rel=1e-6)
    # Lift the covariances off 0 in the directions that no image varies in, and scipy's own root gets there too.
    offset = 1e-7 * np.eye(dimensions)
    lifted = slow_frechet(a, b, lambda s, t: np.trace(scipy.linalg.sqrtm((s + offset) @ (t + offset))).real)
    assert frechet_distance(a, b) == pytest.approx(lifted, rel=1e-3)


def test_frechet_of_normals_on_a_line():
    a, b = torch.tensor([[0.0], [2.0]]), torch.tensor([[3.0], [7.0], [11.0]])
    assert frechet_distance(a, b) == pytest.approx((7 - 1) ** 2 + (4 - 2**0.5) ** 2)


@settings(max_examples=30, deadline=None)
@given(n=st.integers(2, 40), m=st.integers(2, 40), dimensions=st.integers(1, 20), seed=st.integers(0, 1000))
def test_properties(n, m, dimensions, seed):
    a, b = features(n, dimensions, seed).double(), features(m, dimensions, seed + 1).double()
    for distance in (frechet_distance, kernel_distance):
        assert distance(a, b) == pytest.approx(distance(b, a), rel=1e-9, abs=1e-9), "symmetric"
        assert distance(a.flip(0), b) == pytest.approx(distance(a, b), rel=1e-9, abs=1e-9), "the order does not matter"
    assert frechet_distance(a, a) < 1e-9
    far = frechet_distance(a, b)
    assert frechet_distance(3 * a, 3 * b) == pytest.approx(9 * far, rel=1e-9, abs=1e-9)
    assert frechet_distance(a, a + 2) == pytest.approx(4 * dimensions, abs=1e-9), "a shift alone"


def test_float64_whatever_the_features_are():
    a, b = features(20, 8, 0), features(20, 8, 1)
    large = torch.full((8,), 1e3)  # in float32 the covariance would drown
    assert frechet_distance(a.double() + large, b.double() + large) == pytest.approx(frechet_distance(a, b), rel=1e-9)
    assert kernel_distance(a, b) == kernel_distance(a.double(), b.double())


def test_kernel_distance_is_the_slow_one():
    a, b = features(7, 5, 0), features(4, 5, 1, shift=0.5)

    def mean(pairs):
        return np.mean([(float(x.double() @ y.double()) / 5 + 1) ** 3 for x, y in pairs])

    expected = (
        mean(itertools.permutations(a, 2)) + mean(itertools.permutations(b, 2)) - 2 * mean(itertools.product(a, b))
    )
    assert kernel_distance(a, b) == pytest.approx(expected, rel=1e-12)


def test_kernel_distance_is_torchmetrics_and_fidelitys_over_one_subset_of_all():
    a, b = features(50, 16, 0).double(), features(50, 16, 1, shift=0.2).double()
    assert kernel_distance(a, b) == pytest.approx(float(poly_mmd(a, b)), rel=1e-10)
    theirs = kid_features_to_metric(a, b, kid_subsets=1, kid_subset_size=50, verbose=False)
    assert kernel_distance(a, b) == pytest.approx(theirs[KEY_METRIC_KID_MEAN], rel=1e-10)


def test_kernel_distance_is_what_the_mean_over_subsets_estimates():
    """It is the mean over all subsets there are."""
    a, b = features(6, 4, 0).double(), features(5, 4, 1, shift=0.3).double()
    subsets = itertools.product(itertools.combinations(range(6), 3), itertools.combinations(range(5), 3))
    values = [float(poly_mmd(a[list(i)], b[list(j)])) for i, j in subsets]
    assert kernel_distance(a, b) == pytest.approx(np.mean(values), rel=1e-10)


def test_kernel_distance_is_unbiased():
    """0 on the mean over draws from one distribution, where the Frechet distance is far above."""
    draw = torch.Generator().manual_seed(0)
    draws = [torch.randn(2, 10, 8, generator=draw) for _ in range(500)]
    values = np.array([kernel_distance(a, b) for a, b in draws])
    assert abs(values.mean()) < 3 * values.std() / len(values) ** 0.5
    assert (values < 0).any(), "cut off at 0 it would be biased"
    assert np.mean([frechet_distance(a, b) for a, b in draws[:50]]) > 2


def test_spread_is_torch_fidelitys():
    a, b = features(40, 16, 0).double(), features(30, 16, 1, shift=0.2).double()
    theirs = kid_features_to_metric(a, b, kid_subsets=25, kid_subset_size=12, verbose=False)
    assert kernel_spread(a, b, subsets=25, subset_size=12) == pytest.approx(theirs[KEY_METRIC_KID_STD], rel=1e-9)
    assert kernel_spread(a, b, subsets=25, subset_size=12, seed=1) != pytest.approx(theirs[KEY_METRIC_KID_STD])


@pytest.mark.parametrize(("n", "m", "sigma"), [(7, 4, 10.0), (2, 9, 0.7), (20, 20, 3.0)])
def test_gaussian_kernel_distance_is_the_slow_one(n, m, sigma):
    a, b = features(n, 5, 0).double().numpy(), features(m, 5, 1, shift=0.5).double().numpy()

    def mean(x, y):
        return np.exp(-scipy.spatial.distance.cdist(x, y, "sqeuclidean") / (2 * sigma**2)).mean()

    expected = mean(a, a) + mean(b, b) - 2 * mean(a, b)  # every picture with itself, too: the biased estimate
    ours = gaussian_kernel_distance(torch.from_numpy(a), torch.from_numpy(b), sigma)
    assert ours == pytest.approx(expected, rel=1e-9)
    assert ours > 0


def test_cmmd_is_a_thousand_times_that_of_sigma_10_to_float64():
    """Of embeddings of length 1 the kernel is within 0.02 of 1: in float32 hardly a digit would be right."""
    a, b = (torch.nn.functional.normalize(features(count, 16, seed, 0.2), dim=1) for count, seed in ((50, 0), (40, 1)))
    x, y = a.double().numpy(), b.double().numpy()

    def one_minus(x, y):
        return -np.expm1(-scipy.spatial.distance.cdist(x, y, "sqeuclidean") / 200).mean()

    expected = 1000 * (2 * one_minus(x, y) - one_minus(x, x) - one_minus(y, y))
    assert cmmd(a, b) == pytest.approx(expected, rel=1e-9)
    assert cmmd(a, a) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("block", [1, 7, 13])
def test_blocks_change_nothing(monkeypatch, block):
    a, b = features(30, 6, 0), features(13, 6, 1)
    whole, spread = kernel_distance(a, b), kernel_spread(a, b, subset_size=5)
    gaussian = gaussian_kernel_distance(a, b, 2.0)
    monkeypatch.setattr(distances, "_BLOCK", block)
    assert kernel_distance(a, b) == pytest.approx(whole, rel=1e-10)
    assert kernel_spread(a, b, subset_size=5) == pytest.approx(spread, rel=1e-10)
    assert gaussian_kernel_distance(a, b, 2.0) == pytest.approx(gaussian, rel=1e-10)


@pytest.mark.parametrize("size", [1, 11])
def test_subsets_that_cannot_be_drawn(size):
    with pytest.raises(
        MetricError, match=rf"subsets of {size} images.*10 and 20 images; choose a subset_size from 2 to 10"
    ):
        kernel_spread(features(10, 4, 0), features(20, 4, 1), subset_size=size)


@pytest.mark.parametrize("distance", [frechet_distance, kernel_distance])
@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two(distance, count):
    with pytest.raises(MetricError, match=f"{count} image.*at least 2"):
        distance(features(5, 4, 0), features(5, 4, 1)[:count])


def both(**subsets):
    return frechet_and_kernel("frechet", "kernel", **subsets)


def measured(real, fake, order, batch, **subsets):
    metric = FeatureDistances(real, both(**subsets))
    for index in torch.tensor(order).split(batch):
        metric.update(index, fake[index])
    return metric.compute()


@pytest.mark.filterwarnings("error")
def test_metric_is_the_functions_whatever_the_order_the_batches_and_the_repeats():
    real, fake = features(60, 8, 0), features(40, 8, 1, shift=0.2)
    expected = {
        "frechet": frechet_distance(real, fake),
        "kernel": kernel_distance(real, fake),
        "kernel_std": kernel_spread(real, fake, 20, 10),
    }
    plain = measured(real, fake, list(range(40)), 7, subsets=20, subset_size=10)
    assert plain == expected, "to the last bit: the rows are put in the order of the dataset"
    shuffled = torch.randperm(40, generator=torch.Generator().manual_seed(0)).tolist()
    assert measured(real, fake, shuffled + shuffled[:5], 11, subsets=20, subset_size=10) == expected


@pytest.mark.filterwarnings("error")
def test_two_processes_give_the_number_of_one():
    real, fake = features(60, 8, 0), features(21, 8, 1)
    halves = {0: torch.arange(0, 21, 2), 1: torch.tensor([*range(1, 21, 2), 0])}  # a padded sampler repeats the first
    expected = measured(real, fake, list(range(21)), 4, subset_size=10)

    def gather(tensor, group=None):
        return [halves[0], halves[1]] if tensor.dtype == torch.int64 else [fake[halves[0]], fake[halves[1]]]

    metric = FeatureDistances(real, both(subset_size=10), dist_sync_fn=gather, distributed_available_fn=lambda: True)
    metric.update(halves[0], fake[halves[0]])
    assert metric.compute() == expected


@pytest.mark.parametrize("subset", [20, 25])  # 20 of 20 images are the same subset every time: no spread, not 0
def test_warns_once_of_too_few_images(subset):
    metric = FeatureDistances(features(60, 32, 0), both(subset_size=subset))
    metric.update(torch.arange(20), features(20, 32, 1))
    with pytest.warns(UserWarning, match="images") as caught:
        values = metric.compute()
    messages = [str(warning.message) for warning in caught]
    assert len(messages) == 2
    assert "20 generated and 60 real images against 32 features" in messages[0]
    assert "rank 19" in messages[0]
    assert f"20 images are no more than the {subset} of a subset" in messages[1]
    assert np.isnan(values["kernel_std"])
    assert np.isfinite([values["frechet"], values["kernel"]]).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metric.reset()
        metric.update(torch.arange(20), features(20, 32, 2))
        metric.compute()


def test_broken_images_are_named_by_their_position():
    fake = features(40, 8, 1)
    fake[3, 2], fake[17] = torch.nan, torch.inf
    metric = FeatureDistances(features(60, 8, 0), both(subset_size=10))
    metric.update(torch.arange(100, 140), fake)
    with pytest.raises(MetricError, match=r"2 of the generated images, at positions 103, 117 of the dataset"):
        metric.compute()
    with pytest.raises(MetricError, match=r"2 of the real images, at positions 3, 17"):
        FeatureDistances(fake, both())


def test_a_long_list_of_broken_images_is_cut():
    fake = torch.full((40, 8), torch.nan)
    with pytest.raises(MetricError, match=r"40 of the real images, at positions 0, 1, .*, 9, \.\.\. of"):
        FeatureDistances(fake, both())


def test_metric_of_fewer_than_two():
    with pytest.raises(MetricError, match="real 1 image"):
        FeatureDistances(features(1, 8, 0), both())
    metric = FeatureDistances(features(9, 8, 0), both())
    metric.update(torch.tensor([4, 4]), features(2, 8, 0))
    with pytest.raises(MetricError, match="generated 1 image"):
        metric.compute()


def test_real_features_move_with_the_metric_and_stay_out_of_checkpoints():
    metric = FeatureDistances(features(9, 8, 0), both())
    assert not metric.state_dict()
    assert metric.to("meta").real.device.type == "meta"


@pytest.mark.filterwarnings("error")
def test_a_metric_has_the_distances_it_is_given_and_their_warnings_only():
    real, fake = features(9, 8, 0), features(4, 8, 1)
    metric = FeatureDistances(real, {"cmmd": Distance(cmmd)})
    metric.update(torch.arange(4), fake)
    assert metric.compute() == {"cmmd": cmmd(real, fake)}
