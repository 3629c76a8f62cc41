"""`oasis prepare`, as typed."""

import pytest
from typer.testing import CliRunner

from oasis.cli import app


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PANOPTIC_OASIS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def run(tiny):
    def invoke(*words):
        sizes = ["data=cityscapes", f"data.root={tiny.root}", "data.height=32", "data.width=64"]
        done = CliRunner().invoke(app, ["prepare", *sizes, *map(str, words)])
        return done.exit_code, done.output

    return invoke


def test_prepares_both_splits_and_says_where(run, tmp_path):
    code, said = run()
    assert code == 0, said
    folder = next((tmp_path / "cache" / "samples").iterdir())
    assert "train: 7 samples of 32x64, 0.1 MB, cached in" in said
    assert "val: 3 samples of 32x64, 0.0 MB, cached in" in said
    assert str(folder / "train-32x64-") in said
    assert len(list(folder.glob("*/index.json"))) == 2
    assert run()[1].count("complete already") == 2
    assert run("--force")[1].count("cached in") == 2


def test_verifies_every_checksum_and_mends(run, tmp_path):
    folder = tmp_path / "mine"
    where = f"data.cache_folder={folder}"
    run(where)
    assert run(where, "--verify")[1].count("all checksums match") == 2
    path = next(folder.glob("*/val-*/image.npy"))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    code, said = run(where, "--verify")
    assert code == 0
    assert "the checksums of 1 of 3 samples are wrong" in said
    assert said.count("all checksums match") == 1
    assert run(where, "--verify")[1].count("all checksums match") == 2


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["data.root=nowhere"], "error: No dataset at data.root=nowhere"),
        (["data.colour=red"], "colour"),
        (["label_space=cityscapes_train_ids", "data.on_inconsistent_ids=guess"], "no such policy"),
    ],
)
def test_bad_input_is_told_in_one_line(run, words, expected):
    code, said = run(*words)
    assert code == 1
    assert expected in said
    assert "Traceback" not in said


def test_workers_below_one_and_what_is_no_setting(run):
    assert run("--workers", 0)[0] == 2
    assert run("--nonsense")[0] == 2
