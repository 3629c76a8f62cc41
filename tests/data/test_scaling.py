"""How photos and maps are brought to the size of a sample."""

import numpy as np
import pytest
import torch
from PIL import Image

from oasis.data import FileSamples, Folder, LabelMapDataModule
from oasis.data.scaling import Preparation
from oasis.encodings import Semantic
from oasis.errors import ConfigurationError, DatasetError, message

SHAPES = [(48, 64), (64, 48), (50, 100), (40, 40)]
H, W = 32, 32


@pytest.fixture
def folder(tmp_path):
    """Photos of noise in several shapes, with maps of blocks."""
    random = np.random.default_rng(0)
    for split in ("train", "val"):
        for number, (height, width) in enumerate(SHAPES):
            block = np.indices((height, width)).sum(0) // 9
            label = np.array([7, 23, 26])[block % 3].astype(np.uint8)
            instance = np.where(label == 26, 26_000 + block, label).astype(np.uint16)
            photo = random.integers(0, 256, (height, width, 3), np.uint8)
            for kind, pixels in {"images": photo, "labels": label, "instances": instance}.items():
                path = tmp_path / kind / split / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(path)
    return tmp_path


@pytest.fixture
def module(folder, ids, tmp_path):
    def make(**settings):
        settings = {"height": H, "width": W, "batch_size": 2, "num_workers": 0, "flip": False, **settings}
        settings |= {"cache_folder": str(tmp_path / "cache")}
        data = LabelMapDataModule(Folder(folder, instances="instances"), Semantic(ids), ids, **settings)
        data.setup("fit")
        return data

    return make


def places(whole, part):
    """All (top, left) at which a part lies in a whole picture."""
    rows, columns = whole.shape[-2] - part.shape[-2] + 1, whole.shape[-1] - part.shape[-1] + 1
    fits = [(top, left) for top in range(rows) for left in range(columns)]
    height, width = part.shape[-2:]
    return [(t, c) for t, c in fits if torch.equal(whole[..., t : t + height, c : c + width], part)]


def samples(loader):
    """The samples of all batches."""
    for batch in loader:
        for row in range(len(batch["index"])):
            yield {name: values[row] for name, values in batch.items()}


def resized(data, sample):
    """The whole sample at the size that it is cropped from, and its source."""
    files = data._splits.files("train").scaled_by(data.preparation.training)
    return files[int(sample["index"])]


@pytest.mark.parametrize("settings", [{"resize": [36, 44]}, {"short_side": 36}], ids=str)
def test_photo_and_maps_are_cropped_at_one_random_place(module, settings):
    data = module(**settings)
    tops, lefts = set(), set()
    for epoch in range(6):
        data.batches_served = 2 * epoch
        for sample in samples(data.train_dataloader()):
            whole = resized(data, sample)
            assert sample["image"].shape == (3, H, W)
            [(top, left)] = places(whole["image"], sample["image"])
            tops.add(top)
            lefts.add(left)
            for name in ("label", "instance"):
                assert torch.equal(whole[name][top : top + H, left : left + W], sample[name])
    assert min(tops) == min(lefts) == 0
    assert tops >= set(range(5))
    assert len(lefts) > 6


@pytest.mark.parametrize("settings", [{"resize": [36, 44]}, {"short_side": 36}], ids=str)
def test_crops_depend_on_the_position_alone(module, settings):
    def stream(workers=0, served=0, **more):
        data = module(num_workers=workers, **settings, **more)
        data.batches_served = served
        return [batch["image"] for batch in data.train_dataloader()]

    first = stream()
    assert all(map(torch.equal, first, stream(workers=2)))
    assert not all(map(torch.equal, first, stream(seed=1)))
    assert torch.equal(first[1], stream(served=1)[0])  # a run that is resumed
    assert not all(map(torch.equal, first, stream(served=2)))  # the next pass


def test_aspect_ratios(module):
    data = module(short_side=36)
    shapes = [data._splits.files("train").scaled_by(data.preparation.training)[i]["label"].shape for i in range(4)]
    assert shapes == [(36, 48), (48, 36), (36, 72), (36, 36)]
    assert [sample["label"].shape for sample in data.dataset("val")] == [(H, W)] * 4


def test_scores_are_of_whole_stretched_pictures_or_of_the_middle(module, folder, ids):
    stretched = FileSamples(Folder(folder, instances="instances"), "val", ids, H, W)
    for ours, plain in zip(module(resize=[36, 44]).dataset("val"), stretched, strict=True):
        assert all(torch.equal(ours[name], plain[name]) for name in ("image", "label", "instance"))
    middle = module(short_side=H).dataset("val")[2]  # 50 x 100, of which 32 x 32 in the middle of 32 x 64 are left
    halved = FileSamples(Folder(folder, instances="instances"), "val", ids, 32, 64)[2]
    assert all(torch.equal(middle[name], halved[name][..., 16:48]) for name in ("image", "label", "instance"))


def test_statistics_and_scores_of_the_training_split_have_the_size_of_a_sample(module):
    for settings in ({"resize": [36, 44]}, {"short_side": 36}):
        data = module(**settings)
        assert [sample["label"].shape for sample in data.dataset("train")] == [(H, W)] * 4
        assert next(iter(data.statistics_dataloader(1)))["image"].shape == (2, 3, H, W)


def test_the_cache_has_what_training_crops_from(module):
    files = module(resize=[36, 44])
    data = module(resize=[36, 44], build_cache=True)
    data.prepare_data()
    assert data.container("train").source.height == 36
    assert data.container("train").exists()
    assert not data._splits.trained(0).source.decodes
    for ours, plain in zip(samples(data.train_dataloader()), samples(files.train_dataloader()), strict=True):
        assert torch.equal(ours["image"], plain["image"])


def test_samples_of_different_sizes_are_not_cached(module):
    data = module(short_side=36, build_cache=True)
    data.prepare_data()
    assert data.cached_splits == ("val",)
    assert data._splits.trained(0).source.decodes


def test_another_scaling_has_other_cached_samples(module):
    folders = {module(**each).container("val").folder for each in ({}, {"short_side": 36}, {"short_side": 40})}
    assert len(folders) == 3
    assert module(resize=[36, 44]).container("val").folder in {module().container("val").folder}


def test_a_bad_sample_is_replaced_and_cropped(module, folder):
    (folder / "images" / "train" / "1.png").write_bytes(b"")
    data = module(resize=[36, 44], on_bad_sample="skip", max_bad_share=0.5)
    with pytest.warns(UserWarning, match="Bad sample 1"):
        assert {sample["label"].shape for sample in samples(data.train_dataloader())} == {(H, W)}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"resize": [31, 40]}, r"data\.resize=\[31, 40\] is smaller than the crop, data\.height=32 data\.width=32"),
        ({"resize": [286]}, r"data\.resize=\[286\]: give \[height, width\]"),
        ({"resize": [286, 0]}, "give"),
        ({"resize": 286}, r"data\.resize=286: give \[height, width\]"),
        ({"resize": "ab"}, r"data\.resize=ab: give \[height, width\]"),
        ({"resize": [286.0, 286]}, r"data\.resize=\[286\.0, 286\]: give"),
        ({"short_side": 40.5}, r"data\.short_side=40\.5: give a whole number of pixels"),
        ({"height": 64.0}, r"data\.height=64\.0: give a whole number of pixels"),
        ({"width": None}, r"data\.width=None: give a whole number of pixels"),
        ({"short_side": 31}, "smaller than the shorter side of the crop"),
        ({"short_side": 40, "resize": [40, 40]}, "Choose one"),
    ],
)
def test_impossible_preparations(settings, said):
    with pytest.raises(ConfigurationError, match=said):
        Preparation(**{"height": H, "width": W, **settings})


def test_sizes_of_numpy_are_whole_numbers():
    assert Preparation(np.int64(H), np.int32(W), [np.int64(H), W]).training.shape == (H, W)


def test_a_picture_that_is_smaller_than_the_crop_is_refused_before_training(module):
    with pytest.raises(DatasetError, match=r"1\.png: a picture of 48x64 .* becomes 36x48 .* crop of 40x32"):
        module(short_side=36, width=40)


def test_the_command_line_names_the_picture(module):
    with pytest.raises(DatasetError) as raised:
        module(short_side=36, width=40)
    assert "1.png: a picture of 48x64" in message(raised.value)
