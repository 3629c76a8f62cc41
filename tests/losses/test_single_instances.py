"""Losses of pooled instances, and classes of touching boundaries, against loops over instances and pixels."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from oasis.instances import MAX_INSTANCES
from oasis.labels import LabelSpace
from oasis.losses import (
    BoundaryClasses,
    InstancesOf,
    NPlusOneLoss,
    instance_contrast_loss,
    instance_fake_loss,
    instance_real_loss,
    instance_scores,
    rolled_view,
)

VOID, ROAD, CAR, RIDER = 0, 1, 2, 3
THINGS = (CAR, RIDER)
SPACE = dataclasses.replace(
    LabelSpace.cityscapes_ids(),
    names=("void", "road", "car", "rider"),
    palette=((0, 0, 0),) * 4,
    things=frozenset(THINGS),
    ignore_index=VOID,
    raw_to_class=(VOID, ROAD, CAR, RIDER, *[-1] * 252),
    evaluated=frozenset({ROAD, CAR, RIDER}),
)
TEMPERATURE = 0.2
COUNTS = [0, 1, 50, 300]


def maps(count, seed=0, batch=2, height=24, width=32):
    """Pixels of `count` instances of two classes at random places, beside void, groups, and stuff with a number."""
    draw = torch.Generator().manual_seed(seed)
    label = torch.randint(0, 4, (batch, height, width), generator=draw)
    instance = torch.zeros_like(label)
    class_of = torch.tensor(THINGS)[torch.randint(0, 2, (count + 1,), generator=draw)]
    taken = torch.randint(0, count + 1, label.shape, generator=draw)
    mine = taken > 0
    label[mine], instance[mine] = class_of[taken[mine]], taken[mine]
    instance[0, 0, :2], label[0, 0, :2] = 7, torch.tensor([VOID, ROAD])  # numbers that are no instances
    return label, instance


def features(channels, label, seed=0, requires_grad=False):
    draw = torch.Generator().manual_seed(seed + 99)
    shape = (len(label), channels, *label.shape[1:])
    return torch.randn(shape, generator=draw).requires_grad_(requires_grad)


def slow_means(values, label, instance):
    """For each image: {instance: (its class, its mean features)}."""
    found = []
    for image, classes, numbers in zip(values.detach().double().numpy(), label.numpy(), instance.numpy(), strict=True):
        things = np.isin(classes, THINGS) & (numbers > 0)
        found.append(
            {
                k: (classes[things & (numbers == k)][0], image[:, things & (numbers == k)].mean(axis=1))
                for k in sorted(set(numbers[things]))
            }
        )
    return found


def slow_score(mean):
    half = len(mean) // 2
    votes = [value if value > 0 else 0.2 * value for value in mean]
    return sum(votes[:half]) / half - sum(votes[half:]) / half


def slow_adversarial(head, label, instance, sign):
    images = []
    for found in slow_means(head, label, instance):
        losses = [math.log(1 + math.exp(-sign * slow_score(mean))) for _, mean in found.values()]
        images.append(sum(losses) / len(losses) if losses else 0.0)
    return sum(images) / len(images)


def cosine(one, other):
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def slow_contrast(query, query_maps, key, key_maps):
    images = []
    for queries, keys in zip(slow_means(query, *query_maps), slow_means(key, *key_maps), strict=True):
        losses = []
        for k, (kind, mean) in queries.items():
            rivals = [j for j, (other, _) in keys.items() if other == kind]
            if len(rivals) > 1:
                chances = [math.exp(cosine(mean, keys[j][1]) / TEMPERATURE) for j in rivals]
                losses.append(-math.log(chances[rivals.index(k)] / sum(chances)))
        images.append(sum(losses) / len(losses) if losses else 0.0)
    return sum(images) / len(images)


def adversarial(head, label, instance):
    table = InstancesOf(SPACE)(label, instance)
    return instance_real_loss(head, table), instance_fake_loss(head, table)


def contrast(query, key, label, instance):
    table = InstancesOf(SPACE)(label, instance)
    return instance_contrast_loss(query, table.number, key, table, TEMPERATURE)


def all_losses(head, key, label, instance):
    return torch.stack([*adversarial(head, label, instance), contrast(head, key, label, instance)])


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_real_or_fake_by_loops(count, seed):
    label, instance = maps(count, seed)
    head = features(6, label, seed)
    real, fake = adversarial(head, label, instance)
    assert real.item() == pytest.approx(slow_adversarial(head, label, instance, 1), rel=1e-5)
    assert fake.item() == pytest.approx(slow_adversarial(head, label, instance, -1), rel=1e-5)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_contrast_by_loops(count, seed):
    label, instance = maps(count, seed)
    query, key = features(5, label, seed), features(5, label, seed + 1)
    expected = slow_contrast(query, (label, instance), key, (label, instance))
    assert contrast(query, key, label, instance).item() == pytest.approx(expected, rel=1e-5)
    assert (expected > 0) == (count > 1)


def test_two_classes_do_not_compete():
    """One car and one rider: neither has a neighbour of its class."""
    label = torch.tensor([[[CAR, CAR, RIDER, ROAD]]])
    instance = torch.tensor([[[1, 1, 2, 0]]])
    query, key = features(5, label, 0), features(5, label, 1)
    assert contrast(query, key, label, instance).item() == 0
    label[label == RIDER] = CAR
    assert contrast(query, key, label, instance).item() > 0


@pytest.mark.parametrize("count", COUNTS)
def test_every_loss_has_a_finite_gradient(count):
    label, instance = maps(count)
    head, key = features(6, label, 0, True), features(6, label, 1, True)
    losses = all_losses(head, key, label, instance)
    assert losses.requires_grad
    losses.sum().backward()
    for each in (head, key):
        assert each.grad.isfinite().all()
        pays = torch.isin(label, torch.tensor(THINGS)) & (instance > 0)
        assert not (each.grad.abs().sum(dim=1) > 0)[~pays].any()  # void, groups, stuff
    assert ((head.grad.abs().sum(dim=1) > 0) == pays).all()


@pytest.mark.parametrize("count", [1, 50, 300])
def test_numbers_do_not_matter(count):
    label, instance = maps(count)
    head, key = features(6, label, 0), features(6, label, 1)
    numbers = torch.randperm(MAX_INSTANCES, generator=torch.Generator().manual_seed(1)) + 1
    renumbered = torch.where(instance > 0, numbers[instance - 1], 0)
    assert renumbered.max() > instance.max()
    expected = all_losses(head, key, label, instance)
    torch.testing.assert_close(all_losses(head, key, label, renumbered), expected)


@pytest.mark.parametrize("split", [1, 3])
def test_a_batch_is_the_mean_of_its_parts(split):
    """Whatever the numbers of instances in them: as with several processes, whose gradients are averaged."""
    halves = [maps(count, seed, batch=split) for seed, count in enumerate((3, 40))]
    whole = [torch.cat(each) for each in zip(*halves, strict=True)]
    head, key = features(6, whole[0], 0), features(6, whole[0], 1)
    parts = [
        all_losses(h, k, *half)
        for h, k, half in zip(head.split(split), key.split(split), halves, strict=True)
    ]  # fmt: skip
    torch.testing.assert_close(all_losses(head, key, *whole), torch.stack(parts).mean(dim=0))


def test_void_and_groups_do_not_matter():
    label, instance = maps(50)
    head, key = features(6, label, 0), features(6, label, 1)
    expected = all_losses(head, key, label, instance)
    unknown = ((instance == 0) | (label == VOID) | (label == ROAD))[:, None]
    changed = [torch.where(unknown, 1e3, each) for each in (head, key)]
    torch.testing.assert_close(all_losses(*changed, label, instance), expected)


def test_every_pixel_is_an_instance():
    label = torch.full((2, 8, 8), CAR)
    instance = torch.arange(1, 65).view(1, 8, 8).expand(2, -1, -1).contiguous()
    head, key = features(6, label, 0, True), features(6, label, 1)
    losses = all_losses(head, key, label, instance)
    losses.sum().backward()
    assert losses.isfinite().all()
    assert head.grad.isfinite().all()
    assert contrast(head * 0, key, label, instance).item() == pytest.approx(math.log(64))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_sixteen_bits_are_counted_in_32(dtype):
    """Under autocast too; bfloat16 counts no further than to 256."""
    label, instance = torch.full((1, 32, 32), CAR), torch.ones(1, 32, 32, dtype=torch.int64)
    instance[:, 20:] = 2
    head, key = features(6, label, 0).to(dtype), features(6, label, 1).to(dtype)
    expected = all_losses(head.float(), key.float(), label, instance)
    with torch.autocast("cpu", dtype):
        found = all_losses(head, key, label, instance)
    assert found.dtype == torch.float32
    assert found.equal(expected)


def test_more_real_is_less_loss():
    label, instance = maps(20)
    head = features(6, label)
    steps = torch.zeros(1, 6, 1, 1)
    steps[:, :3] = 0.5
    (real, fake), (more_real, more_fake) = (adversarial(each, label, instance) for each in (head, head + steps))
    assert more_real < real
    assert more_fake > fake
    table = InstancesOf(SPACE)(label, instance)
    scores, more = (instance_scores(each, table.number)[table.present] for each in (head, head + steps))
    assert (more > scores).all()


def test_the_score_is_no_mean_of_pixels():
    """An instance of two halves, each of which looks real, can be called fake: two colours of one car."""
    head = torch.tensor([[1.0, -1.0], [-1.0, 1.0]])  # two channels, two pixels: one instance, then two
    head = torch.stack([head, head]).unsqueeze(2).repeat_interleave(2, dim=1)
    score = instance_scores(head, torch.tensor([[[1, 1]], [[1, 2]]]))
    assert score[0, 1] == pytest.approx(0)
    # A linear score of the whole would be the mean of those of its parts.
    head[:, :2] += 1
    score = instance_scores(head, torch.tensor([[[1, 1]], [[1, 2]]]))
    assert score[0, 1] != pytest.approx(score[1, 1:3].mean().item())


def test_the_contrast_is_least_where_both_pictures_agree():
    label, instance = maps(20)
    key = features(8, label)
    draw = torch.Generator().manual_seed(3)
    same = contrast(key, key, label, instance)
    for _ in range(6):
        other = key + torch.randn(key.shape, generator=draw)
        assert contrast(other, key, label, instance) > same
    query = features(8, label, 5).requires_grad_()
    before = contrast(query, key, label, instance)
    before.backward()
    assert contrast(query - 50 * query.grad, key, label, instance) < before


def test_a_swap_with_a_neighbour_costs_more_than_no_difference_at_all():
    label = torch.tensor([[[CAR, CAR, CAR, ROAD]]])
    instance = torch.tensor([[[1, 2, 3, 0]]])
    key = torch.eye(3, 4)[None, :, None]
    swapped = key[..., [1, 0, 2, 3]]
    found = [contrast(query, key, label, instance).item() for query in (key, 0 * key, swapped)]
    chances = [math.exp(1 / TEMPERATURE), 1, 1]
    right, wrong = (-math.log(chances[i] / sum(chances)) for i in (0, 1))
    assert found == [pytest.approx(each, rel=1e-5) for each in (right, math.log(3), (2 * wrong + right) / 3)]


@pytest.mark.parametrize("form", [torch.contiguous_format, torch.channels_last])
def test_a_rolled_view_by_torch_roll(form):
    label, instance = maps(30, batch=3)
    image = features(3, label).contiguous(memory_format=form)
    sources = [torch.Generator().manual_seed(seed) for seed in range(3)]
    view = rolled_view(image, instance, sources)
    assert view.image.is_contiguous(memory_format=form)
    distances = set()
    for b in range(3):
        source = torch.Generator().manual_seed(b)
        down, right = (int(torch.randint(size, (1,), generator=source)) for size in label.shape[1:])
        assert view.image[b].equal(image[b].roll((-down, -right), (1, 2)))
        assert view.number[b].equal(instance[b].roll((-down, -right), (0, 1)))
        distances.add((down, right))
    assert len(distances) == 3
    one = rolled_view(image[1:2], instance[1:2], [torch.Generator().manual_seed(1)])
    assert one.image.equal(view.image[1:2])  # whatever the batch


def slow_boundaries(label, instance):
    found = label.clone()
    batch, height, width = label.shape
    for b, y, x in np.ndindex(batch, height, width):
        c, k = label[b, y, x].item(), instance[b, y, x].item()
        for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if c in THINGS and k > 0 and 0 <= v < height and 0 <= u < width:
                j = instance[b, v, u].item()
                if label[b, v, u] == c and j > 0 and j != k:
                    found[b, y, x] = 4 + THINGS.index(c)
    return found


@pytest.mark.parametrize("count", COUNTS)
def test_boundary_classes_by_loops(count):
    label, instance = maps(count)
    found = BoundaryClasses(SPACE)(label, instance)
    assert found.equal(slow_boundaries(label, instance))
    assert (found >= 4).any() == (count > 1)


def test_boundary_classes_of_a_street():
    """Two cars touch each other and a group of cars, a rider touches a car; the picture's border is none."""
    label = torch.tensor([[[CAR] * 6 + [RIDER, RIDER, VOID]]])
    instance = torch.tensor([[[0, 1, 1, 2, 2, 2, 3, 3, 0]]])
    assert BoundaryClasses(SPACE)(label, instance).tolist() == [[[2, 2, 4, 4, 2, 2, 3, 3, 0]]]


def test_boundary_classes_are_balanced_as_all_others():
    label, instance = (each.repeat_interleave(4, dim=2) for each in maps(8))  # some pixels have like neighbours
    classes = BoundaryClasses(SPACE)
    extended = classes(label, instance)
    loss = NPlusOneLoss(classes.num_classes, VOID)
    weights = loss.weights(extended)
    totals = [weights[extended == c].sum().item() for c in range(6) if (extended == c).any()]
    assert totals[0] == 0
    assert len(totals) == 6
    assert totals[1:] == [pytest.approx(label.numel() / 5, rel=1e-5)] * 5
    logits = features(7, label)
    pixels = -logits.log_softmax(dim=1).gather(1, (extended + 1)[:, None])[:, 0]
    assert loss.real(logits, extended).item() == pytest.approx((pixels * weights).mean().item(), rel=1e-5)


def test_a_label_space_without_things():
    space = dataclasses.replace(SPACE, things=frozenset())
    label, instance = maps(5)
    classes = BoundaryClasses(space)
    assert classes.num_classes == 4
    assert classes(label, instance).equal(label)
    assert not InstancesOf(space)(label, instance).present.any()
