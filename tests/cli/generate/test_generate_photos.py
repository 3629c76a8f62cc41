"""`oasis generate --from-photos`: pictures from a segmenter's label maps of photos."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from oasis.scoring.metric_networks import segmenter_file
from oasis.segmenters import UNetSegmenter


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


@pytest.mark.parametrize("named", ["option", "setting"])
def test_photos_are_generated_anew(generate, semantic, boundary, tiny, segmenter, tmp_path, named):
    which = ["--segmenter", segmenter] if named == "option" else [f"segmenter.weights={segmenter}"]
    photo = tiny.photo("val", "town_000100_000019")
    done = generate(boundary, photo, *which, "--from-photos", "-o", tmp_path / "out", "--original-size")
    assert done.exit_code == 0, done.said
    assert files(tmp_path / "out") == ["contact_sheet.png", "town_000100_000019.png"]
    assert Image.open(tmp_path / "out" / "town_000100_000019.png").size == (128, 64)
    assert "read from a photo by a segmenter" in done.said
    done = generate(semantic, tiny.root, *which, "--from-photos", "-o", tmp_path / "all")
    assert len(files(tmp_path / "all")) == 4


def test_the_segmenter_of_the_checkpoints_own_dataset_is_found(
    generate, semantic, tiny, segmenter, ids, tmp_path, monkeypatch
):
    monkeypatch.setenv("PANOPTIC_OASIS_CACHE", str(tmp_path / "cache"))
    default = segmenter_file(Path("nowhere"), 32, 64, ids)
    default.parent.mkdir(parents=True)
    segmenter.rename(default)
    done = generate(semantic, tiny.photo("val", "town_000100_000019"), "--from-photos", "-o", tmp_path / "out")
    assert done.exit_code == 0, done.said


def test_a_checkpoint_without_a_dataset_finds_the_segmenter_beside_it(generate, semantic, tiny, segmenter, tmp_path):
    checkpoint = torch.load(semantic, weights_only=True)
    checkpoint["config"]["data"] = {"height": 32, "width": 64}
    torch.save(checkpoint, tmp_path / "imported.ckpt")  # beside segmenter.pt
    command = (tmp_path / "imported.ckpt", tiny.photo("val", "town_000100_000019"), "--from-photos")
    done = generate(*command, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.said
    segmenter.unlink()
    done = generate(*command, "-o", tmp_path / "none")
    assert done.exit_code == 1
    assert str(segmenter) in done.said


def test_photos_without_a_segmenter(generate, semantic, tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("PANOPTIC_OASIS_CACHE", str(tmp_path / "cache"))
    done = generate(semantic, tiny.photo("val", "town_000100_000019"), "--from-photos", "-o", tmp_path / "out")
    assert done.exit_code == 1
    for word in ("oasis train-segmenter", "--segmenter FILE"):
        assert word in done.said


def test_a_segmenter_of_classes_only_is_for_models_that_need_no_more(
    generate, semantic, boundary, tiny, segmenter, tmp_path, monkeypatch
):
    monkeypatch.setattr(UNetSegmenter, "finds_instances", False)
    command = (tiny.photo("val", "town_000100_000019"), "--from-photos", "--segmenter", segmenter)
    done = generate(boundary, *command, "-o", tmp_path / "none")
    assert done.exit_code == 1
    assert "finds classes only. Use segmenter=unet" in done.said
    done = generate(semantic, *command, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.said
    assert "a segmenter that finds classes only: individuals are unknown" in done.said
