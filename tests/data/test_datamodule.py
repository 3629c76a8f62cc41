import pytest
import torch
from hydra.utils import instantiate

from oasis.data import Cityscapes, LabelMapDataModule
from oasis.data.transforms import compact_instances
from oasis.encodings import InstanceNoise, Semantic
from oasis.errors import ConfigurationError


@pytest.fixture
def module(tiny, ids):
    def make(encoding=Semantic, **settings):
        settings = {"height": 32, "width": 64, "batch_size": 2, "num_workers": 0, **settings}
        data = LabelMapDataModule(Cityscapes(tiny.root), encoding(ids), ids, **settings)
        data.setup("fit")
        return data

    return make


def names(loader):
    return [name for batch in loader for name in batch["name"]]


def test_a_batch_is_what_the_networks_take(module):
    data = module()
    batch = data.encode(next(iter(data.val_dataloader())))
    assert batch.image.shape == (2, 3, 32, 64)
    assert batch.image.dtype == torch.float32
    assert -1 <= batch.image.min() < batch.image.max() <= 1
    assert batch.label.shape == batch.instance.shape == (2, 32, 64)
    assert batch.condition.shape == (2, 35, 32, 64)
    assert torch.equal(batch.condition.argmax(1), batch.label)
    assert set(batch.instance.unique().tolist()) == {0, 1, 2}
    assert len(batch) == 2


def test_every_segment_has_a_number_of_its_own(module):
    batch = module().encode(next(iter(module().val_dataloader())))
    assert batch.segments.dtype == torch.int64
    for maps in zip(batch.label, batch.instance, batch.segments, strict=True):
        found = {tuple(pixel) for pixel in torch.stack([each.flatten() for each in maps], 1).tolist()}
        segments = {("stuff", label) if instance == 0 else ("thing", instance) for label, instance, _ in found}
        assert len({number for *_, number in found}) == len(segments) == len(found)


def test_all_samples_of_one_process_count(module):
    data = module()
    batches = [data.encode(sample) for sample in data.val_dataloader()]
    assert [batch.counted.tolist() for batch in batches] == [[True, True], [True]]
    assert data.encode(next(iter(data.train_dataloader())), [0, 1]).counted.tolist() == [True, True]


def test_flip_mirrors_photo_maps_and_condition_together(module):
    data = module()
    sample = next(iter(data.val_dataloader()))
    plain, mirrored = data.encode(sample), 0
    for position in range(0, 80, 2):
        trained = data.encode(sample, [position, position + 1])
        assert trained.positions == [position, position + 1]
        for i in range(2):
            is_flipped = not torch.equal(trained.image[i], plain.image[i])
            mirrored += is_flipped
            for name in ("image", "label", "instance", "condition"):
                before, after = getattr(plain, name)[i], getattr(trained, name)[i]
                assert torch.equal(after, before.flip(-1) if is_flipped else before), name
    assert 25 < mirrored < 55  # half of 80


def test_what_is_drawn_for_a_training_sample_depends_on_its_position_alone(module):
    data = module(encoding=InstanceNoise)
    sample = next(iter(data.val_dataloader()))
    both = data.encode(sample, [6, 7])
    alone = data.encode({name: value[1:] for name, value in sample.items()}, [7])
    assert torch.equal(alone.condition[0], both.condition[1])
    assert torch.equal(alone.image[0], both.image[1])
    assert not torch.equal(data.encode(sample, [6, 8]).condition[1], both.condition[1])


@pytest.mark.parametrize("workers", [0, 2])
def test_training_order_is_seeded_whatever_the_workers(module, workers):
    assert names(module(num_workers=workers).train_dataloader()) == names(module().train_dataloader())
    assert names(module(seed=1).train_dataloader()) != names(module().train_dataloader())


def test_training_goes_on_where_it_was(module):
    data = module()
    whole = names(data.train_dataloader())
    resumed = module()
    resumed.load_state_dict({"batches_served": 2})
    assert names(resumed.train_dataloader())[:2] == whole[4:6]


def test_reading_statistics_disturbs_nothing(module):
    data = module()
    state = torch.get_rng_state()
    first = names(data.statistics_dataloader(2))
    assert first == names(data.statistics_dataloader(2))
    assert len(first) == 4
    assert torch.equal(torch.get_rng_state(), state)
    assert names(data.train_dataloader()) == names(module().train_dataloader())


def test_first_samples_are_the_same_every_time(module):
    data = module()
    batch = data.first_samples("val", 9, torch.device("cpu"))
    assert batch.name == [data.dataset("val")[i]["name"] for i in range(3)]


def test_no_dataset_named():
    with pytest.raises(ConfigurationError, match=r"data\.root.*data=synthetic"):
        Cityscapes(None)


def test_batch_larger_than_the_dataset(module):
    with pytest.raises(ConfigurationError, match=r"data\.batch_size=8 is larger.*7 samples.*data\.batch_size=7"):
        module(batch_size=8)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"batch_size": 0}, r"data\.batch_size=0: a whole number of samples, at least 1"),
        ({"batch_size": None}, r"data\.batch_size=None: a whole number"),
        ({"batch_size": 2.0}, r"data\.batch_size=2\.0: a whole number"),
        ({"num_workers": 1.5}, r"data\.num_workers=1\.5: give a whole number of processes"),
        ({"num_workers": True}, r"data\.num_workers=True: give a whole number"),
        ({"max_pixels": "many"}, r"data\.max_pixels=many: .*a whole number"),
    ],
)
def test_numbers_that_cannot_be(module, settings, words):
    with pytest.raises(ConfigurationError, match=words):
        module(**settings)


def test_group_regions_are_no_instances(module):
    data = module()
    raw = next(iter(data.val_dataloader()))["instance"]
    assert (compact_instances(raw)[raw == 24] == 0).all()
    assert (raw == 24).any()


@pytest.mark.parametrize("encoding", ["instance_noise", "per_instance_masks", "semantic"])
def test_a_sample_is_encoded_alike_in_any_batch(composed, tiny_overrides, encoding):
    """Metrics must not depend on the batch size, though some encodings draw random numbers."""

    def conditions(batch_size, seed=None):
        settings = [f"encoding={encoding}", f"data.batch_size={batch_size}", "paths.output_dir=unused"]
        cfg = composed(*tiny_overrides, *settings)
        data = instantiate(cfg.data, encoding=instantiate(cfg.encoding))
        return torch.cat([data.encode(sample, seed=seed).condition for sample in data.val_dataloader()])

    assert torch.equal(conditions(1), conditions(3))
    redrawn = not torch.equal(conditions(1), conditions(1, seed=7))
    assert redrawn == (encoding == "instance_noise")  # masks find their slots by area
