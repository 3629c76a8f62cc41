import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from oasis.errors import ConfigurationError
from oasis.instances import boundaries, center_heatmap, center_offsets
from oasis.labels import LabelSpace
from oasis.losses import InstanceLoss

VOID, ROAD, CAR = 0, 1, 2
SPACE = dataclasses.replace(
    LabelSpace.cityscapes_ids(),
    names=("void", "road", "car"),
    palette=((0, 0, 0),) * 3,
    things=frozenset({CAR}),
    ignore_index=VOID,
    raw_to_class=(VOID, ROAD, CAR, *[-1] * 253),
)
CHANNELS = {"center": 1, "offset": 2, "boundary": 1}


def street(batch=2, height=8, width=16):
    """Two touching cars, a group of cars, a strip of void, road; the second image has one car only."""
    label = torch.full((batch, height, width), ROAD)
    instance = torch.zeros_like(label)
    label[:, 2:6, 1:9] = CAR
    instance[:, 2:6, 1:5] = 1
    instance[0, 2:6, 5:9] = 2  # elsewhere that half is a group
    label[:, 1:4, 11:14] = CAR  # a group
    label[:, -1] = VOID
    return label, instance


def group_or_void(label, instance):
    return ((label == CAR) & (instance == 0)) | (label == VOID)


def random_heads(label, seed=0, requires_grad=False):
    draw = torch.Generator().manual_seed(seed)
    batch, height, width = label.shape
    return {
        name: torch.randn(batch, channels, height, width, generator=draw).requires_grad_(requires_grad)
        for name, channels in CHANNELS.items()
    }


def perfect_heads(label, instance, sigma):
    height = label.shape[1]
    return {
        "center": center_heatmap(instance, sigma * height),
        "offset": center_offsets(instance) / height,
        "boundary": 100 * (2 * boundaries(label, instance) - 1),
    }


def plain_loss(**settings):
    return InstanceLoss(
        SPACE, **{"center_weight": 1, "offset_weight": 1, "boundary_weight": 1, "sigma": 0.25} | settings
    )


def slow_losses(heads, label, instance, sigma):
    """Pixel by pixel, from the definitions."""
    heads = {name: said.detach().numpy().astype(float) for name, said in heads.items()}
    label = label.numpy()
    instance = np.where(label == CAR, instance.numpy(), 0)
    batch, height, width = label.shape
    targets = [image_targets(label[b], instance[b], sigma * height) for b in range(batch)]
    found = {"center": [], "offset": [], "boundary": []}
    for b, (heatmap, offset, edge) in enumerate(targets):
        squares, lengths, on, off = [], [], [], []
        for y, x in np.ndindex(height, width):
            if instance[b, y, x] > 0:
                dy, dx = (heads["offset"][b, i, y, x] - offset[i, y, x] / height for i in range(2))
                lengths.append(abs(dy) + abs(dx))
            if label[b, y, x] == VOID or (label[b, y, x] == CAR and instance[b, y, x] == 0):
                continue
            squares.append((heads["center"][b, 0, y, x] - heatmap[y, x]) ** 2)
            sign = 1 if edge[y, x] else -1
            (on if edge[y, x] else off).append(math.log(1 + math.exp(-sign * heads["boundary"][b, 0, y, x])))
        found["center"].append(np.mean(squares) if squares else 0)
        found["offset"].append(np.mean(lengths) if lengths else 0)
        found["boundary"].append(((np.mean(on) if on else 0) + (np.mean(off) if off else 0)) / 2)
    return {name: np.mean(values) for name, values in found.items()}


def image_targets(label, instance, sigma):
    """Heatmap, offsets and edges of one image; (H, W), (2, H, W), (H, W)."""
    height, width = label.shape
    heatmap, offset, edge = np.zeros((height, width)), np.zeros((2, height, width)), np.zeros((height, width), bool)
    for k in set(instance.flat) - {0}:
        ys, xs = np.nonzero(instance == k)
        center = np.array([ys.mean(), xs.mean()])
        peaks = [(y, x) for y in halves(center[0]) for x in halves(center[1])]
        for y, x in np.ndindex(height, width):
            square = min((y - p) ** 2 + (x - q) ** 2 for p, q in peaks)
            if square <= 9 * sigma**2:
                heatmap[y, x] = max(heatmap[y, x], math.exp(-square / (2 * sigma**2)))
            if instance[y, x] == k:
                offset[:, y, x] = center - (y, x)
    for y, x in np.ndindex(height, width):
        for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if 0 <= v < height and 0 <= u < width:
                edge[y, x] |= label[y, x] != label[v, u] or instance[y, x] != instance[v, u]
    return heatmap, offset, edge


def halves(center):
    """The nearest whole number, or both of them."""
    return {math.ceil(center - 0.5), math.floor(center + 0.5)}


def test_a_street_by_slow_loops():
    label, instance = street()
    heads = random_heads(label)
    for name, expected in slow_losses(heads, label, instance, 0.25).items():
        assert plain_loss()(heads, label, instance)[name].item() == pytest.approx(expected, rel=1e-5), name


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), size=st.tuples(st.integers(1, 3), st.integers(2, 6), st.integers(1, 6)))
def test_any_maps_by_slow_loops(seed, size):
    draw = torch.Generator().manual_seed(seed)
    label = torch.randint(0, 3, size, generator=draw)
    instance = torch.randint(0, 4, size, generator=draw)  # some of them on void and on roads
    heads = random_heads(label, seed)
    terms = plain_loss()(heads, label, instance)
    assert terms.keys() == CHANNELS.keys()
    for name, expected in slow_losses(heads, label, instance, 0.25).items():
        assert terms[name].dtype == torch.float32
        assert terms[name].item() == pytest.approx(expected, rel=1e-4, abs=1e-6), name


def test_a_perfect_prediction_pays_least():
    label, instance = street()
    loss = plain_loss()
    perfect = perfect_heads(label, instance, 0.25)
    terms = loss(perfect, label, instance)
    assert all(term.item() == pytest.approx(0, abs=1e-12) for term in terms.values())
    for seed in range(10):
        other = {name: said + 0.5 * random_heads(label, seed)[name].sign() for name, said in perfect.items()}
        # A logit of 100 hardly changes its loss by a half more or less: the boundaries' are random.
        other["boundary"] = random_heads(label, seed)["boundary"]
        assert all(worse > terms[name] for name, worse in loss(other, label, instance).items())


@pytest.mark.parametrize("wrong", [math.pi, 1e6, math.inf, math.nan])
def test_group_regions_and_void_do_not_matter(wrong):
    label, instance = street()
    where = group_or_void(label, instance).unsqueeze(1)
    assert where[0].any()
    heads = random_heads(label, requires_grad=True)
    changed = {name: torch.where(where, wrong, said.detach()).requires_grad_() for name, said in heads.items()}
    before, after = plain_loss()(heads, label, instance), plain_loss()(changed, label, instance)
    for name, head in heads.items():
        assert before[name].equal(after[name]), name
        (gradient,) = torch.autograd.grad(before[name], head)
        assert gradient[where.expand_as(head)].eq(0).all(), name


def test_offsets_count_on_instances_alone_and_centers_and_boundaries_everywhere_else_too():
    label, instance = street()
    heads = random_heads(label, requires_grad=True)
    sum(plain_loss()(heads, label, instance).values()).backward()
    moved = {name: head.grad.abs().sum(dim=1) > 0 for name, head in heads.items()}
    assert moved["offset"].equal(instance > 0)
    assert moved["center"].equal(~group_or_void(label, instance))
    assert moved["boundary"].equal(~group_or_void(label, instance))


@pytest.mark.parametrize("content", [VOID, ROAD, CAR], ids=["void", "road", "group"])
def test_no_instance_at_all(content):
    label = torch.full((2, 8, 16), content)
    heads = random_heads(label, requires_grad=True)
    terms = plain_loss()(heads, label, torch.zeros_like(label))
    sum(terms.values()).backward()
    assert terms["offset"] == 0
    assert heads["offset"].grad.eq(0).all()
    assert all(term.isfinite() for term in terms.values())
    assert all(head.grad.isfinite().all() for head in heads.values())
    if content == ROAD:  # every centre predicted is one too many
        torch.testing.assert_close(terms["center"], heads["center"].square().mean())
    else:
        assert terms["center"] == terms["boundary"] == 0


def test_instances_that_the_label_space_counts_among_void_do_not_matter():
    """Caravans, in Cityscapes' train ids: numbered in the files, void here; their bumps would spill onto the road."""
    label, instance = street()
    caravan = instance.clone()
    caravan[:, -1, 4:9] = 7
    assert (label[:, -1] == VOID).all()
    heads = random_heads(label)
    for name, term in plain_loss()(heads, label, caravan).items():
        assert term.equal(plain_loss()(heads, label, instance)[name]), name


def test_images_do_not_depend_on_one_another():
    """So that the loss of a batch is the mean over the devices it is spread over."""
    label, instance = street()
    instance[1] = 0
    heads = random_heads(label)
    whole = plain_loss()(heads, label, instance)
    for name, term in whole.items():
        parts = [
            plain_loss()({name: heads[name][i : i + 1]}, label[i : i + 1], instance[i : i + 1])[name] for i in range(2)
        ]
        torch.testing.assert_close(sum(parts) / 2, term)


def test_an_enlarged_picture_has_about_the_same_loss():
    label, instance = street(height=16, width=32)
    nothing = {name: torch.zeros(2, channels, 16, 32) for name, channels in CHANNELS.items()}
    large = {name: torch.zeros(2, channels, 64, 128) for name, channels in CHANNELS.items()}
    four = [maps.repeat_interleave(4, 1).repeat_interleave(4, 2) for maps in (label, instance)]
    small, enlarged = plain_loss()(nothing, label, instance), plain_loss()(large, *four)
    assert enlarged["offset"].item() == pytest.approx(small["offset"].item(), rel=0.05)
    assert enlarged["center"].item() == pytest.approx(small["center"].item(), rel=0.15)


def test_renumbering_instances_changes_nothing():
    label, instance = street()
    heads = random_heads(label)
    renumbered = torch.tensor([0, 900, 3])[instance]
    for name, term in plain_loss()(heads, label, instance).items():
        assert term.equal(plain_loss()(heads, label, renumbered)[name]), name


def test_only_heads_that_exist_and_weights_above_0():
    label, instance = street()
    heads = random_heads(label)
    assert plain_loss()({}, label, instance) == {}
    assert plain_loss()({"offset": heads["offset"]}, label, instance).keys() == {"offset"}
    assert plain_loss(center_weight=0)(heads, label, instance).keys() == {"offset", "boundary"}


def test_weights_multiply():
    label, instance = street()
    heads = random_heads(label)
    once = plain_loss()(heads, label, instance)
    weighted = plain_loss(center_weight=2, offset_weight=3, boundary_weight=5)(heads, label, instance)
    for name, weight in (("center", 2), ("offset", 3), ("boundary", 5)):
        torch.testing.assert_close(weighted[name], weight * once[name])


def test_heads_that_say_nothing_yet_pay_a_few_tenths():
    """The default weights, on a picture the size of a street with a dozen cars."""
    label, instance = torch.full((1, 64, 128), ROAD), torch.zeros(1, 64, 128, dtype=torch.int64)
    for k in range(12):
        top, left = 8 + 20 * (k // 6), 4 + 20 * (k % 6)
        label[0, top : top + 13, left : left + 19] = CAR
        instance[0, top : top + 13, left : left + 19] = k + 1
    heads = {name: torch.zeros(1, channels, 64, 128) for name, channels in CHANNELS.items()}
    for name, term in InstanceLoss(SPACE)(heads, label, instance).items():
        assert 0.1 < term < 1, name


def test_half_precision_heads_give_a_float32_loss():
    label, instance = street()
    heads = random_heads(label)
    low = plain_loss()({name: said.bfloat16() for name, said in heads.items()}, label, instance)
    for name, term in plain_loss()(heads, label, instance).items():
        assert low[name].dtype == torch.float32
        assert low[name].item() == pytest.approx(term.item(), rel=0.02)


def test_nothing_of_it_is_saved():
    assert InstanceLoss(SPACE).state_dict() == {}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"center_weight": -1}, r"center_weight=-1: must be 0 \(off\) or above"),
        ({"boundary_weight": -0.5}, r"boundary_weight=-0\.5: must be 0"),
        ({"sigma": 0}, r"sigma=0: must be above 0; it is a share of the picture's height"),
        ({"sigma": 8}, r"sigma=8: .*share of the picture's height"),
    ],
)
def test_settings_that_make_no_sense(settings, words):
    with pytest.raises(ConfigurationError, match=words):
        plain_loss(**settings)
