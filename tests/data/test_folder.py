import json

import numpy as np
import pytest
from layouts import each, save, write_folder

from oasis.data import CachedSamples, FileSamples, Folder
from oasis.data.cache import Container, build_cache
from oasis.data.instance_maps import INSTANCE_FORMATS
from oasis.errors import ConfigurationError, DatasetError
from oasis.labels import LabelSpace

TRAIN, VAL = [f"train_{i:04d}" for i in range(3)], [f"val_{i:04d}" for i in range(2)]


def names(dataset, split):
    return [files.name for files in dataset.listing(split).samples()]


@pytest.mark.parametrize(
    ("pattern", "settings"),
    [
        ("{kind}/{split}", {}),
        ("{kind}/{split}", {"photos": "images/*/*.jpg", "labels": "labels/*/*.png", "instances": "instances/**/*.png"}),
        ("{split}/{kind}", {"photos": "*/images", "labels": "*/labels", "instances": "*/instances/*.png"}),
        ("a/{split}/{kind}", {"photos": "**/images", "labels": "**/labels", "instances": "**/instances"}),
        ("a/{split}/b/{kind}", {"photos": "**/images/*", "labels": "**/labels/*", "instances": "**/instances/*"}),
    ],
)
def test_samples_are_what_was_drawn(tmp_path, ids, pattern, settings):
    root = write_folder(tmp_path, pattern)
    dataset = Folder(root, **{"instances": "instances", **settings})
    assert dataset.splits() == ["train", "val"]
    for split in ("train", "val"):
        drawn = [one for one in each() if one[0] == split]
        samples = FileSamples(dataset, split, ids, 32, 64, needs_instances=True)
        for sample, (_, name, kind, number, _photo) in zip(samples, drawn, strict=True):
            label = np.array([23, 26, 24])[kind]
            assert sample["name"] == name
            assert np.array_equal(sample["label"], label)
            assert np.array_equal(sample["instance"], np.where(number, 26_000 + number.astype(int), label))


def stored(form, label, kind, number):
    """An instance map in a format, by its description."""
    if form == "numbers":
        return np.where(number, 700 - 100 * number.astype(int), 0).astype(np.uint16)
    if form == "panoptic_ids":
        return (label * 1000 + number.astype(int)).astype(np.uint16)
    if form == "mapillary":
        return (label * 256 + number.astype(int)).astype(np.uint16)
    if form == "bdd100k":  # the sky is the segment 300, and the persons a crowd
        segment = np.where(number, number.astype(int) + 255, np.array([300, 0, 1])[kind])
        return np.stack([label, 2 * (kind == 2), segment // 256, segment % 256], -1).astype(np.uint8)
    if form == "spade":
        return np.where(number, number + 6, label).astype(np.uint8)
    assert form == "ade20k"
    return np.stack([0 * number, 9 * number, 0 * number], -1).astype(np.uint8)


# The raw ids of both cars, and of the persons, who are a group wherever a format has groups.
FORMATS = {
    "numbers": ([26_001, 26_000], 24),
    "panoptic_ids": ([26_000, 26_001], 24),
    "mapillary": ([26_001, 26_002], 24_000),
    "bdd100k": ([26_000, 26_001], 24),
    "spade": ([26_007, 26_008], 24),
    "ade20k": ([26_009, 26_018], 24),
}


def test_every_format_has_a_row():
    assert {"cityscapes", *FORMATS} == INSTANCE_FORMATS.keys()


@pytest.mark.parametrize("form", FORMATS)
def test_instance_maps_of_other_formats(tmp_path, ids, form):
    root = write_folder(tmp_path)
    for split, name, kind, number, _ in each():
        save(stored(form, np.array([23, 26, 24])[kind], kind, number), root / "instances" / split / f"{name}.png")
    dataset = Folder(root, instances="instances", instance_format=form)
    cars, persons = FORMATS[form]
    samples = FileSamples(dataset, "train", ids, 32, 64, needs_instances=True)
    for sample, (_, _, kind, number, _) in zip(samples, each(), strict=False):
        expected = np.array([23, *cars])[number]
        expected[kind == 2] = persons
        assert np.array_equal(sample["instance"], expected)
        assert np.array_equal(sample["label"], np.array([23, 26, 24])[kind])


@pytest.mark.parametrize("form", ["panoptic_ids", "mapillary", "bdd100k"])
def test_a_map_of_other_classes_than_the_label_map(tmp_path, ids, form):
    root = write_folder(tmp_path)
    for split, name, kind, number, _ in each():
        wrong = np.array([23, 27, 24])[kind]
        save(stored(form, wrong, kind, number), root / "instances" / split / f"{name}.png")
    dataset = Folder(root, instances="instances", instance_format=form)
    with pytest.raises(DatasetError, match=r"train_0000\.png: 160 thing pixels have another class in .*instance 27"):
        FileSamples(dataset, "train", ids, 32, 64)[0]


@pytest.mark.parametrize("form", ["cityscapes", "panoptic_ids", "mapillary", "bdd100k", "ade20k"])
def test_a_map_of_another_format(tmp_path, ids, form):
    root = write_folder(tmp_path)
    for path in root.glob("instances/*/*.png"):
        save(np.zeros((32, 64), np.uint8), path)
    with pytest.raises(DatasetError, match=r"train_0000\.png: .*mode L.*(grey|RGB|format)"):
        FileSamples(Folder(root, instances="instances", instance_format=form), "train", ids, 32, 64)


def test_another_format_makes_cached_samples_invalid(tmp_path, ids):
    root = write_folder(tmp_path)
    one, other = (
        FileSamples(Folder(root, instances="instances", instance_format=form), "train", ids, 32, 64).fingerprint()
        for form in ("cityscapes", "mapillary")
    )
    assert one != other


def test_samples_cached_in_another_format_are_not_used(tmp_path, ids):
    """Numbers, then SPADE's: of its group of persons, the copy of the label map is no number."""
    root = write_folder(tmp_path / "data")
    for split, name, kind, number, _ in each():
        label = np.array([23, 26, 24])[kind]
        save(stored("spade", label, kind, number), root / "instances" / split / f"{name}.png")

    def opened(form):
        dataset = Folder(root, instances="instances", instance_format=form)
        return Container(FileSamples(dataset, "train", ids, 32, 64), tmp_path / "cache")

    wrong, right = opened("numbers"), opened("spade")
    build_cache(wrong, progress=False)
    assert np.unique(CachedSamples(wrong)[0]["instance"]).tolist() == [23, 24000, 26000, 26001]
    with pytest.warns(UserWarning, match=r"other settings: dataset\.instance_format is spade, was numbers"):
        assert CachedSamples.find(right) is None
    build_cache(right, progress=False)
    cached = CachedSamples.find(right)
    assert np.unique(cached[0]["instance"]).tolist() == [23, 24, 26007, 26008]
    assert np.array_equal(cached[0]["instance"], right.source[0]["instance"])


def test_more_numbers_than_a_class_has_instances():
    label, numbers = np.full((26, 40), 26, np.uint8), np.arange(1, 1041, dtype=np.int32).reshape(26, 40)
    with pytest.raises(DatasetError, match=r"1040 instances of the raw label id 26"):
        INSTANCE_FORMATS["numbers"].ids(label, numbers, LabelSpace.cityscapes_ids())


def test_suffixes(tmp_path):
    write_folder(tmp_path)
    for path in list(tmp_path.glob("labels/*/*.png")):
        path.rename(tmp_path / "images" / path.parent.name / f"{path.stem}_mask.png")
    for path in list(tmp_path.glob("images/*/*.jpg")):
        path.rename(path.with_stem(f"{path.stem}_photo"))
    dataset = Folder(tmp_path, photos="images", labels="images", photo_suffix="_photo", label_suffix="_mask")
    assert names(dataset, "train") == TRAIN
    assert {files.label.name for files in dataset.listing("val").samples()} == {f"{name}_mask.png" for name in VAL}


def test_a_folder_a_sample(tmp_path):
    for name in ("b", "a"):
        for file in ("photo.jpg", "label.png"):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / file).write_bytes(b"")
    assert names(Folder(tmp_path, photos="*/photo.jpg", labels="*/label.png"), "train") == ["a", "b"]


def test_one_folder_is_for_training_and_a_share_of_it_is_drawn_for_validation(tmp_path):
    write_folder(tmp_path, "{kind}")
    assert Folder(tmp_path).splits() == ["train"]
    assert names(Folder(tmp_path), "train") == TRAIN + VAL
    drawn = {}
    for seed in range(8):
        dataset = Folder(tmp_path, val_fraction=0.4, split_seed=seed)
        train, val = names(dataset, "train"), names(dataset, "val")
        assert sorted(train + val) == TRAIN + VAL
        assert len(val) == 2
        assert names(Folder(tmp_path, val_fraction=0.4, split_seed=seed), "val") == val
        drawn[seed] = tuple(val)
    assert len(set(drawn.values())) > 2
    assert len(names(Folder(tmp_path, val_fraction=0.01), "val")) == 1


def test_a_share_is_drawn_from_listed_training_samples(tmp_path):
    write_folder(tmp_path, "{kind}")
    (tmp_path / "train.txt").write_text("\n".join([*TRAIN, VAL[0]]))
    (tmp_path / "other.txt").write_text(VAL[1])
    dataset = Folder(tmp_path, splits={"train": "train.txt"}, val_fraction=0.5)
    assert dataset.splits() == ["train", "val"]
    assert sorted(names(dataset, "train") + names(dataset, "val")) == [*TRAIN, VAL[0]]  # the fifth is not listed
    assert len(names(dataset, "val")) == 2
    tested = Folder(tmp_path, splits={"train": "train.txt", "test": "other.txt"}, val_fraction=0.5)
    assert names(tested, "val") == names(dataset, "val")
    assert names(tested, "test") == [VAL[1]]
    with pytest.raises(ConfigurationError, match=r"val_fraction=0\.5: data\.splits\.val=other\.txt lists validation"):
        Folder(tmp_path, splits={"train": "train.txt", "val": "other.txt"}, val_fraction=0.5).splits()


@pytest.mark.parametrize("form", ["{name}", "{name}.jpg", "images/{name}.jpg", "images/{name}", "\n{name}\n  "])
def test_lists(tmp_path, form):
    write_folder(tmp_path, "{kind}")
    for split, chosen in (("train", [VAL[0], TRAIN[2]]), ("test", [TRAIN[0]])):
        (tmp_path / f"{split}.txt").write_text("\n".join(form.format(name=name) for name in chosen))
    dataset = Folder(tmp_path, splits={"train": "train.txt", "val": None, "test": "test.txt"})
    assert dataset.splits() == ["train", "test"]
    assert names(dataset, "train") == [TRAIN[2], VAL[0]]
    assert names(dataset, "test") == [TRAIN[0]]
    with pytest.raises(DatasetError, match=r"split 'val' is empty.*samples of test, train.*val_fraction"):
        dataset.listing("val")


@pytest.mark.parametrize(
    ("train", "words"),
    [
        ("train_0000\nnone_such\n", r"train\.txt: 1 of 2 lines do not name one sample: none_such \(0 samples\)"),
        ("train_0000\nval_0000", r"val\.txt: val_0000 is in the split 'train' too"),
        (None, r"data\.splits\.train=.*train\.txt: not a text file that can be read"),
    ],
)
def test_lists_that_cannot_be_used(tmp_path, train, words):
    write_folder(tmp_path, "{kind}")
    (tmp_path / "val.txt").write_text("val_0000")
    if train is not None:
        (tmp_path / "train.txt").write_text(train)
    with pytest.raises(DatasetError, match=words):
        Folder(tmp_path, splits={"train": "train.txt", "val": "val.txt"}).splits()


def test_a_name_that_several_samples_share(tmp_path):
    write_folder(tmp_path)
    for kind, ending in (("images", "jpg"), ("labels", "png")):
        (tmp_path / kind / "val" / f"val_0000.{ending}").rename(tmp_path / kind / "val" / f"train_0000.{ending}")
    (tmp_path / "train.txt").write_text("train_0000")
    with pytest.raises(DatasetError, match=r"train_0000 \(2 samples\).*path below data\.root"):
        Folder(tmp_path, splits={"train": "train.txt"}).splits()
    (tmp_path / "train.txt").write_text("val/train_0000")
    assert names(Folder(tmp_path, splits={"train": "train.txt"}), "train") == ["train_0000"]


def test_unequal_numbers_name_the_first_of_each_side(tmp_path, ids):
    write_folder(tmp_path, "{kind}")
    (tmp_path / "images" / "train_0001.jpg").unlink()
    for name in VAL:
        (tmp_path / "labels" / f"{name}.png").unlink()
    with pytest.raises(DatasetError, match=r"2 of 4 files have no label map in .*labels: .*val_0000\.jpg, .*val_0001"):
        FileSamples(Folder(tmp_path), "train", ids)
    with pytest.raises(DatasetError, match=r"1 of 3 files have no photo in .*images: .*train_0001\.png"):
        FileSamples(Folder(tmp_path), "train", ids)


@pytest.mark.parametrize("stray", ["._train_0001.jpg", ".DS_Store", "@eaDir/train_0001.jpg", "notes.txt"])
def test_hidden_files_and_those_that_are_no_pictures_are_passed_over(tmp_path, stray):
    write_folder(tmp_path, "{kind}")
    (tmp_path / "images" / stray).parent.mkdir(exist_ok=True)
    (tmp_path / "images" / stray).write_text("no picture")
    listing = Folder(tmp_path).listing("train")
    assert sorted(listing.photos) == TRAIN + VAL
    assert listing.passed_over == {tmp_path / "images" / stray}


def test_links_to_folders_are_followed(tmp_path):
    write_folder(tmp_path / "store")
    for kind in ("images", "labels"):
        (tmp_path / "root" / kind).mkdir(parents=True)
        (tmp_path / "root" / kind / "val").symlink_to(tmp_path / "store" / kind / "val")
    assert names(Folder(tmp_path / "root"), "val") == VAL


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"labels": "/elsewhere"}, r"data\.labels=/elsewhere: not a path below data\.root"),
        ({"instances": "../other"}, r"data\.instances=\.\./other: not a path"),
        ({"photos": "**/a/**/*.png"}, r"data\.photos=.*: \*\* may stand once"),
        ({"splits": {"train": "/a.txt"}}, r"data\.splits\.train=/a\.txt: not a path"),
        ({"splits": {"training": "a.txt"}}, r"data\.splits\.training: no such split; .*train, val, test"),
        (
            {"instance_format": "coco"},
            r"data\.instance_format=coco: .*numbers \(grey.*data=coco_panoptic, or `oasis conv",
        ),
        ({"instance_format": "png"}, r"data\.instance_format=png: .*choose one of cityscapes \(16-bit"),
        ({"val_fraction": 1.0}, r"data\.val_fraction=1\.0"),
    ],
)
def test_invalid_settings(tmp_path, settings, words):
    with pytest.raises(ConfigurationError, match=words):
        Folder(tmp_path, **settings)


def test_a_share_beside_a_folder_for_validation(tmp_path):
    write_folder(tmp_path)
    with pytest.raises(ConfigurationError, match=r"data\.val_fraction=0\.1: .* validation samples already"):
        Folder(tmp_path, val_fraction=0.1).splits()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"photos": "pictures"}, r"data\.photos=pictures: no picture is there.*images/\*\.jpg"),
        ({"labels": "labels/*.gif"}, r"data\.labels=labels/\*\.gif: no picture"),
        ({"label_suffix": "_mask"}, r"data\.labels=labels: no picture with a name that ends in '_mask'"),
        ({"instances": "masks"}, r"data\.instances=masks: no picture"),
        (
            {"instances": "*/*/*.png"},
            r"none of 10 instance maps belongs to a photo: instances/train/train_0000 and train/train_0000 have to",
        ),
    ],
)
def test_folders_without_pictures_that_fit(tmp_path, settings, words):
    write_folder(tmp_path)
    with pytest.raises(DatasetError, match=words):
        Folder(tmp_path, **settings).splits()


def test_its_settings_identify_it(tmp_path):
    one, other = Folder(tmp_path), Folder(tmp_path, split_seed=1)
    assert one.identity() != other.identity()
    assert json.loads(json.dumps(one.identity())) == one.identity()
