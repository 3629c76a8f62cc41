"""Pictures from label maps, against the networks called by hand."""

import numpy as np
import pytest
import torch
from PIL import Image

from oasis.data.transforms import compact_instances
from oasis.encodings import CenterOffset, Concat, InstanceNoise
from oasis.errors import ConfigurationError
from oasis.labels import LabelSpace
from oasis.models.patch_guide import PatchGuide
from oasis.models.pyramid import GuidePyramid
from oasis.randomness import Stream, sample_generator
from oasis.synthesis import LabelMap, Noise, open_label_map
from oasis.synthesis.conditioning import condition_of, noise_of
from oasis.visualize import to_bytes


@pytest.fixture
def label_map(street, ids):
    return LabelMap(street.label, street.instance, ids)


def by_hand(synthesizer, street, noise):
    """(H, W, 3) uint8 from the networks themselves; noise (1, Z) or (1, Z, H, W)."""
    label = synthesizer.label_space.to_classes(torch.from_numpy(street.label))[None]
    instance = compact_instances(torch.from_numpy(street.instance.astype(np.int64))[None])
    source = sample_generator(0, 0, Stream.ENCODING)
    with torch.no_grad():
        image = synthesizer.generator(synthesizer.encoding(label, instance, [source]), noise)
    return to_bytes(image[0]).permute(1, 2, 0).numpy()


def drawn(seed, again, dim=8):
    return torch.randn(1, dim, generator=sample_generator(seed, again, Stream.NOISE))


def array(picture):
    return np.asarray(picture).astype(int)


def test_a_picture_is_what_the_networks_generate(make_synthesizer, street):
    synthesizer = make_synthesizer()
    np.testing.assert_array_equal(
        synthesizer.synthesize(street.label, seed=0), by_hand(synthesizer, street, drawn(0, 0))
    )


def test_a_resampled_picture_is_what_the_networks_generate_from_a_map_of_noise(make_synthesizer, label_map, street):
    synthesizer = make_synthesizer()
    noise = synthesizer.noise(0).resampled(label_map.instance_mask(26002), 4)
    field = drawn(0, 0)[:, :, None, None].repeat(1, 1, *street.label.shape)
    field[:, :, torch.from_numpy(street.instance == 26002)] = drawn(4, 1)[:, :, None]
    np.testing.assert_array_equal(synthesizer.synthesize(label_map, noise=noise), by_hand(synthesizer, street, field))


@pytest.mark.parametrize("blocks", [2, 4])
def test_resampling_one_instance_changes_it_and_nothing_far_from_it(make_synthesizer, label_map, blocks):
    synthesizer = make_synthesizer(blocks=blocks)
    mask = label_map.instance_mask(26000)
    before = array(synthesizer.synthesize(label_map, seed=1))
    for seed in range(3):
        noise = synthesizer.noise(1).resampled(mask, seed)
        difference = np.abs(array(synthesizer.synthesize(label_map, noise=noise)) - before) / 255
        assert difference[mask].mean() > 0.05
        columns = np.flatnonzero(mask.any(0))
        far = difference[:, columns.max() + 64 :]
        assert far.mean() < 0.01
        if blocks == 2:  # it reaches no further than the kernels do
            assert difference[:, columns.max() + 24 :].max() == 0


def test_resampling_a_class_or_a_region(make_synthesizer, label_map):
    synthesizer = make_synthesizer()
    before = array(synthesizer.synthesize(label_map, seed=1))
    region = np.zeros(label_map.label.shape, bool)
    region[:, 100:] = True
    for mask in (label_map.class_mask("road"), region):
        noise = synthesizer.noise(1).resampled(mask, 2)
        difference = np.abs(array(synthesizer.synthesize(label_map, noise=noise)) - before) / 255
        assert difference[mask].mean() > 0.05
        assert difference[mask].mean() > 4 * difference[~mask].mean()


def test_the_same_seed_gives_the_same_bytes_alone_and_in_any_batch(make_synthesizer, label_map, street):
    synthesizer = make_synthesizer()
    maps, seeds = [label_map, street.label, label_map, street.colors(label_map.label_space)], [3, 4, 5, 3]
    alone = [synthesizer.synthesize(each, seed=seed).tobytes() for each, seed in zip(maps, seeds, strict=True)]
    batch = synthesizer.synthesize_batch(maps, seeds)
    assert [picture.tobytes() for picture in batch] == alone
    backwards = synthesizer.synthesize_batch(maps[::-1], seeds[::-1])
    assert [picture.tobytes() for picture in backwards] == alone[::-1]
    assert make_synthesizer().synthesize(label_map, seed=3).tobytes() == alone[0] == alone[3]
    noises = [synthesizer.noise(seed) for seed in seeds]
    assert [p.tobytes() for p in synthesizer.synthesize_batch(maps, noises=noises)] == alone
    assert len(set(alone)) == 3


def test_a_fresh_seed_is_told_and_can_be_repeated(make_synthesizer, label_map):
    synthesizer = make_synthesizer()
    state = torch.get_rng_state()
    first, second = (synthesizer.synthesize(label_map) for _ in range(2))
    assert first.info["seed"] != second.info["seed"]
    assert first.tobytes() != second.tobytes()
    assert synthesizer.synthesize(label_map, seed=first.info["seed"]).tobytes() == first.tobytes()
    assert torch.equal(torch.get_rng_state(), state)


def test_maps_of_any_size(make_synthesizer, street, ids):
    synthesizer = make_synthesizer()
    plain = synthesizer.synthesize(street.label, seed=0)
    large = np.kron(street.label, np.ones((3, 3), np.uint8))
    assert synthesizer.synthesize(large, seed=0).tobytes() == plain.tobytes()
    original = synthesizer.synthesize(large, seed=0, original_size=True)
    assert original.size == (3 * plain.width, 3 * plain.height)
    assert original.info["seed"] == 0
    back = array(original.resize(plain.size, Image.Resampling.BOX))
    assert np.abs(back - array(plain)).mean() < 12
    assert synthesizer.synthesize_batch([large[:5]], [0], original_size=True)[0].size == (384, 5)


def test_bfloat16_generates_almost_the_same(make_synthesizer, label_map):
    exact, rough = (make_synthesizer(bf16=bf16).synthesize(label_map, seed=0) for bf16 in (False, True))
    difference = np.abs(array(exact) - array(rough))
    assert 0 < difference.mean() < 4


def test_who_needs_instances_says_so_and_others_do_without(make_synthesizer, street, ids):
    demanding = make_synthesizer(CenterOffset(ids))
    assert demanding.needs_instances
    with pytest.raises(ConfigurationError, match=r"label map: .*which pixels of person, car .*gtFine_instanceIds\.png"):
        demanding.synthesize(street.label, seed=0)
    with pytest.raises(ConfigurationError, match="instance map"):
        demanding.synthesize_batch([street.label], [0])
    from_both = demanding.synthesize(street.label, street.instance, seed=0)
    assert demanding.synthesize(street.instance, seed=0).tobytes() == from_both.tobytes()
    street.label[street.label > 23] = 7
    demanding.synthesize(street.label, seed=0)  # no things, nothing to tell apart
    assert not make_synthesizer().needs_instances


def test_instance_noise_follows_the_recipe(ids, label_map):
    offsets = CenterOffset(ids)
    encoding = Concat(ids, [offsets, InstanceNoise(ids, dim=64)]).eval()
    label = ids.to_classes(torch.from_numpy(label_map.label))[None]
    instance = compact_instances(torch.from_numpy(label_map.instance.astype(np.int64))[None])

    def encoded(seed, again):
        return encoding(label, instance, [sample_generator(seed, again, Stream.ENCODING)])

    noise = Noise.draw(4, 1)
    assert torch.equal(condition_of(encoding, label, instance, noise), encoded(1, 0))
    mask = label_map.instance_mask(26002)
    inside = torch.from_numpy(mask)
    resampled = condition_of(encoding, label, instance, noise.resampled(mask, 2))
    torch.testing.assert_close(resampled, torch.where(inside, encoded(2, 1), encoded(1, 0)), rtol=0, atol=0)
    mixed = condition_of(encoding, label, instance, noise.mixed(Noise.draw(4, 3), 0.5))
    count = offsets.channels  # what is not drawn stays
    assert torch.equal(mixed[:, :count], encoded(1, 0)[:, :count])
    torch.testing.assert_close(
        mixed[:, count:], (encoded(1, 0) + encoded(3, 0))[:, count:] * 0.5**0.5, rtol=1e-5, atol=1e-5
    )


def test_colors_are_the_palette_with_white_around_individuals(make_synthesizer, label_map, street, ids):
    found = np.asarray(make_synthesizer().colors(label_map))
    white = (found == 255).all(axis=2)
    np.testing.assert_array_equal(found[~white], street.colors(ids)[~white])
    individual = street.instance >= 1000
    assert not white[~individual].any()
    assert white[individual].any()
    top, left = np.argwhere(street.instance == 26000)[0]
    assert white[top, left]
    assert not white[top + 4, left + 6]


def test_small_individuals_keep_their_color(make_synthesizer, street, ids):
    street.label[2:4, 4:6] = 26
    street.instance[2:4, 4:6] = 26009
    found = np.asarray(make_synthesizer().colors(LabelMap(street.label, street.instance, ids)))
    assert (found[2:4, 4:6] == ids.palette[26]).all()


def test_noise_that_differs_in_places_still_goes_the_fast_way(make_synthesizer, make_street, ids):
    synthesizer, street = make_synthesizer(height=128, width=256), make_street(128, 256)
    label_map = LabelMap(street.label, street.instance, ids)
    noise = synthesizer.noise(0).resampled(label_map.instance_mask(26000), 1).mixed(synthesizer.noise(2), 0.5)
    condition, segments = synthesizer.inputs(label_map, noise)
    guides = GuidePyramid(condition, noise_of(synthesizer.generator, noise, segments), sparse=True)
    for divisor in (1, 2):
        guide = guides.at(128 // divisor, 256 // divisor)
        assert isinstance(guide, PatchGuide)
        assert len(guide.vectors) == 6  # unlabelled, sky, road, persons, cars, the car in the mask


def test_a_label_map_of_train_ids_is_generated_as_what_it_is(make_synthesizer, street):
    synthesizer = make_synthesizer()
    opened = open_label_map(street.label, label_space=LabelSpace.cityscapes_train_ids())
    assert synthesizer.synthesize(opened, seed=0).tobytes() == synthesizer.synthesize(street.label, seed=0).tobytes()


def test_generators_without_noise(make_synthesizer, label_map):
    synthesizer = make_synthesizer(noise_dim=0)
    first = synthesizer.synthesize(label_map, seed=0)
    assert first.tobytes() == synthesizer.synthesize(label_map, seed=1).tobytes()


def test_what_does_not_go_together_is_refused(make_synthesizer, label_map, street):
    synthesizer = make_synthesizer()
    with pytest.raises(ConfigurationError, match="a seed or a noise, not both"):
        synthesizer.synthesize(label_map, seed=0, noise=synthesizer.noise(0))
    with pytest.raises(ConfigurationError, match="takes noise of 8 numbers, not 4"):
        synthesizer.synthesize(label_map, noise=Noise.draw(4, 0))
    with pytest.raises(ConfigurationError, match="seed=-3"):
        synthesizer.synthesize(label_map, seed=-3)
    with pytest.raises(ConfigurationError, match="2 label maps, but 1 seeds"):
        synthesizer.synthesize_batch([label_map] * 2, [0])
    with pytest.raises(ConfigurationError, match="has its instance map inside"):
        synthesizer.synthesize(label_map, street.instance)
    with pytest.raises(ConfigurationError, match="device=nonsense"):
        make_synthesizer(device="nonsense")
