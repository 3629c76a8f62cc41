"""Cached samples are bit-identical to those of the files, and invalid ones are never used."""

import json
import os
import pickle
import warnings

import numpy as np
import pytest
import torch
from PIL import Image
from run_files import csv_rows
from torch.utils.data import DataLoader

from oasis.data import CachedSamples, Cityscapes, FileSamples, LabelMapDataModule
from oasis.data.cache import Container, build_cache
from oasis.data.cache import container as container_module
from oasis.data.transforms import compact_instances
from oasis.encodings import Semantic
from oasis.errors import ConfigurationError, DatasetError
from oasis.labels import LabelSpace


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PANOPTIC_OASIS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def listed(tiny, ids):
    def make(split="train", height=32, width=64, space=ids, **settings):
        return FileSamples(Cityscapes(tiny.root), split, space, height, width, **settings)

    return make


@pytest.fixture
def ready(listed):
    """The cached samples of a dataset."""

    def make(*words, **settings):
        container = Container(listed(*words, **settings))
        build_cache(container, progress=False)
        return CachedSamples(container)

    return make


@pytest.fixture
def module(tiny, ids):
    def make(**settings):
        settings = {"height": 32, "width": 64, "batch_size": 2, "num_workers": 0, **settings}
        return LabelMapDataModule(Cityscapes(tiny.root), Semantic(ids), ids, **settings)

    return make


def same(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        if isinstance(value, torch.Tensor):
            assert value.dtype == other[name].dtype, name
            assert torch.equal(value, other[name]), name
        else:
            assert value == other[name], name
    return True


@pytest.mark.parametrize(("height", "width"), [(32, 64), (64, 128), (45, 77)], ids=["halved", "whole", "odd"])
@pytest.mark.parametrize("split", ["train", "val"])
def test_every_sample_is_that_of_the_files(listed, ready, split, height, width):
    plain, cached = (make(split, height, width) for make in (listed, ready))
    assert len(cached) == len(plain)
    for i in range(len(plain)):
        assert same(cached[i], plain[i])
    for one, other in zip(cached.__getitems__([2, 0, 2]), [plain[2], plain[0], plain[2]], strict=True):
        assert same(one, other)
    for name in ("root", "split", "label_space", "height", "width", "files"):
        assert getattr(cached, name) == getattr(plain, name), name
    assert cached.fingerprint() == plain.fingerprint()


def test_samples_without_instances_and_with_the_highest_id(tiny, listed, ready):
    tiny.add("val", "town_000200_000019", seed=9, instances=False)
    path = tiny.instance("val", "town_000100_000019")
    ids = np.asarray(Image.open(path)).copy()
    ids[ids == 26002] = 26999
    Image.fromarray(ids).save(path)
    plain, cached = listed("val"), ready("val")
    assert int(cached[0]["instance"].max()) == 26999
    assert not cached[3]["instance"].any()
    assert all(same(cached[i], plain[i]) for i in range(4))


class HighIds(Cityscapes):
    """Cars of class 181, whose instances do not fit into 16 bits."""

    def read_label(self, path, max_pixels=2**26):
        label = super().read_label(path, max_pixels)
        return np.where(label == 26, 181, label).astype(np.uint8)

    def read_instance(self, path, max_pixels=2**26):
        instance = super().read_instance(path, max_pixels)
        return np.where(instance >= 26000, instance + 155_000, instance).astype(np.int32)


def test_classes_whose_instances_do_not_fit_into_16_bits(tiny, ids, tmp_path):
    classes = [{"name": "all else", "ids": list(range(34))}, {"name": "car", "ids": [181], "thing": True}]
    space = LabelSpace.from_classes(classes, ignore="all else")
    plain = FileSamples(HighIds(tiny.root), "train", space, 32, 64)
    container = Container(plain, tmp_path / "there")
    build_cache(container, progress=False)
    cached = CachedSamples(container)
    assert sorted(np.unique(cached[0]["instance"][cached[0]["label"] == 181])) == [181000, 181002]
    assert all(same(cached[i], plain[i]) for i in range(len(plain)))
    low = FileSamples(Cityscapes(tiny.root), "train", ids, 32, 64)[0]["instance"][None]
    assert torch.equal(compact_instances(cached[0]["instance"][None]), compact_instances(low))


class WithIdZero(Cityscapes):
    """Cars of class 0, whose instances start at 256000."""

    def read_label(self, path, max_pixels=2**26):
        label = super().read_label(path, max_pixels)
        return np.where(label == 26, 0, label).astype(np.uint8)

    def read_instance(self, path, max_pixels=2**26):
        instance = super().read_instance(path, max_pixels)
        return np.where(instance >= 26000, instance - 26_000 + 256_000, instance).astype(np.int32)


@pytest.mark.parametrize("is_thing", [True, False], ids=["thing", "void"])
def test_instances_of_class_0(tiny, tmp_path, is_thing):
    """Stored as 256 * 1000 + k, which do not fit into 16 bits, though the highest class that has instances is 60."""
    classes = [
        {"name": "car", "ids": [0], "thing": is_thing},
        {"name": "lamp", "ids": [60], "thing": True},
        {"name": "all else", "ids": list(range(1, 34))},
    ]
    space = LabelSpace.from_classes(classes, ignore="all else" if is_thing else "car")
    plain = FileSamples(WithIdZero(tiny.root), "train", space, 32, 64)
    container = Container(plain, tmp_path / "there")
    build_cache(container, progress=False)
    assert not build_cache(container, verify=True, progress=False)
    cached = CachedSamples(container)
    assert {256_000, 256_002} <= set(np.unique(plain[0]["instance"]).tolist())
    assert all(same(cached[i], plain[i]) for i in range(len(plain)))
    assert all(same(*pair) for pair in zip(cached.__getitems__([0, 1]), [plain[0], plain[1]], strict=True))
    assert container.fields["instance"].dtype == (np.int32 if is_thing else np.uint16)


def test_genuine_frames(ids, tmp_path):
    if "OASIS_REAL_DATA" not in os.environ:
        pytest.skip("OASIS_REAL_DATA names no folder with genuine frames")
    plain = FileSamples(Cityscapes(os.path.join(os.environ["OASIS_REAL_DATA"], "cityscapes_sample")), "val", ids)
    container = Container(plain, tmp_path / "there")
    build_cache(container, progress=False)
    assert all(same(CachedSamples(container)[i], plain[i]) for i in range(len(plain)))


@pytest.mark.parametrize(("context", "workers"), [("fork", 2), ("spawn", 1)])
def test_workers_read_the_same(listed, ready, context, workers):
    settings = {"batch_size": 3, "num_workers": workers, "multiprocessing_context": context}
    read = list(DataLoader(ready("val"), **settings))
    plain = list(DataLoader(listed("val"), batch_size=3))
    assert len(read) == len(plain) == 1
    assert same(read[0], plain[0])


def test_arrays_are_mapped_anew_not_pickled(ready):
    cached = ready()
    text = pickle.dumps(cached)
    whole = sum(path.stat().st_size for path in cached.container.folder.glob("*.npy"))
    assert len(text) < whole / 3
    assert same(pickle.loads(text)[1], cached[1])


def test_what_is_written_to_a_sample_stays_there(ready):
    cached = ready()
    first = cached[0]
    kept = first["image"].clone()
    first["image"].zero_()
    assert torch.equal(cached[0]["image"], kept)
    cached.__getitems__([0])[0]["image"].zero_()  # mapped: reaches this process at most
    assert torch.equal(CachedSamples(cached.container)[0]["image"], kept)


# --- what cannot be trusted ---------------------------------------------------------------------


def touch(tiny, listed):
    path = tiny.photo("train", "town_000002_000019")
    state = path.stat()
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + 1))


def change_size(tiny, listed):
    tiny.add("train", "town_000002_000019", seed=77)
    path = tiny.photo("train", "town_000002_000019")
    path.write_bytes(path.read_bytes() + b"\0")


def add(tiny, listed):
    tiny.add("train", "town_000009_000019")


def remove(tiny, listed):
    for path in (tiny.photo, tiny.label, tiny.instance):
        path("train", "town_000002_000019").unlink()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (touch, r"source files changed since: .*town_000002_000019_leftImg8bit\.png is \d+ bytes of time \d+, was"),
        (change_size, r"source files changed since: .*town_000002_000019_leftImg8bit\.png is"),
        (add, r"source files changed since: .*town_000009_000019_leftImg8bit\.png is new"),
        (remove, r"source files changed since: .*town_000002_000019_leftImg8bit\.png is gone"),
    ],
)
def test_changed_source_files_are_noticed_and_cached_anew(tiny, listed, ready, module, change, words, capsys):
    folder = ready().container.folder
    change(tiny, listed)
    with pytest.warns(UserWarning, match=rf"cannot be used: .*{words}.*data\.build_cache=true"):
        assert isinstance(module().dataset("train"), FileSamples)
    data = module(build_cache=True)
    data.prepare_data()
    assert "source files changed" in capsys.readouterr().err
    cached = data.dataset("train")
    assert isinstance(cached, CachedSamples)
    assert cached.container.folder == folder
    assert all(same(cached[i], listed()[i]) for i in range(len(listed())))
    assert sorted(path.suffix for path in folder.parent.iterdir()) == ["", "", ".lock", ".lock"]  # train and val only


def other_version(folder):
    content = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps({**content, "version": 0}))


def other_settings(folder):
    content = json.loads((folder / "index.json").read_text())
    content["settings"]["height"] = 31
    (folder / "index.json").write_text(json.dumps(content))


def corrupt_index(folder):
    (folder / "index.json").write_text((folder / "index.json").read_text()[:99])


def foreign_index(folder):
    (folder / "index.json").write_text("[]")


def cut_off(folder):
    with (folder / "image.npy").open("r+b") as file:
        file.truncate(9999)


def too_long(folder):
    with (folder / "label.npy").open("ab") as file:
        file.write(b"\0")


def other_array(folder):
    np.save(folder / "label.npy", np.zeros((7, 32, 64), np.int16))


def missing(folder):
    (folder / "instance.npy").unlink()


def empty(folder):
    (folder / "checksum.npy").write_bytes(b"")


def junk(folder):
    (folder / "label.npy").write_bytes(b"no array" * 9)


CORRUPT = [
    (other_version, "version 0 of this format, but this is version 3"),
    (other_settings, "other settings: height is 32, was 31"),
    (corrupt_index, r"index\.json cannot be read"),
    (foreign_index, "not one of cached samples"),
    (cut_off, r"image\.npy: corrupt"),
    (too_long, r"label\.npy: corrupt \(14465 bytes, not 14464\)"),
    (other_array, r"label\.npy: holds int16"),
    (missing, r"instance\.npy: corrupt .*No such file"),
    (empty, r"checksum\.npy: corrupt"),
    (junk, r"label\.npy: corrupt"),
]


@pytest.mark.parametrize(("damage", "words"), CORRUPT, ids=[damage.__name__ for damage, _ in CORRUPT])
def test_what_is_not_whole_is_noticed_and_cached_anew(listed, ready, damage, words, capsys):
    container = ready().container
    damage(container.folder)
    with pytest.raises(DatasetError, match=words):
        CachedSamples(container)
    with pytest.warns(UserWarning, match=words):
        assert CachedSamples.find(container) is None
    assert build_cache(container, progress=False)
    assert "Caching anew" in capsys.readouterr().err
    assert all(same(CachedSamples(container)[i], listed()[i]) for i in range(7))


@pytest.mark.parametrize("array", ["image", "label", "instance", "checksum"])
def test_a_damaged_sample_is_read_from_its_files_and_remembered(listed, ready, array):
    container = ready().container
    path = container.folder / f"{array}.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1  # of the last sample
    path.write_bytes(content)
    cached = CachedSamples(container)  # looks valid
    with pytest.warns(UserWarning, match=r"checksum of sample 6 \(town_000006_000019\) is wrong.*oasis prepare"):
        batch = cached.__getitems__([5, 6])
    assert same(batch[1], listed()[6])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert same(cached[5], listed()[5])
    with pytest.warns(UserWarning, match="a checksum was wrong .sample 6, town_000006_000019"):
        assert CachedSamples.find(container) is None  # the next run
    assert build_cache(container, progress=False)
    assert same(CachedSamples(container)[6], listed()[6])


def test_no_cached_samples_are_no_news(listed):
    container = Container(listed())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert CachedSamples.find(container) is None
    with pytest.raises(DatasetError, match=r"index\.json cannot be read.*No such file"):
        CachedSamples(container)


def test_a_worker_notices_that_other_samples_took_the_place(tiny, listed, ready):
    cached = ready()
    pickled = pickle.dumps(cached)
    tiny.add("train", "town_000000_000019", seed=5)
    build_cache(Container(listed()), progress=False)
    with pytest.raises(DatasetError, match="source files changed"):
        pickle.loads(pickled)
    cached[0]  # open arrays stay valid


def test_a_folder_for_each_dataset_split_size_and_setting(listed, ids, tmp_path, monkeypatch):
    containers = [
        Container(listed()),
        Container(listed("val")),
        Container(listed(height=48)),
        Container(listed(width=48)),
        Container(listed(on_inconsistent_ids="trust_instances")),
        Container(listed(space=LabelSpace.cityscapes_train_ids())),
        Container(listed(), tmp_path / "elsewhere"),
    ]
    assert len({container.folder for container in containers}) == len(containers)
    assert Container(listed(), tmp_path / "elsewhere").folder.is_relative_to(tmp_path / "elsewhere")
    assert containers[0].folder.is_relative_to(tmp_path / "cache" / "samples")
    monkeypatch.chdir(tmp_path)
    relative = Container(FileSamples(Cityscapes("../" + tmp_path.name + "/dataset"), "train", ids, 32, 64))
    assert (relative.folder, relative.index) == (containers[0].folder, containers[0].index)


def test_a_new_version_of_the_code_caches_anew(listed, ready, monkeypatch):
    container = ready().container
    monkeypatch.setattr(container_module, "VERSION", 4)
    assert "version 3 of this format, but this is version 4" in Container(listed()).fault()
    assert Container(listed()).folder == container.folder


# --- training -----------------------------------------------------------------------------------


def test_good_samples_are_used_by_themselves(module, ready):
    assert isinstance(module().dataset("val"), FileSamples)
    ready("val")
    assert isinstance(module().dataset("val"), CachedSamples)
    assert isinstance(module().dataset("train"), FileSamples)
    assert isinstance(module(use_cache=False).dataset("val"), FileSamples)


def test_cached_on_first_use_where_it_is_wanted(module, tmp_path):
    module().prepare_data()
    assert not (tmp_path / "cache").exists()
    data = module(build_cache=True, cache_folder=str(tmp_path / "mine"))
    data.prepare_data()
    assert not (tmp_path / "cache").exists()
    data.setup()
    for split in ("train", "val"):
        assert isinstance(data.dataset(split), CachedSamples)
    for ours, plain in zip(data.train_dataloader(), module().train_dataloader(), strict=True):
        assert same(ours, plain)


@pytest.mark.parametrize(("asked", "files", "cached"), [(None, 2, 0), (0, 0, 0), (1, 1, 1)])
def test_workers_are_for_files(module, monkeypatch, asked, files, cached):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    data = module(num_workers=asked)
    assert data.train_dataloader().num_workers == data.loader_of("val", [0]).num_workers == files
    data = module(num_workers=asked, build_cache=True)
    data.prepare_data()
    assert data.train_dataloader().num_workers == data.statistics_dataloader(1).num_workers == cached


def test_caching_what_is_not_read_is_refused(module):
    with pytest.raises(ConfigurationError, match=r"data\.build_cache=true data\.use_cache=false"):
        module(build_cache=True, use_cache=False)


def test_training_has_the_same_losses(fit, tmp_path):
    short = ("trainer.max_epochs=1", "trainer.limit_val_batches=0")
    plain = csv_rows(fit("plain", *short, "data.use_cache=false"))
    assert not (tmp_path / "cache").exists()
    cached = csv_rows(fit("cached", *short, "data.build_cache=true"))
    assert (tmp_path / "cache" / "samples").is_dir()
    names = [name for name in plain[0] if name.startswith(("generator/", "discriminator/"))]
    assert len(names) >= 3
    assert len(plain) == len(cached) == 3
    for one, other in zip(plain, cached, strict=True):
        assert [one[name] for name in names] == [other[name] for name in names]  # as text: every digit
