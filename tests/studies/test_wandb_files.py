"""W&B's own run files, written by W&B, and its frames, written the slow way."""

import random
import struct
import time
import zlib

import pytest
import wandb

from oasis.errors import ConfigurationError
from oasis.studies import find_runs
from oasis.studies.wandb_log import frames, read_records
from oasis.studies.wandb_runs import read_content, read_wandb_run

HEADER = b":W&B" + struct.pack("<HB", 0xBEE1, 0)
CONFIG = {
    "name": "study",
    "seed": 2,
    "data": {"height": 64, "batch_size": 4, "streets": {"train": 40}},
    "encoding": {"_target_": "oasis.encodings.InstanceIds", "normalized": True},
    "discriminator": {"_target_": "oasis.models.PanopticDiscriminator"},
    "trainer": {"max_epochs": 1},
}


@pytest.fixture(scope="module")
def offline(tmp_path_factory):
    """The folder of a run that W&B itself has written; one row is longer than two blocks."""
    folder = tmp_path_factory.mktemp("offline")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_MODE", "offline")
        patch.setenv("WANDB_SILENT", "true")
        patch.setenv("WANDB_DATA_DIR", str(folder / "data"))
        patch.setenv("WANDB_CACHE_DIR", str(folder / "cache"))
        run = wandb.init(project="test", dir=str(folder), config=CONFIG, settings=wandb.Settings(x_disable_stats=True))
        for batch in (5, 10):
            row = {"generator/adversarial": 10 / batch, "segmenter/pq": batch / 100, "real_photos/segmenter/pq": 0.8}
            run.log({**row, "trainer/global_step": batch, "note": "x" * (70_000 if batch == 5 else 1)})
        run.finish()
    ends = time.monotonic() + 30  # W&B's own process may write on for a moment
    while read_content(file_of(folder / "wandb")).exit_code is None and time.monotonic() < ends:
        time.sleep(0.1)
    return folder / "wandb"


def file_of(offline):
    (file,) = offline.glob("offline-run-*/run-*.wandb")
    return file


def test_what_was_logged_is_read_back(offline):
    run = read_wandb_run(file_of(offline))
    assert (run.encoding, run.discriminator, run.seed) == ("instance_ids_normalized", "panoptic", 2)
    assert (run.batches, run.finished) == (10, True)
    assert run.metrics == {"segmenter/pq": 0.1}
    assert run.real_photos == {"segmenter/pq": 0.8}
    assert run.curves["generator/adversarial"] == ((5, 2.0), (10, 1.0))
    assert (run.settings["data.height"], run.settings["batches"]) == (64, 10)


def test_it_is_found_once_wherever_one_looks_from(offline):
    file = file_of(offline)
    assert (offline / "latest-run").exists()  # a link to the same run
    for place in (offline.parent, offline, file.parent, file):
        assert [run.origin for run in find_runs([place]).runs] == [str(file.resolve())]


def test_a_killed_run_is_read_as_far_as_it_goes(offline, tmp_path):
    whole = file_of(offline).read_bytes()
    lengths = []
    for size in sorted({*random.Random(0).sample(range(7, len(whole)), 40), len(whole)}):
        (tmp_path / "run-cut.wandb").write_bytes(whole[:size])
        lengths.append(len(list(read_records(tmp_path / "run-cut.wandb"))))
    assert lengths == sorted(lengths)
    assert lengths[0] < lengths[-1]
    (tmp_path / "run-cut.wandb").write_bytes(whole[: len(whole) // 2])
    assert not read_wandb_run(tmp_path / "run-cut.wandb").finished
    assert read_content(tmp_path / "run-cut.wandb").exit_code is None


def test_a_spoilt_byte_ends_what_is_read(offline, tmp_path):
    whole = bytearray(file_of(offline).read_bytes())
    whole[100] ^= 1
    (tmp_path / "run-bad.wandb").write_bytes(whole)
    assert len(list(read_records(tmp_path / "run-bad.wandb"))) < len(list(read_records(file_of(offline))))


@pytest.mark.parametrize("content", [b"", b":W&", b"PK\3\4" + b"0" * 40], ids=["empty", "short", "zip"])
def test_other_files_are_refused(content, tmp_path):
    (tmp_path / "run-x.wandb").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"run-x.wandb: not the file of a W&B run"):
        read_wandb_run(tmp_path / "run-x.wandb")


def framed(messages):
    """LevelDB's log format, one byte after the other: blocks of 32768, no header across two of them."""
    out = bytearray(HEADER)
    for message in messages:
        first, left = True, message
        while first or left:
            room = 32768 - len(out) % 32768
            if room < 7:
                out += bytes(room)
                continue
            part, left = left[: room - 7], left[room - 7 :]
            kind = {(True, False): 1, (True, True): 2, (False, True): 3, (False, False): 4}[first, bool(left)]
            out += struct.pack("<IHB", zlib.crc32(bytes([kind]) + part), len(part), kind) + part
            first = False
    return bytes(out)


def test_frames_of_all_lengths_come_back():
    rng = random.Random(3)
    fits = 32768 - 7 - 7  # the file's header, the frame's
    for lengths in (
        [0, 1, 2],
        [fits],
        [fits - 7, 5],
        [fits - 3, 9],
        [fits + 1],
        [100_000, 0, 3],
        rng.sample(range(70_000), 30),
    ):
        messages = [rng.randbytes(length) for length in lengths]
        assert list(frames(framed(messages))) == messages
