import itertools
import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import correlate1d
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure
from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity
from torchvision.models import alexnet

from oasis.errors import ConfigurationError, MetricError, MissingWeightsError
from oasis.metrics.diversity import Diversity, LPIPSDistance, StructuralDistance

NAMES = ("road", "sky", "car")
ROAD, SKY, CAR, VOID = range(4)
ALEXNET = "alexnet-owt-7be5be79.pth"


def pictures(*shape, seed=0):
    """Random pictures with some structure at several scales, in [-1, 1]."""
    generator = torch.Generator().manual_seed(seed)
    flat = torch.rand(math.prod(shape[:-3]), *shape[-3:], generator=generator)
    coarse = torch.nn.functional.interpolate(flat[:, :, ::8, ::8], shape[-2:], mode="bilinear")
    return (0.7 * coarse + 0.3 * flat).view(shape) * 2 - 1


def pairs_of(count):
    return torch.tensor([*itertools.combinations(range(count), 2)])


@pytest.fixture
def street():
    """(1, 64, 128): sky over road, two cars, a strip of void."""
    label = torch.full((1, 64, 128), ROAD)
    label[:, :30] = SKY
    label[:, 24:40, 20:50] = CAR
    label[:, 28:44, 80:100] = CAR
    label[:, 60:] = VOID
    return label


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """torch.hub's cache, empty."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def with_alexnet(hub):
    torch.manual_seed(0)
    torch.save(alexnet(weights=None).state_dict(), hub / ALEXNET)
    return hub


@pytest.mark.parametrize("size", [(176, 200), (64, 128), (45, 81), (20, 30)])
def test_ms_ssim_equals_torchmetrics(size):
    """Where it holds fewer than five scales, torchmetrics is told which, and to what sum their exponents come."""
    image, pairs = pictures(4, 3, *size), pairs_of(4)
    image[3] = image[0] * 0.9 + 0.05  # one pair that is nearly the same
    scales = {176: 5, 64: 3, 45: 3, 20: 1}[size[0]]
    betas = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])
    betas = betas[:scales] * betas.sum() / betas[:scales].sum()
    x, y = ((image.double() + 1) / 2)[pairs.T]
    expected = 1 - multiscale_structural_similarity_index_measure(
        x, y, data_range=1.0, betas=tuple(betas.tolist()), reduction="none"
    )
    distance = StructuralDistance()(image, pairs)
    torch.testing.assert_close(distance.double(), expected.double(), atol=3e-6, rtol=0)
    assert distance.dtype == torch.float32


def test_five_scales_are_the_published_ones():
    image = pictures(2, 3, 176, 176)
    x, y = ((image + 1) / 2)[pairs_of(2).T]
    expected = 1 - multiscale_structural_similarity_index_measure(x, y, data_range=1.0)
    torch.testing.assert_close(StructuralDistance()(image, pairs_of(2))[0], expected, atol=1e-5, rtol=0)


def test_one_scale_equals_scipy():
    """SSIM from its definition in float64: one scale, so luminance, contrast and structure are all there."""
    image = pictures(2, 3, 16, 21)
    x, y = ((image.double() + 1) / 2).numpy()
    bell = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))

    def mean(maps):
        for axis in (1, 2):
            maps = correlate1d(maps, bell / bell.sum(), axis=axis, mode="mirror")
        return maps

    covariance = mean(x * y) - mean(x) * mean(y)
    variances = mean(x * x) - mean(x) ** 2 + mean(y * y) - mean(y) ** 2
    luminance = (2 * mean(x) * mean(y) + 1e-4) / (mean(x) ** 2 + mean(y) ** 2 + 1e-4)
    ssim = (luminance * (2 * covariance + 9e-4) / (variances + 9e-4)).mean()
    exponent = 0.0448 + 0.2856 + 0.3001 + 0.2363 + 0.1333
    assert StructuralDistance()(image, pairs_of(2)).item() == pytest.approx(1 - max(ssim, 0) ** exponent, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(11, 70), st.integers(11, 70), st.integers(0, 1000), st.floats(0, 1))
def test_ms_ssim_is_a_distance_between_0_and_1(height, width, seed, share):
    first, second = pictures(2, 3, height, width, seed=seed)
    image = torch.stack([first, share * first + (1 - share) * second, first.clone()])
    there, back, same = StructuralDistance()(image, torch.tensor([(0, 1), (1, 0), (0, 2)]))
    assert 0 <= there <= 1
    assert torch.isclose(there, back, atol=1e-5)
    assert same == 0  # exactly


def test_opposites_are_at_most_1_apart():
    first = pictures(1, 3, 64, 64)
    assert StructuralDistance()(torch.cat([first, -first]), pairs_of(2)).item() == 1


def test_pictures_smaller_than_the_window():
    with pytest.raises(ConfigurationError, match=r"10 x 40 are smaller than the window of MS-SSIM, which is 11"):
        StructuralDistance()(pictures(2, 3, 10, 40), pairs_of(2))


def test_lpips_equals_torchmetrics(with_alexnet):
    image, pairs = pictures(3, 3, 64, 96), pairs_of(3)
    theirs = LearnedPerceptualImagePatchSimilarity(net_type="alex")
    expected = [theirs(image[None, a], image[None, b]) for a, b in pairs.tolist()]
    distance = LPIPSDistance()
    torch.testing.assert_close(distance(image, pairs), torch.stack(expected))
    assert (distance(image, torch.tensor([(1, 1), (2, 2)])) == 0).all()


def test_lpips_knows_neither_training_mode_nor_autocast(with_alexnet):
    image, distance = pictures(2, 3, 64, 64), LPIPSDistance()
    expected = distance(image, pairs_of(2))
    distance.train()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(distance(image, pairs_of(2)), expected)
    assert not any(parameter.requires_grad for parameter in distance.parameters())


def test_lpips_without_weights_and_network(hub, monkeypatch):
    def unreachable(*args, **kwargs):
        raise OSError("Name or service not known")

    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    with pytest.raises(MissingWeightsError, match=f"(?s){hub}.*not known.*Fetch https://.*{ALEXNET}"):
        LPIPSDistance()


class Harmful:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was run",))


@pytest.mark.parametrize("damage", ["cut", "foreign", "pickle"])
def test_lpips_with_a_damaged_file(with_alexnet, damage):
    file = with_alexnet / ALEXNET
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:100_000])
    elif damage == "foreign":
        torch.save({"features.0.weight": torch.zeros(3)}, file)
    else:
        file.write_bytes(pickle.dumps(Harmful()))
    with pytest.raises(MissingWeightsError, match=r"AlexNet of LPIPS can be neither read from"):
        LPIPSDistance()


def test_identical_draws_have_no_diversity(street, with_alexnet):
    metric = Diversity(NAMES, LPIPSDistance())
    metric.update(torch.tensor([0]), pictures(1, 1, 3, 64, 128).expand(3, -1, -1, -1, -1), street)
    result = metric.compute()
    assert set(result.values()) == {(0.0, 0.0, 0.0)}
    assert set(result) == {
        f"diversity/{distance}{region}" for distance in ("ms_ssim", "lpips") for region in ("", "/road", "/sky", "/car")
    }


def test_cars_that_differ_count_for_cars_only(street, with_alexnet):
    metric = Diversity(NAMES, LPIPSDistance())
    first, second = pictures(2, 1, 3, 64, 128)
    metric.update(torch.tensor([0]), torch.stack([first, torch.where(street == CAR, second, first)]), street)
    result = metric.compute()
    for distance in ("diversity/ms_ssim", "diversity/lpips"):
        assert result[f"{distance}/road"] == result[f"{distance}/sky"] == (0, 0)
        # All that differs is in the cars: pasting them makes the other picture.
        assert result[f"{distance}/car"] == pytest.approx(result[distance], rel=1e-6)
        assert result[distance][0] == result[distance][1] > 1e-4


def test_void_counts_in_the_whole_only(street):
    metric = Diversity(NAMES)
    first, second = pictures(2, 1, 3, 64, 128)
    metric.update(torch.tensor([0]), torch.stack([first, torch.where(street == VOID, second, first)]), street)
    result = metric.compute()
    assert result.pop("diversity/ms_ssim")[0] > 0
    assert set(result.values()) == {(0.0, 0.0)}


def test_means_over_pairs_images_and_the_images_that_have_the_class(street):
    """Spelled out: loops over images, pairs and classes; the second image has no car."""
    label = torch.cat([street, street.where(street != CAR, torch.tensor(ROAD))])
    draws = pictures(3, 2, 3, 64, 128)
    metric = Diversity(NAMES)
    metric.update(torch.tensor([4, 2]), draws, label)
    result = metric.compute()

    def distance(a, b):
        betas = np.array([0.0448, 0.2856, 0.3001])
        return 1 - multiscale_structural_similarity_index_measure(
            (a[None] + 1) / 2, (b[None] + 1) / 2, data_range=1.0, betas=tuple((betas * 1.0001 / betas.sum()).tolist())
        )

    def mean(values):
        return sum(values) / len(values)

    whole, classes = [], {name: [] for name in NAMES}
    for s in range(3):
        whole.append(mean([float(distance(draws[s, i], draws[t, i])) for i in range(2) for t in range(3) if t != s]))
        for c, name in enumerate(NAMES):
            found = []
            for i in range(2):
                if (label[i] == c).any():
                    pasted = draws[s, i].clone()
                    pasted[:, label[i] == c] = draws[(s + 1) % 3, i][:, label[i] == c]
                    found.append(float(distance(draws[s, i], pasted)))
            assert len(found) == (1 if name == "car" else 2)
            classes[name].append(mean(found))
    assert set(result) == {"diversity/ms_ssim", *(f"diversity/ms_ssim/{name}" for name in NAMES)}
    assert result["diversity/ms_ssim"] == pytest.approx(whole, abs=1e-5)
    for name, values in classes.items():
        assert result[f"diversity/ms_ssim/{name}"] == pytest.approx(values, abs=1e-5)
    pairs = [float(distance(draws[a, i], draws[b, i])) for i in range(2) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert mean(result["diversity/ms_ssim"]) == pytest.approx(mean(pairs), abs=1e-5)


def test_classes_that_no_image_has_are_left_out():
    metric = Diversity(NAMES)
    metric.update(torch.tensor([0]), pictures(2, 1, 3, 32, 32), torch.full((1, 32, 32), SKY))
    assert set(metric.compute()) == {"diversity/ms_ssim", "diversity/ms_ssim/sky"}


def test_neither_order_nor_batches_nor_repeats_matter(street):
    draws, label = pictures(2, 4, 3, 64, 128), street.expand(4, -1, -1)
    together, apart = Diversity(NAMES), Diversity(NAMES)
    together.update(torch.arange(4), draws, label)
    for i in (2, 0, 3, 1, 2):
        apart.update(torch.tensor([i]), draws[:, i : i + 1], label[i : i + 1])
    assert apart.compute() == together.compute()


def test_one_draw_is_not_enough(street):
    with pytest.raises(ConfigurationError, match="at least 2 draws of each label map, not 1"):
        Diversity(NAMES).update(torch.tensor([0]), pictures(1, 1, 3, 64, 128), street)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_pictures_that_are_no_numbers(street, value):
    draws = pictures(2, 2, 3, 64, 128)
    draws[1, 1, 2, 5, 7] = value
    with pytest.raises(MetricError, match=r"images at \[12\] of the dataset hold NaN or infinity"):
        Diversity(NAMES).update(torch.tensor([11, 12]), draws, street.expand(2, -1, -1))


def test_nothing_measured():
    with pytest.raises(MetricError, match="Diversity: there is no image to measure"):
        Diversity(NAMES).compute()
