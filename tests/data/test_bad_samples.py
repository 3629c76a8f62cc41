"""`data.on_bad_sample`: handling of samples that cannot be read."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from oasis.data import CachedSamples, Cityscapes, FileSamples, LabelMapDataModule, splits
from oasis.data.bad_samples import BadSamples
from oasis.data.cache import Container, build_cache
from oasis.data.faults import Refusal, Tolerance
from oasis.data.tolerant import Replacing, find_refusals
from oasis.encodings import Semantic
from oasis.errors import ConfigurationError, DatasetError
from oasis.training.segmenter import SegmenterTraining

LAX = Tolerance("skip", 0.5)


def name(number):
    return f"town_{number:06d}_000019"


@pytest.fixture
def spoil(tiny):
    def act(split, number):
        path = tiny.photo(split, name(number))
        path.write_bytes(path.read_bytes()[:-40])  # the header is good

    return act


@pytest.fixture
def module(tiny, ids, tmp_path):
    def make(**settings):
        ours = {"height": 32, "width": 64, "batch_size": 2, "num_workers": 0, "cache_folder": str(tmp_path / "p")}
        data = LabelMapDataModule(
            Cityscapes(tiny.root),
            Semantic(ids),
            ids,
            **{**ours, "on_bad_sample": "skip", "max_bad_share": 0.5, **settings},
        )
        data.setup("fit")
        return data

    return make


@pytest.fixture
def dataset(tiny, ids):
    return lambda split="train", tolerance=LAX: FileSamples(
        Cityscapes(tiny.root), split, ids, 32, 64, tolerance=tolerance
    )


def names(loader):
    return [one for batch in loader for one in batch["name"]]


@pytest.mark.filterwarnings("ignore:Bad sample")
@pytest.mark.parametrize("workers", [0, 2])
def test_only_the_bad_ones_place_is_taken(module, spoil, workers):
    before = names(module(num_workers=workers).train_dataloader())
    spoil("train", 2)
    spoil("train", 5)
    data = module(num_workers=workers)
    after = names(data.train_dataloader())
    bad = {name(2), name(5)}
    assert bad & set(before)
    assert all(new == old for new, old in zip(after, before, strict=True) if old not in bad)
    assert not bad & set(after)
    assert after == names(data.train_dataloader()) == names(module().train_dataloader())


@pytest.mark.filterwarnings("ignore:Bad sample")
def test_resuming_replaces_as_the_whole_run_did(module, spoil):
    spoil("train", 0)
    whole = names(module().train_dataloader())
    resumed = module()
    resumed.load_state_dict({"batches_served": 1})
    assert names(resumed.train_dataloader())[:4] == whole[2:6]


@pytest.mark.filterwarnings("ignore:Bad sample")
def test_training_does_not_look_for_bad_samples_in_advance(fit, spoil, monkeypatch):
    """Only the split that is scored is read once before; the other is decoded as training reads it."""
    spoil("train", 2)
    looked = []

    def look(source, workers):
        looked.append(source.split)
        return find_refusals(source, workers)

    monkeypatch.setattr(splits, "find_refusals", look)
    skip = ("data.on_bad_sample=skip", "data.max_bad_share=0.5", "discriminator=panoptic")
    fit("run", *skip, "trainer.max_epochs=1", "callbacks.summary=null")
    assert looked == ["val"]


def test_training_a_segmenter_does_not_either(module, ids, monkeypatch):
    training = SegmenterTraining(ids, channels=4, depth=2)
    training._trainer = SimpleNamespace(datamodule=module())  # has looked in the validation split
    looked = []
    monkeypatch.setattr(splits, "find_refusals", lambda source, workers: looked.append(source.split) or {})
    training.setup("fit")
    assert looked == []


def test_a_batch_holds_the_other_sample_whole(dataset, spoil):
    spoil("train", 3)
    replaced = Replacing(dataset())[3]
    other = dataset()[replaced["index"]]
    assert replaced["index"] != 3
    assert torch.equal(replaced["image"], other["image"])
    assert replaced["name"] == other["name"]
    (refusal,) = replaced["refused"]
    assert refusal[:2] == (3, name(3))
    assert "cannot be decoded" in refusal.reason
    assert "refused" not in Replacing(dataset())[1]


@pytest.mark.parametrize("workers", [0, 1])
def test_each_is_told_and_listed_once(module, spoil, tmp_path, workers):
    spoil("train", 2)
    spoil("val", 101)
    with pytest.warns(UserWarning, match=r"Bad sample town_000101.*val, 1 of 3.*cannot be decoded"):
        data = module(num_workers=workers)
    reported = data._splits.reporter("train").__self__
    reported.folder = tmp_path / "run"
    with pytest.warns(UserWarning, match=r"Bad sample town_000002.*train, 1 of 7") as told:
        batches = [batch for _ in range(3) for batch in data.train_dataloader()]
    assert all("refused" not in batch for batch in batches)
    assert sum("Bad sample" in str(warning.message) for warning in told) == 1
    with (tmp_path / "run" / "bad_samples.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["split"], row["sample"]) == ("train", name(2))
    assert f"{name(2)}_leftImg8bit.png" in row["reason"]


@pytest.mark.filterwarnings("ignore:Bad sample")
def test_several_lists_in_one_file(tmp_path):
    """As of several processes, or of a run that was resumed in its folder."""
    for reasons in (["a", "b, with\na line"], ["b"]):
        register = BadSamples(LAX, "train", 10, tmp_path)
        register.report([Refusal(i, reason[0], reason) for i, reason in enumerate(reasons)])
    with (tmp_path / "bad_samples.csv").open(newline="") as file:
        assert [row["sample"] for row in csv.DictReader(file)] == ["a", "b"]


@pytest.mark.filterwarnings("ignore:Bad sample")
def test_several_processes_together_may_not_meet_too_many(tmp_path):
    """Each meets two of ten; three are accepted, and samples of another split do not count."""
    few = Tolerance("skip", 0.3)
    first, second, other = (BadSamples(few, split, 10, tmp_path) for split in ("train", "train", "val"))
    first.report([Refusal(0, "a", "corrupt a"), Refusal(1, "b", "corrupt b")])
    other.report([Refusal(0, "y", "corrupt y"), Refusal(1, "z", "corrupt z")])
    second.report([Refusal(1, "b", "corrupt b"), Refusal(5, "c", "corrupt c")])
    with pytest.raises(DatasetError, match=r"4 of 10 samples of the split 'train'.*corrupt d"):
        second.report([Refusal(6, "d", "corrupt d")])
    BadSamples(few, "train", 10, None).report([Refusal(6, "d", "corrupt d")])  # knows of no others


@pytest.mark.filterwarnings("ignore:Bad sample")
def test_a_run_folder_that_cannot_be_written_does_not_end_the_run(tmp_path):
    (tmp_path / "file").write_text("")
    BadSamples(LAX, "train", 10, tmp_path / "file").report([Refusal(0, "a", "a")])
    assert (tmp_path / "file").read_text() == ""


@pytest.mark.filterwarnings("ignore:Bad sample")
def test_too_many_end_the_run(module, spoil):
    for number in (0, 1, 2):
        spoil("train", number)
    wanted = r"1 of 7 samples of the split 'train'.*max_bad_share=0\.1.*data-check.*cannot be decoded"
    with pytest.raises(DatasetError, match=wanted):
        names(module(max_bad_share=0.1).train_dataloader())
    assert names(module(max_bad_share=3 / 7).train_dataloader())


def test_an_error_unless_told_otherwise(module, spoil):
    spoil("train", 2)
    with pytest.raises(DatasetError, match=r"town_000002.*cannot be decoded"):
        names(module(on_bad_sample="error").train_dataloader())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"on_bad_sample": "ignore"}, r"data\.on_bad_sample=ignore: no such policy; choose one of error, skip"),
        ({"max_bad_share": 5}, r"data\.max_bad_share=5"),
    ],
)
def test_settings_that_cannot_be(module, settings, words):
    with pytest.raises(ConfigurationError, match=words):
        module(**settings)


# --- scores: left out, never replaced -----------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Bad sample")
def test_scores_are_taken_over_what_can_be_read_each_once(module, spoil):
    plain = module().dataset("val").fingerprint()
    spoil("val", 101)
    data = module()
    assert names(data.val_dataloader()) == [name(100), name(102)]
    assert names(data.loader_of("val", [1, 0])) == [name(102), name(100)]
    assert len(data.dataset("val")) == len(data.dataset("val").files) == 2
    assert [data.dataset("val")[i]["index"] for i in range(2)] == [0, 1]
    assert data.dataset("val").fingerprint() not in (plain, data._splits.all("val").fingerprint())
    assert data.first_samples("val", 9, torch.device("cpu")).name == [name(100), name(102)]


@pytest.mark.filterwarnings("ignore:Bad sample")
def test_the_training_split_is_scored_without_them_too(module, spoil):
    """As for the real-photo reference of FID, or `oasis evaluate --split train`."""
    spoil("train", 4)
    data = module()
    assert len(data.dataset("train")) == 6
    assert names(data.loader_of("train", range(6))) == [name(i) for i in range(7) if i != 4]
    assert len(names(data.train_dataloader())) == 6  # 3 batches of the 7, as without


def test_what_turns_bad_later_is_never_replaced_in_scores(module, spoil):
    data = module()
    spoil("val", 101)
    with pytest.raises(DatasetError, match="cannot be decoded"):
        names(data.val_dataloader())


@pytest.mark.filterwarnings("ignore:Bad sample")
def test_a_split_of_which_nothing_is_left(module, spoil):
    for number in (100, 101, 102):
        spoil("val", number)
    with pytest.raises(DatasetError, match="No sample of the split 'val'"):
        module(max_bad_share=1)


# --- what headers show, and what is cached ----------------------------------------------------


def test_a_file_of_the_wrong_kind_waits_until_it_is_read(tiny, dataset):
    path = tiny.label("train", name(1))
    Image.new("1", (128, 64)).save(path)
    with pytest.raises(DatasetError, match="mode 1"):
        dataset(tolerance=Tolerance())
    lax = dataset()
    with pytest.raises(DatasetError, match="mode 1"):
        lax[1]
    assert [refusal.position for refusal in find_refusals(lax, 0)] == [1]
    with pytest.raises(DatasetError, match=r"1 of 7 samples.*max_bad_share=0\.05"):
        dataset(tolerance=Tolerance("skip", 0.05))


def test_sizes_that_differ_are_refused_though_resizing_would_hide_it(tiny, dataset):
    path = tiny.photo("train", name(1))
    Image.new("RGB", (64, 64)).save(path)
    with pytest.raises(DatasetError, match="of the same sample"):
        dataset()[1]


@pytest.mark.filterwarnings("ignore:Bad sample")
def test_cached_with_holes(module, spoil, dataset, tmp_path):
    spoil("train", 2)
    spoil("val", 101)
    plain = module()
    with pytest.raises(DatasetError, match="town_000002"):
        build_cache(Container(dataset(tolerance=Tolerance()), tmp_path / "p"), progress=False)
    for split in ("train", "val"):
        container = Container(dataset(split), tmp_path / "p")
        assert build_cache(container, progress=False)
        assert not build_cache(container, verify=True, progress=False)  # its checksums are as they should be
    cached = module()
    assert isinstance(cached._splits.all("train"), CachedSamples)
    assert cached._splits.all("train").suspects() == [2]  # so nothing has to be decoded to know
    assert cached.train_dataloader().num_workers == 0
    for ours, theirs in zip(cached.train_dataloader(), plain.train_dataloader(), strict=True):
        assert ours["name"] == theirs["name"]
        assert torch.equal(ours["image"], theirs["image"])
    assert names(cached.val_dataloader()) == [name(100), name(102)]
    with pytest.raises(DatasetError, match=r"town_000002.*cannot be decoded"):
        module(on_bad_sample="error")  # immediately, not when it is read


@pytest.mark.filterwarnings("ignore:Bad sample")
def test_caching_goes_on_behind_a_hole(dataset, spoil, tmp_path, monkeypatch):
    spoil("train", 2)
    container = Container(dataset(), tmp_path / "p")
    read, seen = FileSamples.__getitem__, []

    def cut_off(self, index):
        seen.append(index)
        if index == 4 and seen.count(4) == 1:
            raise KeyboardInterrupt
        return read(self, index)

    monkeypatch.setattr(FileSamples, "__getitem__", cut_off)
    with pytest.raises(KeyboardInterrupt):
        build_cache(container, progress=False)
    build_cache(container, progress=False)
    assert seen == [0, 1, 2, 3, 4, 4, 5, 6]
    assert np.array_equal(container.open().refused(), [2])


def test_too_many_end_caching(dataset, spoil, tmp_path):
    spoil("train", 0)
    with (
        pytest.warns(UserWarning, match="Bad sample"),
        pytest.raises(DatasetError, match=r"1 of 7 samples.*max_bad_share=0\.1"),
    ):
        build_cache(Container(dataset(tolerance=Tolerance("skip", 0.1)), tmp_path / "p"), progress=False)


def test_a_disk_that_is_gone(tiny, dataset):
    many = dataset()
    for path in (tiny.root / "gtFine").rglob("*.png"):
        path.unlink()
    with pytest.raises(DatasetError, match=r"one after the other.*no such file"):
        Replacing(many)[0]
