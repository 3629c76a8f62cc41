"""The commands of docs/your-data.md, one after the other, on a small folder."""

import json
import shlex
from pathlib import Path

import pytest
from conftest import TINY
from PIL import Image
from typer.testing import CliRunner

from oasis.cli import app

PAGE = Path(__file__).parents[1] / "docs" / "your-data.md"
SMALL = ["data.height=32", "data.width=64", "data.batch_size=2", "data.num_workers=0"]
SIZES = {
    "train-segmenter": [*SMALL, "--epochs", "1", "--channels", "4", "--depth", "2", "--batch-size", "2"],
    "evaluate": ["--diversity-images", "0"],
}
# What of `TINY` is about size alone.
TRAINING = [setting for setting in TINY if not setting.startswith(("data=", "name=", "metrics="))]


def commands():
    block = PAGE.read_text().split("```bash\n")[1].split("```")[0]
    return [shlex.split(line)[1:] for line in block.splitlines()]


@pytest.fixture
def folder(tiny, tmp_path):
    """Photos and maps in two folders, under plain names."""
    root = tmp_path / "photos of mine"
    for kind, ending in (("images", "_leftImg8bit.png"), ("labels", "_gtFine_labelIds.png")):
        (root / kind).mkdir(parents=True)
        for number, path in enumerate(sorted(tiny.root.rglob(f"*{ending}"))):
            Image.open(path).save(root / kind / f"{number + 1:04d}.png")
    return root


def test_six_commands_from_a_folder_to_scores(folder, tmp_path, composed, monkeypatch):
    from train import train

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PANOPTIC_OASIS_CACHE", str(tmp_path / "cache"))
    steps = commands()
    assert [words[0] for words in steps] == [
        "classes",
        "data-check",
        "train-segmenter",
        "train",
        "evaluate",
        "generate",
    ]
    for name, *words in steps:
        given = [word.replace("DIR", str(folder)).replace("fraction=0.1", "fraction=0.3") for word in words]
        quoted = [f"data.root='{folder}'" if word.startswith("data.root=") else word for word in given]
        if name == "train":
            train(composed(*quoted, *TRAINING, "trainer.max_epochs=1", "paths.output_dir=runs/mine/first"))
            continue
        done = CliRunner().invoke(app, [name, *quoted, *SIZES.get(name, [])])
        assert done.exit_code == 0, f"{name}: {done.output}"
    scores = json.loads((tmp_path / "scores" / "results.json").read_text())["columns"][0]["scores"]
    assert {"segmenter/miou", "segmenter/frechet"} <= scores.keys()
    assert (tmp_path / "generated" / "0001.png").is_file()
