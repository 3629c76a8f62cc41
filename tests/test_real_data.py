"""Genuine frames, where OASIS_REAL_DATA names a folder with `cityscapes_sample` and `camvid`."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from oasis.data import Cityscapes, FileSamples
from oasis.data.transforms import compact_instances
from oasis.labels import LabelSpace

CONF = Path(__file__).parents[1] / "conf"
pytestmark = pytest.mark.real_data


def genuine(name):
    if "OASIS_REAL_DATA" not in os.environ:
        pytest.skip("OASIS_REAL_DATA names no folder with genuine frames")
    return Path(os.environ["OASIS_REAL_DATA"]) / name


@pytest.fixture(params=["cityscapes_sample", "camvid"])
def root(request):
    return genuine(request.param)


@pytest.mark.parametrize(
    "space", [LabelSpace.cityscapes_ids(), LabelSpace.cityscapes_train_ids()], ids=["ids", "train"]
)
def test_every_frame_is_read_and_within_the_label_space(root, space):
    for split in ("train", "val"):
        dataset = FileSamples(Cityscapes(root), split, space, 128, 256, needs_instances=True)
        for i in range(0, len(dataset), max(1, len(dataset) // 12)):
            sample = dataset[i]
            assert sample["image"].float().std() > 10  # a photo, not a flat picture
            assert space.to_classes(sample["label"]).max() < space.num_classes


def test_instances_survive_resizing_to_256x512(root, ids):
    """Counted by hand in the whole map, and after resizing and compaction."""
    for split in ("train", "val"):
        dataset = FileSamples(Cityscapes(root), split, ids, 256, 512)
        for i in range(min(6, len(dataset))):
            whole = np.asarray(Image.open(dataset.files[i].instance))
            expected = len({value for value in np.unique(whole) if value >= 1000})
            sample = dataset[i]
            compact = compact_instances(sample["instance"][None])[0]
            if root.name == "cityscapes_sample":
                assert compact.max() == expected
                assert 2 <= expected <= 50
            thing = torch.isin(sample["label"].long(), torch.tensor(sorted(ids.things)))
            assert (compact[~thing] == 0).all()


def trains(fit, *overrides):
    short = ("trainer.max_epochs=1", "trainer.limit_train_batches=2", "trainer.limit_val_batches=1")
    run = fit("run", *short, *overrides)
    return (run / "samples" / "batch_00000002.png").is_file() and (run / "checkpoints" / "last.ckpt").is_file()


def test_trains(root, fit):
    assert trains(fit, f"data.root={root}")


@pytest.mark.parametrize("discriminator", ["oasis", "panoptic"])
@pytest.mark.parametrize("encoding", sorted(path.stem for path in (CONF / "encoding").glob("*.yaml")))
def test_every_combination_trains(fit, encoding, discriminator):
    root = genuine("cityscapes_sample")
    assert trains(fit, f"data.root={root}", f"encoding={encoding}", f"discriminator={discriminator}")


def test_the_categories_of_coco_are_those_of_its_files():
    for path in genuine("coco_panoptic_sample").glob("annotations/panoptic_*.json"):
        categories = json.loads(path.read_text())["categories"]
        for name, listed in (("coco_panoptic", categories), ("coco_things", [c for c in categories if c["isthing"]])):
            space = LabelSpace.built_in(name)
            assert {*space.names} == {"unknown", *(category["name"] for category in listed)}
            for category in listed:
                index = space.raw_to_class[category["id"]]
                assert (space.names[index], space.palette[index]) == (category["name"], tuple(category["color"]))
                assert (index in space.things) == bool(category["isthing"])
