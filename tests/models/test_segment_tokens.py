"""A token per segment: the tokens' inputs against slow references, and what a generator with them keeps to."""

import copy
import math

import pytest
import torch
from torch import nn

from oasis.errors import ConfigurationError
from oasis.instances import MAX_INSTANCES, count_segments
from oasis.models import SegmentTokenGenerator
from oasis.models.attention import SelfAttention
from oasis.models.guides import DenseGuide
from oasis.models.patch_guide import PatchGuide
from oasis.models.pyramid import GuidePyramid
from oasis.models.segment_geometry import FEATURES, features, geometry
from oasis.models.segment_rows import PresentSegments, SegmentRows

CLASSES, NOISE, HEIGHT, WIDTH = 4, 3, 32, 64
S = count_segments(CLASSES)
THING = 3


def street(count, seed=0):
    """A picture of two classes of stuff and `count` instances of the thing, with gaps between their numbers.

    Returns:
        (H, W) classes and (H, W) segments.
    """
    random = torch.Generator().manual_seed(seed)
    label = torch.zeros(HEIGHT, WIDTH, dtype=torch.int64)
    label[HEIGHT // 2 :] = 1
    segments = label.clone()
    places = torch.randperm(HEIGHT * WIDTH // 4, generator=random)[:count]  # blocks of 2x2
    numbers = torch.randperm(MAX_INSTANCES, generator=random)[:count] + 1
    for place, number in zip(places.tolist(), numbers.tolist(), strict=True):
        y, x = 2 * (place // (WIDTH // 2)), 2 * (place % (WIDTH // 2))
        label[y : y + 2, x : x + 2] = THING
        segments[y : y + 2, x : x + 2] = CLASSES + number
    return label, segments


def batch_of(*counts):
    """Condition (B, C, H, W) float64 and segments of streets."""
    pairs = [street(count, seed) for seed, count in enumerate(counts)]
    label, segments = (torch.stack(each) for each in zip(*pairs, strict=True))
    return nn.functional.one_hot(label, CLASSES).permute(0, 3, 1, 2).double(), segments


def noise_of(size, seed=7):
    return torch.randn(size, S, NOISE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def tiny(**options):
    torch.manual_seed(0)
    sizes = {"channels": 2, "num_blocks": 3, "spade_channels": 4, "token_channels": 5, "token_dim": 8, "token_heads": 2}
    return SegmentTokenGenerator(CLASSES, CLASSES, NOISE, **sizes, init_gain=1.0, **options).double()


@pytest.mark.parametrize("count", [0, 1, 50, 200])
def test_where_segments_are(count):
    _, segments = batch_of(count, 3)
    found = PresentSegments.of(segments, S)
    measures = geometry(found)
    assert found.segment.shape == found.present.shape == (2, max(count, 3) + 2)
    assert measures.shape == (2, max(count, 3) + 2, 7)
    for image, numbers in enumerate(segments):
        present, rows, grid = sorted(set(numbers.flatten().tolist())), found.number[image].tolist(), numbers.tolist()
        assert found.segment[image][found.present[image]].tolist() == present
        assert (measures[image][~found.present[image]] == 0).all()
        for row, number in enumerate(present):
            pixels = [(y, x) for y in range(HEIGHT) for x in range(WIDTH) if grid[y][x] == number]
            assert all(rows[y][x] == row for y, x in pixels)
            ys, xs = zip(*pixels, strict=True)
            expected = [
                (sum(ys) / len(ys) + 0.5) / HEIGHT,
                (sum(xs) / len(xs) + 0.5) / WIDTH,
                (max(ys) - min(ys) + 1) / HEIGHT,
                (max(xs) - min(xs) + 1) / WIDTH,
                min(ys) / HEIGHT,
                min(xs) / WIDTH,
                math.log(len(pixels) / (HEIGHT * WIDTH)),
            ]
            assert measures[image, row].tolist() == pytest.approx(expected, abs=1e-6)


def test_features_are_sines_of_the_measures():
    measures = torch.rand(1, 2, 7)
    found = features(measures)
    assert found.shape == (1, 2, FEATURES)
    shares = [float(value) for value in measures[0, 1, :6]]
    angles = [share * math.pi * 2**k for share in shares for k in range(5)]
    expected = [2 * share - 1 for share in shares] + [math.sin(a) for a in angles] + [math.cos(a) for a in angles]
    assert found[0, 1].tolist() == pytest.approx([*expected, float(measures[0, 1, 6]) / 10], abs=1e-5)


def test_attention_is_that_of_the_formula():
    torch.manual_seed(0)
    layer = SelfAttention(6, 2).double()
    x, present = torch.randn(2, 5, 6).double(), torch.tensor([[True] * 5, [True, True, False, True, False]])
    expected = torch.zeros_like(x)
    for image in range(2):
        query, key, value = layer.project(x[image]).chunk(3, dim=1)
        seen = [index for index in range(5) if present[image, index]]
        for token in range(5):
            for head in (slice(0, 3), slice(3, 6)):
                scores = torch.stack([query[token, head] @ key[index, head] / math.sqrt(3) for index in seen])
                weights = scores.exp() / scores.exp().sum()
                expected[image, token, head] = sum(w * value[i, head] for w, i in zip(weights, seen, strict=True))
    torch.testing.assert_close(layer(x, present), layer.out(expected))


@pytest.mark.parametrize("counts", [(0, 0), (1, 0), (3, 300), (50, 7)])
def test_a_picture_does_not_depend_on_the_others(counts):
    generator = tiny().eval()
    condition, segments = batch_of(*counts)
    noise = noise_of(2)
    together = generator(condition, noise, segments)
    for image in range(2):
        one = slice(image, image + 1)
        alone = generator(condition[one], noise[one], segments[one])
        torch.testing.assert_close(together[one], alone, rtol=0, atol=1e-9)
    assert together.std() > 0.02


def test_empty_rows_change_nothing():
    """The table of a GPU has all rows, that of a CPU only those of the fullest picture."""
    tokens = tiny().tokens
    condition, segments = batch_of(3, 40)
    noise = noise_of(2)
    few, many = (
        tokens.of_present(condition, noise, PresentSegments.of(segments, S, most)).painted(HEIGHT, WIDTH)
        for most in (None, S)
    )
    torch.testing.assert_close(few, many, rtol=0, atol=1e-10)
    assert PresentSegments.of(segments, S).segment.shape == (2, 42)
    assert PresentSegments.of(segments.to("meta"), S).segment.shape == (2, S)


def test_numbers_of_instances_do_not_matter():
    generator = tiny().eval()
    condition, segments = batch_of(50, 3)
    noise = noise_of(2)
    order = torch.randperm(MAX_INSTANCES, generator=torch.Generator().manual_seed(1))
    renamed = torch.cat([torch.arange(CLASSES + 1), order + CLASSES + 1])  # classes stay
    moved = torch.empty_like(noise)
    moved[:, renamed] = noise
    assert not torch.equal(renamed[segments], segments)
    found = generator(condition, moved, renamed[segments])
    torch.testing.assert_close(found, generator(condition, noise, segments), rtol=0, atol=1e-9)
    assert not torch.allclose(generator(condition, noise, renamed[segments]), found)  # the noise is the individual's


def test_the_noise_of_an_individual_changes_itself_most():
    tokens = tiny().tokens
    condition, segments = batch_of(20)
    noise = noise_of(1)
    changed = noise.clone()
    number = int(segments.max())
    changed[:, number] = noise_of(1, seed=8)[:, number]
    before, after = (tokens(condition, each, segments, S).painted(HEIGHT, WIDTH) for each in (noise, changed))
    difference = (after - before).norm(dim=1)
    own = segments == number
    assert difference[own].min() > 3 * difference[~own].max()
    assert difference[~own].min() > 0  # all see all


def test_a_class_is_known_from_the_condition():
    """From which channel is the largest, not from how large it is; the noise and the places are the same here."""
    tokens = tiny().tokens
    condition, segments = batch_of(2)
    noise = noise_of(1)

    def rows(shown):
        return tokens(shown, noise, segments, S).rows

    counted = condition.clone()
    counted[:, THING] *= torch.randint(1, 9, (HEIGHT, WIDTH))  # as encoding=instance_ids
    torch.testing.assert_close(rows(counted), rows(condition), rtol=0, atol=0)
    other = condition.clone()
    other[:, [0, THING]] = condition[:, [THING, 0]]
    assert not torch.allclose(rows(other), rows(condition))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("sparse", [True, False])
@pytest.mark.parametrize("count", [0, 1, 30])
def test_the_fast_path_is_the_plain_one(sparse, count, training):
    condition, segments = batch_of(count, 2)
    results = []
    for options in ({"fast": False}, {"fast": True, "sparse": sparse}):
        generator = tiny(**options).train(training)
        noise = noise_of(2).requires_grad_()
        picture = generator(condition, noise, segments)
        (picture * torch.linspace(-1, 1, picture.numel()).view_as(picture)).sum().backward()
        gradients = {name: parameter.grad for name, parameter in generator.named_parameters()}
        results.append({**gradients, "noise": noise.grad, "picture": picture.detach()})
    assert results[0].keys() == results[1].keys()
    for name, expected in results[0].items():
        torch.testing.assert_close(results[1][name], expected, rtol=1e-8, atol=1e-9, msg=name)
        assert expected.isfinite().all()
        # In training mode a norm subtracts the bias before it.
        assert expected.abs().max() > 1e-9 or (training and name.endswith("bias")), name


def test_which_guide_there_is():
    condition, segments = batch_of(3)
    rows = SegmentRows(torch.randn(1, 5, 2, requires_grad=True), PresentSegments.of(segments, S).number)
    assert isinstance(GuidePyramid(condition, rows, sparse=True).at(HEIGHT, WIDTH), PatchGuide)
    assert isinstance(GuidePyramid(condition, rows, sparse=False).at(HEIGHT, WIDTH), DenseGuide)
    half = GuidePyramid(condition.bfloat16(), rows, sparse=True)  # which could not count to 300
    assert half._distinct.table.shape == (5, CLASSES + 1)


@pytest.mark.parametrize("sparse", [True, False])
def test_every_pixel_a_segment(sparse):
    condition = torch.zeros(1, CLASSES, HEIGHT, WIDTH).double()
    condition[:, THING] = 1
    segments = torch.arange(HEIGHT * WIDTH).view(1, HEIGHT, WIDTH) % MAX_INSTANCES + CLASSES + 1
    generator = tiny(sparse=sparse)
    picture = generator(condition, noise_of(1), segments)
    picture.square().mean().backward()
    assert picture.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in generator.tokens.parameters())


def test_in_bfloat16_it_is_near():
    generator = tiny().float()
    condition, segments = batch_of(30, 2)
    condition, noise = condition.float(), noise_of(2).float()
    exact = copy.deepcopy(generator)(condition, noise, segments)
    with torch.autocast("cpu", torch.bfloat16):
        found = generator(condition, noise, segments)
        found.float().square().mean().backward()
    assert 0 < (found.float() - exact).abs().mean() < 0.05
    assert all(parameter.grad.isfinite().all() for parameter in generator.parameters())


def test_noise_is_drawn_as_it_is_passed():
    generator = tiny().eval()
    condition, segments = batch_of(3)
    torch.manual_seed(5)
    drawn = generator(condition, None, segments)
    noise = torch.randn(1, S, NOISE, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    assert generator(condition, noise, segments).equal(drawn)
    assert generator.noise_shape == (S, NOISE)


def test_without_noise():
    torch.manual_seed(0)
    generator = SegmentTokenGenerator(CLASSES, CLASSES, 0, 2, 3, spade_channels=4).double().eval()
    condition, segments = batch_of(3)
    assert generator(condition, None, segments).equal(generator(condition, None, segments))
    with pytest.raises(ConfigurationError, match="without noise"):
        generator(condition, noise_of(1), segments)


def test_what_does_not_fit():
    generator = tiny()
    condition, segments = batch_of(3)
    with pytest.raises(ConfigurationError, match=r"no segments.*\(1, 32, 64\).*docs/data\.md"):
        generator(condition, noise_of(1))
    with pytest.raises(ConfigurationError, match=r"segments of shape \(1, 32, 32\)"):
        generator(condition, noise_of(1), segments[..., :32])
    with pytest.raises(ConfigurationError, match=r"noise of shape \(1, 3\); it must be \(1, 1028, 3\)"):
        generator(condition, torch.zeros(1, NOISE), segments)
    with pytest.raises(ConfigurationError, match=r"32x62.*multiples of 4"):
        generator(condition[..., :62], noise_of(1), segments[..., :62])
    for options, message in (
        ({"token_dim": 6, "token_heads": 4}, r"token_dim=6, generator\.token_heads=4.*multiple"),
        ({"token_layers": 0}, r"token_layers=0: must be at least 1"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            SegmentTokenGenerator(CLASSES, CLASSES, NOISE, 2, 3, **options)
    with pytest.raises(ConfigurationError, match=r"3 channels.*the first 4, one a class"):
        SegmentTokenGenerator(3, 4)


def test_published_width():
    """Counted by hand: OASIS with 32 channels of noise, and the tokens'."""

    def linear(inputs, outputs):
        return inputs * outputs + outputs

    block = linear(64, 3 * 64) + linear(64, 64) + linear(64, 256) + linear(256, 64) + 2 * 2 * 64
    tokens = 35 * 64 + linear(67, 64) + 64 * 64 + 2 * block + 2 * 64 + linear(64, 32)
    with torch.device("meta"):
        generator = SegmentTokenGenerator(35, 35)
    spades = 18 - 2  # of six blocks, two without a learnt shortcut
    oasis = 71_107_523 - 9 * 32 * (1024 + spades * 128)
    assert sum(each.numel() for each in generator.tokens.parameters()) == tokens
    assert sum(each.numel() for each in generator.parameters()) == oasis + tokens == 70_335_651
