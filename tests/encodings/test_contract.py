"""The contract of all encodings in conf/encoding."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from oasis.encodings import Encoding, OrderSensitivity

# Channels behind the 35 classes which hold an x, and so turn their sign in a mirror; by encoding.
HORIZONTAL = {"center_offset": [2], "position": [1], "panoptic": [3]}


def seeded(label):
    """A generator for each map of a batch."""
    return [torch.Generator().manual_seed(5 + k) for k in range(len(label))]


def one_hot(label):
    return torch.nn.functional.one_hot(label, 35).permute(0, 3, 1, 2)


def street():
    """A road, void, two touching cars and a person; and, behind the person, a group of persons."""
    label, instance = torch.full((1, 6, 10), 7), torch.zeros(1, 6, 10, dtype=torch.int64)
    label[:, 0] = 0
    for number, kind, rows, columns in ((1, 26, (1, 4), (1, 3)), (2, 26, (1, 4), (3, 6)), (3, 24, (2, 6), (7, 9))):
        label[:, slice(*rows), slice(*columns)] = kind
        instance[:, slice(*rows), slice(*columns)] = number
    label[:, 3:5, 9] = 24
    return label, instance


def special_maps():
    label, instance = street()
    crowded = torch.arange(1, 73).view(1, 6, 12)  # each its own pixel
    return {
        "no instance": (label, torch.zeros_like(instance)),
        "one": (label, (instance == 1).long()),
        "50": (torch.full_like(crowded, 26), crowded.where(crowded <= 50, 0)),
        "72, more than slots": (torch.full_like(crowded, 26), crowded),
        "the highest number": (torch.full((1, 32, 32), 26), torch.arange(1024).view(1, 32, 32)),
        "groups only": (torch.full_like(label, 24), torch.zeros_like(instance)),
        "void only": (torch.zeros_like(label), torch.zeros_like(instance)),
        "one pixel": (label[:, 2:3, 2:3], instance[:, 2:3, 2:3]),
        "a street": (label, instance),
    }


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("case", special_maps())
def test_channels_as_announced(build, name, case, training):
    encoding = build(name, training)
    label, instance = special_maps()[case]
    kept = label.clone(), instance.clone()
    encoded = encoding(label, instance)
    assert isinstance(encoding, Encoding)
    assert encoded.shape == (1, encoding.channels, *label.shape[1:])
    assert encoded.dtype == torch.float32
    assert encoded.isfinite().all()
    assert torch.equal(encoded[:, :35] > 0, one_hot(label) > 0)  # the classes are in front
    assert torch.equal(label, kept[0])
    assert torch.equal(instance, kept[1])


def test_its_yaml_opens_with_channels_and_source(config, name):
    lines = config(name).read_text().splitlines()
    assert lines[0].startswith(("# C", "# One-hot"))
    assert "label_space: ${label_space}" in lines


@pytest.mark.parametrize("training", [True, False])
def test_batch_entries_do_not_see_each_other(build, random_maps, name, training):
    encoding = build(name, training)
    label, instance = random_maps(seed=0)
    other_label, other_instance = random_maps(instances=7, seed=1)
    for kept in range(2):
        mixed_label, mixed_instance = other_label.clone(), other_instance.clone()
        mixed_label[kept], mixed_instance[kept] = label[kept], instance[kept]
        encoded = encoding(label, instance, seeded(label))
        assert torch.equal(encoding(mixed_label, mixed_instance, seeded(label))[kept], encoded[kept])


@pytest.mark.parametrize("training", [True, False])
def test_a_batch_is_its_samples_bit_by_bit(build, random_maps, name, training):
    """A sample's encoding does not depend on its batch, so that batches can be spread over processes."""
    encoding = build(name, training)
    label, instance = random_maps(instances=9, height=30, width=45)
    both = encoding(label, instance, seeded(label))
    alone = [encoding(label[k : k + 1], instance[k : k + 1], seeded(label)[k : k + 1]) for k in range(2)]
    assert torch.equal(both, torch.cat(alone))


def test_a_generator_for_each_sample(build, random_maps, name):
    encoding, (label, instance) = build(name), random_maps()
    if encoding.order_sensitivity is OrderSensitivity.SAME_DISTRIBUTION:  # it draws
        with pytest.raises(ValueError, match="1 generators for 2 samples"):
            encoding(label, instance, seeded(label)[:1])


def test_numbers_are_read_if_and_only_if_it_says_so(build, name):
    label, instance = street()
    encoding = build(name)
    without = encoding(label, torch.zeros_like(instance), seeded(label))
    blind = torch.equal(encoding(label, instance, seeded(label)), without)
    assert blind != encoding.needs_instances


def test_numbers_of_what_is_no_thing_are_not_read(build, name):
    label, instance = street()
    everywhere = torch.where((label == 0) | (label == 7), 9, instance)
    encoding = build(name)
    assert torch.equal(encoding(label, everywhere, seeded(label)), encoding(label, instance, seeded(label)))


@given(data=st.data())
@settings(deadline=None, max_examples=25)
def test_renumbering_changes_what_it_says(build, small_maps, name, data):
    encoding = build(name)
    label, instance = data.draw(small_maps)
    order = torch.tensor([0, *data.draw(st.permutations([1, 2, 3, 900]))])
    if encoding.order_sensitivity is OrderSensitivity.SAME:
        assert torch.equal(encoding(label, order[instance]), encoding(label, instance))


def test_renumbering_changes_what_it_says_on_a_street(build, name):
    label, instance = street()
    encoding = build(name)
    swapped = torch.tensor([0, 2, 1, 3])[instance]
    if encoding.order_sensitivity is OrderSensitivity.SAME_DISTRIBUTION:
        assert_same_distribution(encoding, label, instance, swapped)
    else:
        same = torch.equal(encoding(label, swapped), encoding(label, instance))
        assert same == (encoding.order_sensitivity is OrderSensitivity.SAME)


def assert_same_distribution(encoding, label, *numberings):
    """Each image of a batch is a draw: mean of each channel, and of the products between pixels, within 5 errors."""
    draws = 500
    statistics = []
    for seed, instance in enumerate(numberings):
        torch.manual_seed(seed)
        encoded = encoding(label[:, ::2, ::2].expand(draws, -1, -1), instance[:, ::2, ::2].expand(draws, -1, -1))
        extra = encoded[:, 35:].flatten(2).double()
        statistics.append(extra.flatten(1))
        statistics.append((extra.transpose(1, 2) @ extra).flatten(1))
    for first, second in zip(statistics[:2], statistics[2:], strict=True):
        error = ((first.var(0) + second.var(0)) / draws).sqrt()
        assert ((first.mean(0) - second.mean(0)).abs() <= 5 * error + 1e-9).all()


@given(data=st.data())
@settings(deadline=None, max_examples=25)
def test_a_mirrored_map_has_the_mirrored_encoding(build, small_maps, name, data):
    encoding = build(name)
    label, instance = data.draw(small_maps)
    mirrored = encoding(label.flip(-1), instance.flip(-1), seeded(label))
    for channel in HORIZONTAL.get(name, []):
        mirrored[:, 35 + channel] *= -1
    torch.testing.assert_close(mirrored.flip(-1), encoding(label, instance, seeded(label)), rtol=0, atol=1e-6)


def test_draws_can_be_repeated(build, name):
    encoding, maps = build(name), street()
    before = torch.get_rng_state()
    encoded = encoding(*maps, seeded(maps[0]))
    assert torch.equal(encoding(*maps, seeded(maps[0])), encoded)
    assert torch.equal(torch.get_rng_state(), before)  # with generators, the global random state does not change
    torch.manual_seed(3)
    encoded = encoding(*maps)
    drew_otherwise = not torch.equal(encoding(*maps), encoded)
    assert drew_otherwise == (encoding.order_sensitivity is OrderSensitivity.SAME_DISTRIBUTION)
    torch.manual_seed(3)
    assert torch.equal(encoding(*maps), encoded)


@pytest.mark.parametrize("training", [True, False])
def test_nothing_waits_for_the_device(build, name, training):
    # Tensors on `meta` have no values: any step that depends on one, and so would wait for a GPU, raises.
    label, instance = (each.to("meta") for each in street())
    encoding = build(name, training)
    assert encoding(label, instance).shape == (1, encoding.channels, 6, 10)


class Allocations(TorchDispatchMode):
    """Address and bytes of the storage of each tensor that an operation returns."""

    def __init__(self):
        super().__init__()
        self.storages = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor):
                self.storages.add((leaf.untyped_storage().data_ptr(), leaf.untyped_storage().nbytes()))
        return result


def test_memory_is_that_of_the_output(build, name):
    label = torch.full((1, 256, 256), 26)
    with Allocations() as made:
        encoded = build(name)(label, torch.ones_like(label))
    own = encoded.untyped_storage()
    assert own.nbytes() == 4 * encoded.numel()
    others = [size for address, size in made.storages if (address, size) != (own.data_ptr(), own.nbytes())]
    # Every other tensor is a map of at most two 8-byte numbers per pixel.
    assert max(others, default=0) <= 2 * 8 * label.numel() < own.nbytes()


def test_float32_whatever_the_default(build, name):
    encoding, maps = build(name), street()
    expected = encoding(*maps, seeded(maps[0]))
    torch.set_default_dtype(torch.bfloat16)
    try:
        encoded = encoding(*maps, seeded(maps[0]))
    finally:
        torch.set_default_dtype(torch.float32)
    assert encoded.dtype == torch.float32
    assert torch.equal(encoded, expected)


def test_it_adds_nothing_to_checkpoints(build, name):
    assert build(name).state_dict() == {}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("training", [True, False])
def test_the_gpu_agrees_and_the_host_never_waits(build, random_maps, name, training):
    label, instance = random_maps(instances=50, height=64, width=128)
    encoding = build(name, training)
    expected = encoding(label, instance, seeded(label))
    on_gpu = label.cuda(), instance.cuda()
    encoding(*on_gpu)  # loads kernels
    torch.cuda.set_sync_debug_mode("error")
    try:
        encoded = encoding(*on_gpu, seeded(label))
        encoding(*on_gpu)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    torch.testing.assert_close(encoded.cpu(), expected, rtol=0, atol=1e-6)
