"""INADE: a slow reference, its fast ways, and what noise of segments may and may not change."""

import math
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oasis.encodings import InstanceIds, Semantic
from oasis.errors import ConfigurationError
from oasis.instances import MAX_INSTANCES, count_segments, segment_ids
from oasis.labels import LabelSpace
from oasis.models import INADEGenerator, SPADEINADEGenerator
from oasis.models.inade import INADE, NoisySegments
from oasis.models.segment_guides import DenseSegmentGuide, TableSegmentGuide

CLASSES, NOISE, BATCH, HEIGHT, WIDTH = 5, 6, 2, 16, 32
SEGMENTS = count_segments(CLASSES)


def maps(seed: int = 0, instances: int = 4, height: int = HEIGHT, width: int = WIDTH) -> tuple[Tensor, Tensor]:
    """Stuff, and boxes that hide one another: label and instance (B, H, W)."""
    random = torch.Generator().manual_seed(seed)
    label = torch.zeros(BATCH, height, width, dtype=torch.int64)
    label[:, height // 2 :] = 1
    instance = torch.zeros_like(label)
    for image in range(BATCH):
        for number in range(1, instances + 1):
            y, x = (int(torch.randint(size - 2, (), generator=random)) for size in (height, width))
            label[image, y : y + 4, x : x + 5] = 2 + number % (CLASSES - 2)
            instance[image, y : y + 4, x : x + 5] = number
    return label, instance


def one_hot(label: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:
    return F.one_hot(label, CLASSES).permute(0, 3, 1, 2).to(dtype)


def noise_of(seed: int = 0, dim: int = NOISE) -> Tensor:
    return torch.randn(BATCH, SEGMENTS, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def layer(norm: str = "batch", channels: int = 3) -> INADE:
    torch.manual_seed(1)
    made = INADE(channels, CLASSES, NOISE, norm=norm).double()  # type: ignore[arg-type]
    for parameter in made.parameters():
        nn.init.normal_(parameter)  # those too that start at 0
    for name, buffer in made.norm.named_buffers():
        if name.startswith("running"):
            nn.init.uniform_(buffer, 0.5, 2)
    return made


def generator(kind: type = INADEGenerator, **settings: object) -> INADEGenerator:
    torch.manual_seed(2)
    settings = {"num_blocks": 3} | settings if kind is INADEGenerator else settings
    made = kind(CLASSES, CLASSES, NOISE, 2, init_gain=1.0, **settings)
    assert isinstance(made, INADEGenerator | SPADEINADEGenerator)
    return made.double()  # type: ignore[return-value]


def given(seed: int = 0, instances: int = 4, size: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """Condition, noise and segments, for pictures of a multiple of 16x32."""
    label, instance = maps(seed, instances, size * HEIGHT, size * WIDTH)
    return one_hot(label), noise_of(seed), segment_ids(label, instance, CLASSES)


def by_pixel(inade: INADE, normed: Tensor, label: Tensor, noise: Tensor, segments: Tensor) -> Tensor:
    """The formula of the paper, pixel by pixel."""
    out = torch.empty_like(normed)
    half = noise.shape[2] // 2
    for b, y, x in torch.cartesian_prod(*(torch.arange(size) for size in segments.shape)).tolist():
        z, one = noise[b, segments[b, y, x]], int(label[b, y, x])
        n = [inade.noise_weight @ z[part] + inade.noise_bias for part in (slice(half), slice(half, None))]
        gamma, beta = (inade.class_weight[one, i] * n[i] + inade.class_bias[one, i] for i in range(2))
        out[b, :, y, x] = gamma * normed[b, :, y, x] + beta
    return out


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("norm", ["batch", "instance"])
@pytest.mark.parametrize("training", [True, False])
def test_equals_the_formula_pixel_by_pixel(seed, norm, training):
    label, instance = maps(seed)
    noise, segments = noise_of(seed), segment_ids(label, instance, CLASSES)
    x = torch.randn(BATCH, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    inade, divisor = layer(norm).train(training), torch.tensor(1.7, dtype=torch.float64)
    with torch.no_grad():
        normed = (F.batch_norm if norm == "batch" else F.instance_norm)(
            x, *([inade.norm.running_mean, inade.norm.running_var] if norm == "batch" and not training else [None] * 2),
            **({"training": training} if norm == "batch" else {}),
        )  # fmt: skip
        expected = by_pixel(inade, normed, label, noise, segments)
        rows = NoisySegments.of(one_hot(label), noise, segments, CLASSES)
        torch.testing.assert_close(inade(x, rows), expected)
        weight = torch.randn(4, 3, 1, 1, dtype=torch.float64)
        for guide in (DenseSegmentGuide(rows), TableSegmentGuide(rows), TableSegmentGuide(rows.present())):
            found = guide.modulate(inade, x.clone(), inade.norm, 0.2, divisor=divisor, overwrite=True)
            torch.testing.assert_close(found, F.leaky_relu(expected, 0.2) / divisor)
            found = guide.project(inade, x.clone(), inade.norm, weight, divisor)
            torch.testing.assert_close(found, F.conv2d(expected, weight) / divisor)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_tables_have_the_gradients_of_maps(dtype):
    condition, noise, segments = given()
    x, grad = (torch.randn(BATCH, 3, HEIGHT, WIDTH, dtype=torch.float64) for _ in range(2))
    rows = NoisySegments.of(condition, noise.requires_grad_(), segments, CLASSES)
    found = []
    for guide in (DenseSegmentGuide(rows), TableSegmentGuide(rows.present())):
        inade, leaf = layer("instance"), x.to(dtype).requires_grad_()
        out = guide.modulate(inade, leaf, inade.norm, 0.2)
        assert out.dtype == dtype
        out.backward(grad.to(dtype))
        found.append([leaf.grad, noise.grad, *(weight.grad for weight in inade.parameters())])
        noise.grad = None
    for one, other in zip(*found, strict=True):
        assert one is not None
        assert (one != 0).any()
        assert (one - other).norm() <= (1e-12 if dtype == torch.float64 else 0.05) * other.norm()


@pytest.mark.parametrize(("height", "width"), [(16, 32), (8, 16), (2, 4), (1, 1)])
def test_scales_are_those_of_nearest(height, width):
    condition, noise, segments = given(instances=40)
    full = NoisySegments.of(condition, noise, segments, CLASSES)
    small, few = full.at(height, width), full.present().at(height, width)
    expected = F.interpolate(full.painted(), size=(height, width), mode="nearest")
    for rows in (small, few):
        assert rows.painted().equal(expected)
        assert rows.count <= max(rows.of_pixel.numel(), len(segments.unique()) * BATCH)
        shown = rows.paint(rows.classes[:, None].double())
        assert shown.equal(
            F.interpolate(condition.argmax(dim=1, keepdim=True).double(), size=(height, width), mode="nearest")
        )


def test_numbers_in_class_masks_are_classes_too():
    space = LabelSpace.cityscapes_train_ids()
    label = torch.full((1, 4, 8), space.names.index("car"))
    instance = torch.arange(8).expand(1, 4, 8)
    rows = NoisySegments.of(
        InstanceIds(space)(label, instance), torch.zeros(1, count_segments(space.num_classes), 2),
        segment_ids(label, instance, space.num_classes), space.num_classes,
    )  # fmt: skip
    assert rows.present().classes.tolist() == [space.names.index("car")] * 8


def test_an_instance_changes_its_own_pixels_only():
    condition, noise, segments = given()
    inade, x = layer("batch").eval(), torch.randn(BATCH, 3, HEIGHT, WIDTH, dtype=torch.float64)
    other = noise.clone()
    number = CLASSES + 4  # the last, which nothing hides
    other[0, number] += 1
    before, after = (inade(x, NoisySegments.of(condition, each, segments, CLASSES)) for each in (noise, other))
    own = segments == number
    own[1] = False
    assert own.any()
    assert ((before != after).any(dim=1) == own).all()


@pytest.mark.parametrize("norm", ["batch", "sync_batch"])
def test_in_a_picture_it_changes_what_is_near(norm):
    model = generator(norm=norm).eval()
    condition, noise, _ = given(size=8)
    segments = torch.zeros(BATCH, 8 * HEIGHT, 8 * WIDTH, dtype=torch.int64)
    segments[:, :16, :16] = CLASSES + 1
    other = noise.clone()
    other[0, CLASSES + 1] += 1
    with torch.no_grad():
        change = (model(condition, noise, segments) - model(condition, other, segments)).abs().amax(dim=1)
    # Three blocks at sizes 1/4, 1/2 and 1, two convolutions of 3x3 each, the stem and the last one.
    reach = 4 * (1 + 2) + 2 * 2 + 2 + 1
    assert (change[0, :16, :16] > 0).all()
    assert change[0, 16 + reach :].max() == 0
    assert change[0, :, 16 + reach :].max() == 0
    assert change[1].max() == 0


@pytest.mark.parametrize("kind", [INADEGenerator, SPADEINADEGenerator])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("instances", [0, 1, 50, 300])
def test_all_ways_make_one_picture(kind, training, instances):
    size = 1 if kind is INADEGenerator else 2
    condition, noise, segments = given(instances=instances, size=size)
    pictures = []
    for settings in ({"fast": False}, {"sparse": False}, {"sparse": True}):
        model = generator(kind, **settings).train(training)
        with torch.set_grad_enabled(training):
            pictures.append(model(condition, noise, segments))
    assert pictures[0].shape == (BATCH, 3, size * HEIGHT, size * WIDTH)
    assert 0.05 < pictures[0].std() < 1
    for picture in pictures[1:]:
        torch.testing.assert_close(picture, pictures[0])


def test_renumbering_instances_with_their_noise_changes_nothing():
    condition, noise, segments = given(instances=50)
    order = torch.cat(
        [torch.arange(CLASSES + 1), CLASSES + 1 + torch.randperm(MAX_INSTANCES, generator=torch.manual_seed(3))]
    )
    renumbered = torch.empty_like(noise)
    renumbered[:, order] = noise
    model = generator().eval()
    with torch.no_grad():
        expected, found = model(condition, noise, segments), model(condition, renumbered, order[segments])
    torch.testing.assert_close(found, expected)
    assert not order[segments].equal(segments)


def test_pictures_of_a_batch_are_independent():
    condition, noise, segments = given(instances=20)
    model = generator().eval()
    with torch.no_grad():
        together = model(condition, noise, segments)
        alone = [model(condition[i : i + 1], noise[i : i + 1], segments[i : i + 1]) for i in range(BATCH)]
    torch.testing.assert_close(torch.cat(alone), together)


@pytest.mark.parametrize("sparse", [True, False])
def test_everything_learns(sparse):
    condition, noise, segments = given(instances=20)
    model = generator(sparse=sparse)
    model(condition, noise.requires_grad_(), segments).square().mean().backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.isfinite().all(), name
        assert (weight.grad != 0).any(), name
    present = torch.zeros(BATCH, SEGMENTS, dtype=torch.bool).scatter_(1, segments.flatten(1), True)
    assert ((noise.grad != 0).any(dim=2) == present).all()


def test_two_instances_of_a_class_look_different_from_the_start():
    label = torch.full((BATCH, HEIGHT, WIDTH), 3)
    segments = torch.full_like(label, CLASSES + 1)
    segments[:, :, WIDTH // 2 :] = CLASSES + 2
    model, noise = generator().eval(), noise_of()
    with torch.no_grad():
        picture = model(one_hot(label), noise, segments)
        alike = noise.clone()
        alike[:, CLASSES + 2] = alike[:, CLASSES + 1]
        same = model(one_hot(label), alike, segments)
    left, right = picture[..., : WIDTH // 2].mean((2, 3)), picture[..., WIDTH // 2 :].mean((2, 3))
    same_left, same_right = same[..., : WIDTH // 2].mean((2, 3)), same[..., WIDTH // 2 :].mean((2, 3))
    assert (left - right).norm() > 3 * (same_left - same_right).norm()


def test_starts_as_the_paper_says():
    torch.manual_seed(0)
    inade = INADE(64, CLASSES, 128)
    assert 0 <= inade.class_weight.min() < 0.01
    assert 0.99 < inade.class_weight.max() <= 1
    assert inade.class_bias.eq(0).all()
    looks = F.linear(torch.randn(1000, 64), inade.noise_weight, inade.noise_bias)
    assert math.isclose(looks.std().item(), 1, rel_tol=0.05)
    model = INADEGenerator(CLASSES, CLASSES, 8, 4, 2)  # whose gain of 0.02 is for convolutions
    assert math.isclose(model.blocks[0].spade_0.noise_weight.std().item(), 0.5, rel_tol=0.2)
    assert model.blocks[0].spade_0.class_weight.max() > 0.9


def test_noise_is_drawn_if_there_is_none():
    condition, _, segments = given()
    model = generator().eval()
    assert model.noise_shape == (SEGMENTS, NOISE)
    with torch.no_grad():
        torch.manual_seed(5)
        noise = torch.randn(BATCH, SEGMENTS, NOISE, dtype=torch.float64)
        torch.manual_seed(5)
        drawn = model(condition, segments=segments)
        assert drawn.equal(model(condition, noise, segments))
        assert not drawn.equal(model(condition, segments=segments))


@pytest.mark.parametrize("sparse", [True, False])
def test_mixed_precision(sparse):
    condition, noise, segments = (each.float() if each.is_floating_point() else each for each in given(instances=20))
    model = generator(sparse=sparse).float().eval()
    exact = model(condition, noise, segments)
    with torch.autocast("cpu", torch.bfloat16):
        rough = model(condition, noise, segments)
    assert rough.dtype == torch.bfloat16
    assert (rough - exact).abs().mean() < 0.05
    rough.float().square().mean().backward()
    assert all(weight.grad.isfinite().all() for weight in model.parameters())


def by_hand(widths: tuple[int, ...], classes: int, condition: int, noise: int) -> int:
    def norm(width: int) -> int:  # one linear layer, and two w and b a class
        return width * (noise // 2 + 1) + 4 * classes * width

    def convolution(inputs: int, outputs: int) -> int:
        return 9 * inputs * outputs + outputs

    count = convolution(condition + noise, widths[0]) + convolution(widths[-1], 3)
    for inputs, outputs in pairwise(widths):
        middle = min(inputs, outputs)
        count += norm(inputs) + convolution(inputs, middle) + norm(middle) + convolution(middle, outputs)
        count += (norm(inputs) + inputs * outputs) * (inputs != outputs)
    return count


@pytest.mark.parametrize(
    ("kind", "factors", "condition", "expected"),
    [
        (INADEGenerator, (16, 16, 16, 8, 4, 2, 1), 35, 51_180_035),
        (SPADEINADEGenerator, (16, 16, 16, 16, 8, 4, 2, 1), 36, 70_485_507),
    ],
)
def test_full_width(kind, factors, condition, expected):
    with torch.device("meta"):
        model = kind(condition, 35)
    assert sum(weight.numel() for weight in model.parameters()) == expected
    assert by_hand(tuple(64 * factor for factor in factors), 35, condition, 128) == expected


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda c, z, s: (c, z[:, 0], s), r"noise of shape \(2, 6\); it must be \(2, 1029, 6\)"),
        (lambda c, z, s: (c, z[:, :-1], s), r"noise of shape \(2, 1028, 6\)"),
        (lambda c, z, s: (c, z), r"no segments, but each has noise of its own.*segment_ids"),
        (lambda c, z, s: (c, z, s[:, 1:]), r"segments of shape \(2, 15, 32\)"),
        (lambda c, z, s: (c, z, s.double()), r"type torch.float64; they must be \(2, 16, 32\) int64"),
        (lambda c, z, s: (c[:, 1:], z, s), r"the condition has 4 channels"),
        (lambda c, z, s: (c[:, :, 1:], z, s[:, 1:]), r"pictures of 15x32"),
    ],
)
def test_unfit_inputs(change, match):
    with pytest.raises(ConfigurationError, match=match):
        generator()(*change(*given()))


@pytest.mark.parametrize("dim", [0, 1, 7])
def test_noise_without_halves(dim):
    with pytest.raises(ConfigurationError, match=rf"noise_dim={dim}: must be even and at least 2"):
        INADEGenerator(CLASSES, CLASSES, dim)


def test_a_condition_without_classes():
    with pytest.raises(ConfigurationError, match=r"the encoding has 4 channels.*the first 5, one a class"):
        SPADEINADEGenerator(CLASSES - 1, CLASSES)


def test_channels_beyond_the_classes_reach_the_stem(ids):
    assert Semantic(ids).channels == ids.num_classes
    torch.manual_seed(0)
    model = INADEGenerator(CLASSES + 2, CLASSES, NOISE, 2, 3, init_gain=1.0).double().eval()
    condition, noise, segments = given()
    extra = torch.randn(BATCH, 2, HEIGHT, WIDTH, dtype=torch.float64)
    with torch.no_grad():
        before = model(torch.cat([condition, 0 * extra], dim=1), noise, segments)
        assert not model(torch.cat([condition, 0.1 * extra], dim=1), noise, segments).equal(before)
