import numpy as np
import pytest
import torch
from cityscapesscripts.helpers.labels import labels as cityscapes_labels
from PIL import Image

from oasis.data import Cityscapes, FileSamples
from oasis.errors import ConfigurationError, DatasetError
from oasis.labels import LabelSpace


@pytest.fixture
def train(tiny, ids):
    def make(split="train", **settings):
        return FileSamples(Cityscapes(tiny.root), split, ids, **{"height": 64, "width": 128, **settings})

    return make


FIRST = "town_000000_000019"


def test_a_sample_is_what_the_files_hold(tiny, train):
    sample = train()[0]
    assert sample["name"] == FIRST
    assert sample["image"].dtype == torch.uint8
    assert sample["image"].shape == (3, 64, 128)
    assert np.array_equal(sample["image"].permute(1, 2, 0), np.asarray(Image.open(tiny.photo("train", FIRST))))
    assert np.array_equal(sample["label"], np.asarray(Image.open(tiny.label("train", FIRST))))
    assert np.array_equal(sample["instance"], np.asarray(Image.open(tiny.instance("train", FIRST))).astype(int))
    assert sample["instance"].max() == 26002  # would be cut off in 8 bits


@pytest.mark.parametrize(("height", "width"), [(32, 64), (48, 96), (128, 160), (50, 31)])
def test_resizing_is_bicubic_for_photos_and_nearest_for_maps(tiny, train, height, width):
    sample = train(height=height, width=width)[0]
    photo = Image.open(tiny.photo("train", FIRST)).resize((width, height), Image.Resampling.BICUBIC)
    assert np.array_equal(sample["image"].permute(1, 2, 0), np.asarray(photo))
    label = np.asarray(Image.open(tiny.label("train", FIRST)))
    for y in range(height):
        for x in range(width):
            assert sample["label"][y, x] == label[int((y + 0.5) * 64 / height), int((x + 0.5) * 128 / width)]
    if 64 % height == 0:  # where Pillow has no ties to break
        picture = Image.open(tiny.label("train", FIRST)).resize((width, height), Image.Resampling.NEAREST)
        assert np.array_equal(sample["label"], np.asarray(picture))
    # every instance pixel still lies on its class: both maps were picked alike
    things = sample["instance"] >= 1000
    assert (sample["instance"][things] // 1000 == sample["label"][things]).all()


def test_splits_and_jpeg(tiny, train):
    tiny.add("train", "town_000050_000019", suffix="jpg")
    assert len(train()) == 8
    assert len(train("val")) == 3
    assert train()[7]["name"] == "town_000050_000019"


def test_instances_are_optional_unless_needed(tiny, train):
    tiny.add("train", "town_000050_000019", instances=False)
    assert train()[7]["instance"].max() == 0
    with pytest.raises(DatasetError, match=r"1 of 8 files have no instance map.*semantic.*000050"):
        train(needs_instances=True)


# Bad input: the error names the file, the value and the remedy.


def test_no_dataset(tmp_path, ids):
    with pytest.raises(DatasetError, match=r"nowhere.*leftImg8bit.*csDownload.*data=synthetic"):
        FileSamples(Cityscapes(tmp_path / "nowhere"), "train", ids)


def test_empty_split(train):
    with pytest.raises(DatasetError, match=r"split 'test' is empty.*leftImg8bit/test"):
        train("test")


def test_photo_without_label_map(tiny, train):
    tiny.label("train", FIRST).unlink()
    with pytest.raises(DatasetError, match=rf"no label map.*{FIRST}_leftImg8bit"):
        train()


def test_label_map_without_photo(tiny, train):
    tiny.photo("train", FIRST).unlink()
    with pytest.raises(DatasetError, match=rf"no photo.*{FIRST}_gtFine_labelIds"):
        train()


def test_two_photos_for_one_map(tiny, train):
    Image.open(tiny.photo("train", FIRST)).save(tiny.photo("train", FIRST, "jpg"))
    with pytest.raises(DatasetError, match=f"{FIRST}.*two files"):
        train()


@pytest.mark.parametrize("which", ["label", "instance"])
def test_sizes_differ_within_a_pair(tiny, train, which):
    path = getattr(tiny, which)("train", FIRST)
    Image.open(path).crop((0, 0, 120, 64)).save(path)
    with pytest.raises(DatasetError, match=rf"{path.name} is 120x64.*128x64"):
        train()


def test_colour_map_for_ids(tiny, train):
    path = tiny.label("train", FIRST)
    Image.new("RGB", (128, 64), (128, 64, 128)).save(path)
    with pytest.raises(DatasetError, match=rf"{path.name}: mode RGB.*colour map.*labelIds.*open_label_map"):
        train()[0]


def test_eight_bit_instance_map(tiny, train):
    path = tiny.instance("train", FIRST)
    Image.new("L", (128, 64)).save(path)
    with pytest.raises(DatasetError, match=rf"{path.name}: mode L.*16-bit"):
        train()


@pytest.mark.parametrize("which", ["photo", "label", "instance"])
def test_truncated_png(tiny, train, which):
    path = getattr(tiny, which)("train", FIRST)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DatasetError, match=rf"{path.name}: cannot be decoded.*truncated.*again"):
        train()[0]


def test_not_a_picture_at_all(tiny, train):
    path = tiny.label("train", FIRST)
    path.write_text("hello")
    with pytest.raises(DatasetError, match=rf"{path.name}: not a picture"):
        train()


@pytest.mark.parametrize("stray", [34, 255])
def test_stray_ids_are_found_even_where_resizing_would_drop_them(tiny, train, stray):
    path = tiny.label("train", FIRST)
    label = np.array(Image.open(path))
    label[0, 0] = stray
    Image.fromarray(label).save(path)
    with pytest.raises(DatasetError, match=rf"{path.name}.*{stray} \(1 pixels\)"):
        train(height=32, width=64)[0]


def test_train_id_space_reads_the_same_files(tiny):
    dataset = FileSamples(Cityscapes(tiny.root), "train", LabelSpace.cityscapes_train_ids(), 64, 128)
    assert set(dataset[0]) == {"image", "label", "instance", "name", "index"}


def test_hidden_files_are_passed_over(tiny, train):
    before = len(train())
    for kind in (tiny.photo, tiny.label, tiny.instance):
        path = kind("train", FIRST)
        path.with_name(f"._{path.name}").write_bytes(b"of another system")
        (path.parent.parent / "@eaDir").mkdir(exist_ok=True)
        (path.parent.parent / "@eaDir" / path.name).write_bytes(b"a preview")
    assert len(train()) == before
    assert not any("eaDir" in str(files.photo) or "._" in str(files.photo) for files in train().files)


def test_photos_of_all_formats_are_found(tiny, train):
    path = tiny.photo("train", FIRST)
    before = train()[0]["image"]
    with Image.open(path) as picture:
        picture.save(path.with_suffix(".webp"), lossless=True)
    path.unlink()
    assert train().files[0].photo.suffix == ".webp"
    assert (train()[0]["image"] == before).all()


def test_coarse_annotations_of_the_extra_photos(tiny, ids):
    for folder in ("leftImg8bit", "gtFine"):
        (tiny.root / folder / "train").rename(tiny.root / folder / "train_extra")
    for path in list(tiny.root.glob("gtFine/*/*/*.png")):
        path.rename(path.with_name(path.name.replace("gtFine", "gtCoarse").replace("labelIds", "colorIds")))
    (tiny.root / "gtFine").rename(tiny.root / "gtCoarse")
    settings = {"annotations": "gtCoarse", "train_split": "train_extra", "label_suffix": "colorIds"}
    dataset = Cityscapes(tiny.root, **settings)
    assert dataset.splits() == ["train", "val"]
    samples = FileSamples(dataset, "train", ids, 64, 128, needs_instances=True)
    assert len(samples) == 7
    assert samples.files[0].label.name == f"{FIRST}_gtCoarse_colorIds.png"
    assert dataset.identity() == {**Cityscapes(tiny.root).identity(), **settings}
    with pytest.raises(DatasetError, match="leftImg8bit and gtFine"):
        Cityscapes(tiny.root).splits()


@pytest.fixture
def trained(tiny):
    """Beside each label map the one of train ids, by the official table; and a trailer, which has none."""
    train_id = np.full(256, 255, np.uint8)
    for entry in cityscapes_labels:
        if entry.id >= 0:
            train_id[entry.id] = entry.trainId
    for path in list(tiny.root.glob("gtFine/*/*/*_labelIds.png")):
        label, instance = np.array(Image.open(path)), np.array(Image.open(place(path, "instanceIds")))
        label[:4, :4], instance[:4, :4] = 30, 30_000
        for kind, pixels in (("labelIds", label), ("instanceIds", instance), ("labelTrainIds", train_id[label])):
            Image.fromarray(pixels).save(place(path, kind))
    return tiny


def place(path, kind):
    return path.with_name(path.name.replace("labelIds", kind))


def test_train_ids_are_read_as_the_label_ids_that_they_stand_for(trained):
    """With the classes and the instances that the label ids give."""
    space = LabelSpace.cityscapes_train_ids()
    ours, theirs = (
        FileSamples(Cityscapes(trained.root, label_suffix=suffix), "train", space, 64, 128, needs_instances=True)
        for suffix in ("labelTrainIds", "labelIds")
    )
    assert ours.files[0].label.name == f"{FIRST}_gtFine_labelTrainIds.png"
    assert ours.fingerprint() != theirs.fingerprint()
    for one, other in zip(ours, theirs, strict=True):
        assert torch.equal(space.to_classes(one["label"]), space.to_classes(other["label"]))
        trailer = other["instance"] == 30_000
        assert trailer.any()
        assert torch.equal(
            one["instance"].where(one["instance"] >= 1000, 0)[~trailer],
            other["instance"].where(other["instance"] >= 1000, 0)[~trailer],
        )
        assert (one["instance"][trailer] == 0).all()


@pytest.mark.parametrize("name", ["bdd100k_semantic", "coco_panoptic"])
def test_train_ids_with_a_label_space_of_other_numbers(trained, name):
    dataset = Cityscapes(trained.root, label_suffix="labelTrainIds")
    words = r"data\.label_suffix=labelTrainIds .* ids 0 to 33, but .* Use label_space=cityscapes_train_ids"
    with pytest.raises(ConfigurationError, match=words):
        FileSamples(dataset, "train", LabelSpace.built_in(name))


def test_label_ids_called_train_ids(trained):
    path = trained.root / "gtFine" / "train" / "town" / f"{FIRST}_gtFine_labelTrainIds.png"
    Image.open(place(path.with_name(f"{FIRST}_gtFine_labelIds.png"), "labelIds")).save(path)
    dataset = Cityscapes(trained.root, label_suffix="labelTrainIds")
    with pytest.raises(DatasetError, match=r"labelTrainIds\.png: .*23.*: no train ids of .*label_suffix=labelIds"):
        FileSamples(dataset, "train", LabelSpace.cityscapes_train_ids())[0]


def test_a_folder_of_another_layout_is_not_told_to_download(tmp_path):
    for name in ("images", "labels", ".git"):
        (tmp_path / name).mkdir()
    with pytest.raises(DatasetError, match=r"it holds images, labels\. Name its layout: data=folder") as raised:
        Cityscapes(tmp_path).splits()
    assert "csDownload" not in str(raised.value)
