"""Predictions at a size of their own are compared with the label maps at that size."""

import copy

import numpy as np
import pytest
import torch
from cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling import args as official_arguments
from cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling import evaluateImgLists
from PIL import Image
from torch import nn

from oasis.errors import ConfigurationError
from oasis.labels import LabelSpace
from oasis.scoring import RealPhotos, Scorer, load_metric_networks, maps_for, scores_of_photos
from oasis.segmenters import DRNSegmenter
from oasis.visualize import colorize

CPU = torch.device("cpu")
TRAIN_IDS = LabelSpace.cityscapes_train_ids()
FILES = (64, 128)  # of the dataset's files; samples are half of it


class NearestColor(nn.Module):
    """Logits from how near each normalised pixel is to the colour of a class."""

    num_features = 512

    def forward(self, image):
        segmenter = DRNSegmenter(nn.Identity())
        colors = torch.tensor(TRAIN_IDS.palette[:19]).view(19, 3, 1, 1) / 255
        normalised = (colors - segmenter.mean) / segmenter.deviation
        return -(image - normalised.view(1, 19, 3, 1, 1)).abs().sum(dim=2)


@pytest.fixture
def upsampled():
    return DRNSegmenter(NearestColor(), size=FILES)


def scored(dataset, segmenter, paint):
    scorer = Scorer(dataset.label_space, CPU, {}, segmenter, maps=maps_for(segmenter, dataset, "val"))
    for sample in dataset.val_dataloader():
        batch = dataset.encode(sample)
        scorer.update(batch, paint(batch))
    return scorer.compute()


def painted(batch):
    """Label maps in their colours, moved a little, so that some pixels are wrong."""
    return colorize(batch.label, LabelSpace.cityscapes_ids().palette).roll(3, dims=-1)


def official_miou(tiny, dataset, segmenter, folder):
    """What cityscapesscripts makes of the predictions and the dataset's own files."""
    raw_of = torch.tensor([TRAIN_IDS.raw_to_class.index(c) for c in range(20)])
    predicted = []
    for sample in dataset.val_dataloader():
        batch = dataset.encode(sample)
        for name, label in zip(batch.name, segmenter(painted(batch)).label, strict=True):
            predicted.append(folder / f"{name}.png")
            Image.fromarray(raw_of[label].numpy().astype(np.uint8)).save(predicted[-1])
    arguments = copy.copy(official_arguments)
    arguments.quiet, arguments.JSONOutput, arguments.evalInstLevelScore = True, False, False
    target = [str(tiny.label("val", path.stem)) for path in predicted]
    return evaluateImgLists([str(path) for path in predicted], target, arguments)["averageScoreClasses"]


def test_miou_at_the_size_of_the_files_is_that_of_cityscapesscripts(tiny, data, upsampled, tmp_path):
    dataset = data()
    ours = scored(dataset, upsampled, painted)
    assert ours["segmenter/miou"] == pytest.approx(official_miou(tiny, dataset, upsampled, tmp_path), abs=1e-12)
    small = scored(dataset, DRNSegmenter(NearestColor()), painted)
    assert 0.2 < ours["segmenter/miou"] < 1
    assert ours["segmenter/miou"] != pytest.approx(small["segmenter/miou"], abs=1e-3)


def test_classes_only_give_no_panoptic_scores(data, upsampled):
    scores = scored(data(), upsampled, painted)
    assert {name.split("/")[1] for name in scores if name.startswith("segmenter/")} == {"miou", "iou"}


def test_the_maps_are_those_of_samples_of_that_size(data):
    small, large = data(batch_size=3), data(batch_size=3, height=FILES[0], width=FILES[1])
    (sample,), (wanted,) = list(small.val_dataloader()), list(large.val_dataloader())
    batch, wanted = small.encode(sample), large.encode(wanted)
    maps = small.maps_at("val", *FILES)
    found = maps(batch)
    assert torch.equal(found.label, wanted.label)
    assert torch.equal(found.instance, wanted.instance)
    assert torch.equal(found.image, batch.image)
    alone = maps(batch.first(1))  # another batch, from the same reader
    assert torch.equal(alone.label, wanted.label[:1])


def test_several_draws_read_the_maps_once(data, monkeypatch):
    dataset = data(batch_size=3)
    maps = dataset.maps_at("val", *FILES)
    read, calls = maps.read, []
    monkeypatch.setattr(maps, "read", lambda index: calls.append(index) or read(index))
    (sample,) = dataset.val_dataloader()
    for _ in range(3):
        maps(dataset.encode(sample))
    assert sorted(calls) == [0, 1, 2]


def test_bad_samples_move_no_map(tiny, data):
    first = sorted((tiny.root / "leftImg8bit" / "val" / "town").glob("*.png"))[0]
    first.write_bytes(first.read_bytes()[:200])
    dataset = data(batch_size=1, on_bad_sample="skip", max_bad_share=0.5)
    with pytest.warns(UserWarning, match="cannot be read|bad"):
        samples = list(dataset.val_dataloader())
    maps = dataset.maps_at("val", *FILES)
    assert len(samples) == 2
    for sample in samples:
        batch = dataset.encode(sample)
        wanted = np.array(Image.open(tiny.label("val", batch.name[0])))
        assert torch.equal(maps(batch).label[0], dataset.label_space.to_classes(torch.from_numpy(wanted)))


def test_real_photos_are_compared_there_too(data, upsampled):
    scores = scores_of_photos(RealPhotos(data(), CPU, progress=False), {}, upsampled)
    assert 0 <= scores["segmenter/miou"] <= 1


def test_windows_have_no_map_at_another_size(data, upsampled):
    cropped = data(short_side=40)
    with pytest.raises(ConfigurationError, match=r"data.short_side=40 cuts a window.*segmenter.height=null"):
        load_metric_networks(cropped, [], lambda default: upsampled)


def test_a_scorer_without_such_maps_says_so(ids, upsampled):
    with pytest.raises(ConfigurationError, match=r"predicts at 64x128.*segmenter.height=null segmenter.width=null"):
        Scorer(ids, CPU, {}, upsampled)


def test_the_protocol_is_noted(data, upsampled):
    notes = load_metric_networks(data(), [], lambda default: upsampled).notes
    assert any("resized to 64x128" in note for note in notes)
    assert any("classes only" in note for note in notes)
    assert load_metric_networks(data(), [], None).notes == []
