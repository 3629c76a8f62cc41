"""Genuine frames, where OASIS_REAL_DATA names a folder with `cityscapes_sample` and `camvid`."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from oasis.data import CityscapesDataset
from oasis.data.transforms import compact_instances
from oasis.labels import LabelSpace

pytestmark = pytest.mark.real_data


@pytest.fixture(params=["cityscapes_sample", "camvid"])
def root(request):
    if "OASIS_REAL_DATA" not in os.environ:
        pytest.skip("OASIS_REAL_DATA names no folder with genuine frames")
    return Path(os.environ["OASIS_REAL_DATA"]) / request.param


@pytest.mark.parametrize(
    "space", [LabelSpace.cityscapes_ids(), LabelSpace.cityscapes_train_ids()], ids=["ids", "train"]
)
def test_every_frame_is_read_and_within_the_label_space(root, space):
    for split in ("train", "val"):
        dataset = CityscapesDataset(root, split, space, 128, 256, needs_instances=True)
        for i in range(0, len(dataset), max(1, len(dataset) // 12)):
            sample = dataset[i]
            assert sample["image"].float().std() > 10  # a photo, not a flat picture
            assert space.to_classes(sample["label"]).max() < space.num_classes


def test_instances_survive_resizing_to_256x512(root, ids):
    """Counted by hand in the whole map, and after resizing and compaction."""
    for split in ("train", "val"):
        dataset = CityscapesDataset(root, split, ids, 256, 512)
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


def test_trains(root, fit):
    run = fit("run", f"data.root={root}", "trainer.max_epochs=1", "trainer.limit_train_batches=2",
              "trainer.limit_val_batches=1")  # fmt: skip
    assert (run / "samples" / "batch_00000002.png").is_file()
    assert (run / "checkpoints" / "last.ckpt").is_file()
