import numpy as np
import pytest
from layouts import each, write_ade20k
from PIL import Image

from oasis.data import ADE20K, FileSamples
from oasis.errors import DatasetError
from oasis.labels import LabelSpace

SPACE = LabelSpace.ade20k()


@pytest.fixture
def root(tmp_path):
    return write_ade20k(tmp_path)


def read(root, split="train", **settings):
    return FileSamples(ADE20K(root), split, SPACE, 32, 64, **settings)


def test_a_sample_is_what_was_drawn(root):
    for split in ("train", "val"):
        for sample, (_, name, kind, number, _photo) in zip(
            read(root, split), [one for one in each() if one[0] == split], strict=True
        ):
            assert sample["name"] == name
            assert np.array_equal(sample["label"], np.array([3, 21, 13])[kind])
            assert np.array_equal(
                sample["instance"], np.where(number, 21_000 + number.astype(int), np.array([3, 21, 13])[kind])
            )


def test_a_number_means_an_instance_only_on_a_thing_and_with_its_label():
    """Worked by hand: sky (3) with a stray number, two persons (13), a car (21) with the number of one, a group."""
    label = np.array([[3, 3, 13, 13, 21, 13]], np.uint8)
    green = np.array([[0, 7, 1, 2, 1, 0]], np.int32)
    assert ADE20K(".").instance_ids(label, green, SPACE).tolist() == [[3, 3, 13001, 13002, 21001, 13]]


def test_instances_are_optional_unless_needed(root):
    (root / "annotations_instance" / "training").rename(root / "moved")
    assert not read(root)[0]["instance"].any()
    assert read(root, "val")[0]["instance"].any()
    with pytest.raises(DatasetError, match=r"3 of 3 files have no instance map.*annotations.training.*semantic"):
        read(root, needs_instances=True)


def test_a_grey_instance_map(root):
    path = root / "annotations_instance" / "training" / "train_0001.png"
    Image.new("L", (64, 32)).save(path)
    with pytest.raises(DatasetError, match=r"train_0001.png: mode L, but the instance map of ADE20K.*RGB"):
        read(root)


def test_unpaired_files_of_both_sides_are_named_at_once(root):
    photos = root / "images" / "training"
    (photos / "train_0001.jpg").rename(photos / "other.jpg")
    with pytest.raises(DatasetError, match=r"no label map in .*other\.jpg.*no photo in .*train_0001\.png"):
        read(root)


@pytest.mark.parametrize(
    "stray", ["._train_0001.jpg", ".DS_Store", "@eaDir/train_0001.jpg", "Thumbs.db", "train_0001.txt"]
)
def test_hidden_files_and_those_that_are_no_pictures_are_passed_over(root, stray):
    before = read(root).files
    for folder in (root / "images" / "training", root / "annotations" / "training"):
        (folder / stray).parent.mkdir(exist_ok=True)
        (folder / stray).write_text("no picture")
    assert read(root).files == before
    listing = ADE20K(root).listing("train")
    assert {path.relative_to(root).parts[0] for path in listing.passed_over} == {"images", "annotations"}


def test_no_such_layout(tmp_path):
    with pytest.raises(DatasetError, match=rf"data.root={tmp_path}.*ADE20K.*wget"):
        ADE20K(tmp_path).splits()
