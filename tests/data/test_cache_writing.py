"""Preparing resumes after an interruption, is done once by concurrent processes, and leaves no partial files."""

import errno
import json
import multiprocessing
import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from oasis.data import CachedSamples, Cityscapes, FileSamples
from oasis.data.cache import Container, build_cache
from oasis.data.cache.draft import Draft, draft_folder
from oasis.errors import ConfigurationError, DatasetError

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def container(tiny, ids, tmp_path):
    return Container(FileSamples(Cityscapes(tiny.root), "train", ids, 32, 64), tmp_path / "base")


@pytest.fixture
def decoded(tmp_path, monkeypatch):
    """Which samples were decoded, by any process, in order."""
    path = tmp_path / "decoded.txt"
    path.touch()
    read = FileSamples.__getitem__

    def noted(self, index):
        with path.open("a") as file:
            file.write(f"{index}\n")
        return read(self, index)

    monkeypatch.setattr(FileSamples, "__getitem__", noted)
    return lambda: [int(line) for line in path.read_text().split()]


def slowly(monkeypatch, seconds):
    read = FileSamples.__getitem__

    def wait(self, index):
        time.sleep(seconds)
        return read(self, index)

    monkeypatch.setattr(FileSamples, "__getitem__", wait)


def is_right(container):
    cached = CachedSamples(container)
    for i in range(len(cached)):
        ours, plain = cached[i], container.source[i]
        assert all(torch.equal(ours[name], plain[name]) for name in ("image", "label", "instance"))
    return sorted(path.name for path in container.folder.iterdir()) == [
        "checksum.npy",
        "image.npy",
        "index.json",
        "instance.npy",
        "label.npy",
    ]


def beside(container):
    """Other files beside the container."""
    return sorted(path.suffix for path in container.folder.parent.iterdir() if path != container.folder)


def test_once_is_enough(container, decoded):
    assert build_cache(container, progress=False)
    assert not build_cache(container, progress=False)
    assert decoded() == list(range(7))
    assert build_cache(container, anew=True, progress=False)
    assert decoded() == [*range(7), *range(7)]
    assert is_right(container)
    assert beside(container) == [".lock"]
    assert container.bytes == 7 * (32 * 64 * (3 + 1 + 2) + 4)


def test_the_arrays_are_plain_numpy_files_with_an_index(container):
    build_cache(container, progress=False)
    image = np.load(container.folder / "image.npy")
    assert (image.shape, image.dtype) == ((7, 3, 32, 64), np.uint8)
    assert np.load(container.folder / "instance.npy").dtype == np.uint16
    index = json.loads((container.folder / "index.json").read_text())
    assert index["version"] == 3
    assert index["names"][0] == "town_000000_000019"
    assert index["settings"]["height"] == 32
    photo = "leftImg8bit/train/town/town_000003_000019_leftImg8bit.png"
    state = (container.source.root / photo).stat()
    assert index["sources"][photo] == [state.st_size, state.st_mtime_ns]
    assert len(index["sources"]) == 21


def test_several_processes_decode_the_same(tiny, ids, tmp_path, decoded):
    for i in range(20, 36):
        tiny.add("train", f"town_{i:06d}_000019", seed=i)
    container = Container(FileSamples(Cityscapes(tiny.root), "train", ids, 32, 64), tmp_path / "base")
    assert build_cache(container, workers=2, progress=False)
    assert sorted(decoded()) == list(range(23))
    assert is_right(container)


def test_caching_leaves_the_random_state_alone(container):
    state = torch.get_rng_state()
    build_cache(container, progress=False)
    assert torch.equal(torch.get_rng_state(), state)


def test_workers_below_one(container):
    with pytest.raises(ConfigurationError, match="workers is 0"):
        build_cache(container, workers=0)


# --- cut off ------------------------------------------------------------------------------------


def test_a_killed_call_is_gone_on_with_by_the_next(container, decoded, monkeypatch):
    with monkeypatch.context() as slow:
        slowly(slow, 0.1)
        process = FORK.Process(target=build_cache, args=(container,), kwargs={"progress": False})
        process.start()
        while len(decoded()) < 4:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    assert not container.exists()
    killed_at = len(decoded())
    assert build_cache(container, progress=False)  # the dead process's lock is released
    assert sorted(set(decoded())) == list(range(7))
    assert len(decoded()) <= 7 + 1  # the one under way was decoded twice
    assert len(decoded()) - killed_at < 7
    assert is_right(container)
    assert beside(container) == [".lock"]


@pytest.fixture
def cut_off(container, monkeypatch):
    """A draft with five of seven samples."""
    append = Draft.append

    def stop(self, sample):
        if self.done == 5:
            raise KeyboardInterrupt
        append(self, sample)

    with monkeypatch.context() as patch:
        patch.setattr(Draft, "append", stop)
        with pytest.raises(KeyboardInterrupt):
            build_cache(container, progress=False)
    return draft_folder(container)


def test_samples_of_a_draft_are_not_decoded_again(container, cut_off, decoded):
    build_cache(container, progress=False)
    assert decoded() == [5, 6]
    assert is_right(container)


def damaged_row(folder):
    content = bytearray((folder / "label.npy").read_bytes())
    content[128 + 2 * 32 * 64] ^= 1  # of sample 2
    (folder / "label.npy").write_bytes(content)


def half_a_row(folder):
    with (folder / "image.npy").open("r+b") as file:
        file.truncate(128 + 2 * 3 * 32 * 64 + 99)


def lost_header(folder):
    (folder / "image.npy").write_bytes(bytes((folder / "image.npy").stat().st_size))


def other_index(folder):
    (folder / "index.json").write_text("{}")


@pytest.mark.parametrize(
    ("damage", "first"),
    [(damaged_row, 2), (half_a_row, 2), (lost_header, 0), (other_index, 0)],
    ids=["damaged_row", "half_a_row", "lost_header", "other_index"],
)
def test_only_what_is_sound_of_a_draft_is_kept(container, cut_off, decoded, damage, first):
    damage(cut_off)
    build_cache(container, progress=False)
    assert decoded() == list(range(first, 7))
    assert is_right(container)


def test_a_draft_of_files_that_changed_is_thrown_away(tiny, ids, cut_off, container, decoded):
    tiny.add("train", "town_000001_000019", seed=50)
    changed = Container(container.source, container.folder.parents[1])
    build_cache(changed, progress=False)
    assert decoded() == list(range(7))
    assert is_right(changed)


def test_a_good_container_stays_until_the_new_one_is_whole(container, monkeypatch):
    build_cache(container, progress=False)

    def fail(self, sample):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Draft, "append", fail)
        with pytest.raises(KeyboardInterrupt):
            build_cache(container, anew=True, progress=False)
    assert container.fault() is None
    assert is_right(container)


# --- several at once ----------------------------------------------------------------------------


def test_of_several_processes_one_works_and_the_others_wait(container, decoded, monkeypatch, capfd):
    slowly(monkeypatch, 0.1)
    results = FORK.SimpleQueue()
    processes = [FORK.Process(target=lambda: results.put(build_cache(container, progress=False))) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert sorted(results.get() for _ in processes) == [False, False, True]
    assert sorted(decoded()) == list(range(7))
    assert is_right(container)
    assert "Another process is caching" in capfd.readouterr().err


# --- no room, no permission, bad files ----------------------------------------------------------


def test_too_little_room_is_told_beforehand(container, monkeypatch, decoded):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 10**6))
    with pytest.raises(DatasetError, match=r"base.* has room for 0\.00 GB, but the 7 .* need 0\.07 GB.*cache_folder"):
        build_cache(container, progress=False)
    assert decoded() == []
    assert not container.exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@pytest.mark.parametrize("there", [False, True], ids=["new", "anew"])
def test_a_disk_that_runs_full_is_left_as_it_was(container, monkeypatch, number, there):
    if there:
        build_cache(container, progress=False)
    append = Draft.append

    def full(self, sample):
        if self.done == 3:
            raise OSError(number, os.strerror(number))
        append(self, sample)

    monkeypatch.setattr(Draft, "append", full)
    with pytest.raises(DatasetError, match=r"No room is left .*train-32x64.*data\.cache_folder"):
        build_cache(container, anew=True, progress=False)
    assert beside(container) == [".lock"]
    assert container.exists() == there
    if there:
        assert is_right(container)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is a device of Linux")
def test_a_disk_that_is_really_full_is_an_error_not_a_signal(container, monkeypatch):
    """Writing to maps would end the process with SIGBUS instead."""
    enter = Draft.__enter__

    def onto_full_disk(self):
        enter(self)
        self._files["image"] = open("/dev/full", "wb")  # noqa: SIM115
        return self

    monkeypatch.setattr(Draft, "__enter__", onto_full_disk)
    with pytest.raises(DatasetError, match="No room is left"):
        build_cache(container, progress=False)
    assert not container.exists()


def test_a_folder_that_cannot_be_made(container, tiny, ids, tmp_path):
    (tmp_path / "file").write_text("in the way")
    blocked = Container(container.source, tmp_path / "file")
    with pytest.raises(
        DatasetError, match=r"cannot be written to .*file/.*(Not a directory|File exists).*cache_folder"
    ):
        build_cache(blocked, progress=False)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(container, tmp_path):
    tmp_path.joinpath("base").mkdir(mode=0o500)
    with pytest.raises(DatasetError, match="Permission denied"):
        build_cache(container, progress=False)


def test_a_dataset_that_may_not_be_written_is_none_the_worse(container, tiny):
    def listing():
        return {path: path.stat().st_mtime_ns for path in [tiny.root, *tiny.root.rglob("*")]}

    before = listing()
    build_cache(container, progress=False)
    assert listing() == before


@pytest.mark.parametrize("workers", [1, 2])
def test_a_bad_source_file_is_named(tiny, ids, tmp_path, workers):
    for i in range(20, 36):
        tiny.add("train", f"town_{i:06d}_000019", seed=i)
    corrupt = tiny.photo("train", "town_000022_000019")
    corrupt.write_bytes(corrupt.read_bytes()[:3000])
    container = Container(FileSamples(Cityscapes(tiny.root), "train", ids, 32, 64), tmp_path / "base")
    with pytest.raises(DatasetError) as caught:
        build_cache(container, workers=workers, progress=False)
    assert str(caught.value).startswith(f"{corrupt}: cannot be decoded")
    assert not container.exists()
    assert not multiprocessing.active_children()


def test_verifying_finds_what_looks_whole(container, decoded, capsys):
    build_cache(container, progress=False)
    assert not build_cache(container, verify=True, progress=False)
    content = bytearray((container.folder / "instance.npy").read_bytes())
    content[-1] ^= 1
    (container.folder / "instance.npy").write_bytes(content)
    assert not build_cache(container, progress=False)
    assert build_cache(container, verify=True, progress=False)
    assert "checksums of 1 of 7 samples are wrong, first town_000006" in capsys.readouterr().err.replace("\n", " ")
    assert is_right(container)
