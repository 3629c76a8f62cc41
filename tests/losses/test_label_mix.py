import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from oasis.instances import MAX_INSTANCES
from oasis.losses import MixClasses, MixSegments, label_mix, label_mix_loss
from oasis.losses.label_mix import label_mix_mask


def random_label(seed, num_classes, size=(3, 16, 16)):
    return torch.randint(0, num_classes, size, generator=torch.Generator().manual_seed(seed))


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), num_classes=st.integers(1, 40))
def test_one_coin_for_each_class_of_each_image(seed, num_classes):
    label = random_label(seed, num_classes)
    mask = label_mix_mask(label, num_classes, torch.Generator().manual_seed(seed))
    assert mask.shape == (3, 1, 16, 16)
    assert mask.dtype == torch.float32
    for image_label, image_mask in zip(label, mask[:, 0], strict=True):
        for c in image_label.unique():
            coins = image_mask[image_label == c]
            assert coins.unique().numel() == 1
            assert coins[0].item() in (0, 1)


def coins_of(num_classes, tosses):
    """(tosses, num_classes): the coin of each class, from images that hold every class once."""
    label = torch.arange(num_classes).expand(tosses, 1, num_classes)
    return label_mix_mask(label, num_classes, torch.Generator().manual_seed(0))[:, 0, 0]


def test_coins_are_fair_and_independent():
    # Classes 0 and 1 above all: coins written into the label map itself would be taken for these two classes.
    coins = coins_of(num_classes=4, tosses=4000)
    assert (coins.mean(dim=0) - 0.5).abs().max() < 0.04
    correlation = torch.corrcoef(coins.T) - torch.eye(4)
    assert correlation.abs().max() < 0.06
    pairs = {tuple(pair) for pair in coins[:, :2].long().tolist()}
    assert pairs == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_the_label_map_is_left_alone():
    label = random_label(0, 5)
    before = label.clone()
    label_mix_mask(label, 5)
    assert label.equal(before)


def test_mask_follows_the_generator_or_the_global_seed():
    label = random_label(0, 30)

    def by_generator(seed):
        return label_mix_mask(label, 30, torch.Generator().manual_seed(seed))

    assert by_generator(1).equal(by_generator(1))
    assert not by_generator(1).equal(by_generator(2))
    torch.manual_seed(3)
    first = label_mix_mask(label, 30)
    assert not label_mix_mask(label, 30).equal(first)
    torch.manual_seed(3)
    assert label_mix_mask(label, 30).equal(first)


def test_every_pixel_is_one_of_the_two():
    real, fake = torch.randn(2, 3, 8, 8), torch.randn(2, 3, 8, 8)
    label = random_label(0, 6, (2, 8, 8))
    mask = label_mix_mask(label, 6, torch.Generator().manual_seed(0))
    mixed = label_mix(real, fake, mask)
    chosen = mask.bool().expand_as(real)
    assert mixed[chosen].equal(real[chosen])
    assert mixed[~chosen].equal(fake[~chosen])
    assert label_mix(real, fake, torch.ones_like(mask)).equal(real)
    assert label_mix(real, fake, torch.zeros_like(mask)).equal(fake)


def test_loss_by_a_loop():
    mixed, real, fake = (torch.randn(2, 3, 4, 4) for _ in range(3))
    mask = torch.randint(2, (2, 1, 4, 4)).float()
    squares = [
        (mixed[b, c, y, x] - (real if mask[b, 0, y, x] == 1 else fake)[b, c, y, x]) ** 2
        for b in range(2)
        for c in range(3)
        for y in range(4)
        for x in range(4)
    ]
    torch.testing.assert_close(label_mix_loss(mixed, real, fake, mask), torch.stack(squares).mean())


def test_loss_is_zero_for_a_discriminator_that_looks_at_pixels_alone():
    real, fake = torch.randn(2, 3, 8, 8), torch.randn(2, 3, 8, 8)
    mask = torch.randint(2, (2, 1, 8, 8)).float()
    assert label_mix_loss(label_mix(real, fake, mask).tanh(), real.tanh(), fake.tanh(), mask) == 0


def test_all_three_logits_get_a_gradient_and_the_loss_is_float32():
    logits = [torch.randn(2, 3, 8, 8, dtype=torch.bfloat16, requires_grad=True) for _ in range(3)]
    loss = label_mix_loss(*logits, torch.randint(2, (2, 1, 8, 8)).float())
    loss.backward()
    assert loss.dtype == torch.float32
    assert all(x.grad.abs().sum() > 0 for x in logits)


def two_cars(tosses):
    """Road, two cars that touch, and a group of cars; label and instance, (tosses, 4, 8)."""
    label, instance = torch.zeros(tosses, 4, 8, dtype=torch.int64), torch.zeros(tosses, 4, 8, dtype=torch.int64)
    label[:, 1:3, 1:] = 1
    instance[:, 1:3, 1:3] = 1
    instance[:, 1:3, 3:5] = MAX_INSTANCES
    return label, instance


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), num_classes=st.integers(1, 8))
def test_segments_have_one_coin_each(seed, num_classes):
    label = random_label(seed, num_classes)
    instance = random_label(seed + 1, 4) * (label > num_classes // 2)
    mask = MixSegments()(label, instance, num_classes)
    assert mask.shape == (3, 1, 16, 16)
    assert mask.dtype == torch.float32
    for b in range(3):
        for c in label[b].unique():
            for k in instance[b].unique():
                # An instance is one segment even if its class is not connected, and a class without instances is one.
                here = (instance[b] == k) if k > 0 else (label[b] == c) & (instance[b] == 0)
                assert mask[b, 0][here].unique().numel() <= 1


def test_coins_of_segments_are_fair_and_independent():
    torch.manual_seed(0)
    mask = MixSegments()(*two_cars(4000), num_classes=2)[:, 0]
    coins = torch.stack([mask[:, 0, 0], mask[:, 1, 1], mask[:, 1, 3], mask[:, 1, 6]], dim=1)  # road, cars, group
    assert (coins.mean(dim=0) - 0.5).abs().max() < 0.04
    assert (torch.corrcoef(coins.T) - torch.eye(4)).abs().max() < 0.06
    assert {tuple(pair) for pair in coins[:, 1:3].long().tolist()} == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_classes_do_not_look_at_instances():
    label, instance = two_cars(50)
    torch.manual_seed(0)
    mask = MixClasses()(label, instance, 2)
    assert mask[:, 0, 1, 1].equal(mask[:, 0, 1, 3])
    torch.manual_seed(0)
    assert mask.equal(label_mix_mask(label, 2))


def test_without_instances_segments_are_mixed_as_classes():
    """The same distribution: each of the eight outcomes of three classes, as often."""
    label = torch.arange(3).expand(4000, 1, 3)
    shares = []
    for mix in (MixClasses(), MixSegments()):
        torch.manual_seed(0)
        coins = mix(label, torch.zeros_like(label), 3)[:, 0, 0].long()
        shares.append((coins @ torch.tensor([4, 2, 1])).bincount(minlength=8) / 4000)
    assert (shares[0] - shares[1]).abs().max() < 0.03
    assert (shares[1] - 1 / 8).abs().max() < 0.02
