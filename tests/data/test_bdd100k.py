import numpy as np
import pytest
from layouts import each, write_bdd100k
from PIL import Image

from oasis.data import BDD100K, FileSamples
from oasis.errors import ConfigurationError, DatasetError
from oasis.labels import LabelSpace

PANOPTIC, SEMANTIC = LabelSpace.built_in("bdd100k"), LabelSpace.built_in("bdd100k_semantic")


@pytest.fixture
def root(tmp_path):
    return write_bdd100k(tmp_path)


def test_panoptic_samples_are_what_was_drawn(root):
    for split in ("train", "val"):
        samples = FileSamples(BDD100K(root), split, PANOPTIC, 32, 64, needs_instances=True)
        drawn = [one for one in each() if one[0] == split]
        for sample, (_, name, kind, number, _photo) in zip(samples, drawn, strict=True):
            label, cars = np.array([30, 35, 31])[kind], np.array([30, 35_000, 35_001])[number]
            label[:2, :2] = 0  # ignored
            assert sample["name"] == name
            assert np.array_equal(sample["label"], label)
            assert np.array_equal(sample["instance"], np.where(number, cars, label))  # the crowd is a group


def test_semantic_samples_are_what_was_drawn(root):
    dataset = BDD100K(root, annotations="sem_seg")
    for sample, (_, _, kind, _, _) in zip(FileSamples(dataset, "train", SEMANTIC, 32, 64), each(), strict=False):
        label = np.array([10, 13, 11])[kind]
        label[:2, :2] = 255
        assert np.array_equal(sample["label"], label)
        assert not sample["instance"].any()
    with pytest.raises(DatasetError, match=r"3 of 3 files have no instance map"):
        FileSamples(dataset, "train", SEMANTIC, 32, 64, needs_instances=True)


def test_settings_choose_classes_that_fit(composed):
    assert composed("data=bdd100k").label_space.name == "bdd100k"
    semantic = composed("data=bdd100k_semantic")
    assert semantic.label_space.name == "bdd100k_semantic"
    assert semantic.data.annotations == "sem_seg"


@pytest.mark.parametrize(
    ("annotations", "space", "words"),
    [
        ("pan_seg", SEMANTIC, "ids 0 to 40, .* for 0 to 18, 255: .*label_space=bdd100k, as data=bdd100k does"),
        ("sem_seg", PANOPTIC, "ids 0 to 18, 255, .* for 0 to 40: .*label_space=bdd100k_semantic, as data=bdd100k_sem"),
        ("sem_seg", LabelSpace.cityscapes_ids(), r"data\.annotations=sem_seg: .* for 0 to 33"),
    ],
)
def test_classes_of_the_other_annotations(root, annotations, space, words):
    with pytest.raises(ConfigurationError, match=words):
        FileSamples(BDD100K(root, annotations=annotations), "train", space)


@pytest.mark.parametrize("ids", [[30, 31, 35], [*range(41), 255]])
def test_classes_of_ones_own(root, ids):
    """A draft of what was found; and void, where there is none."""
    classes = [{"name": "void", "ids": []}, {"name": "all", "ids": ids}]
    space = LabelSpace.from_classes(classes, "void")
    assert len(FileSamples(BDD100K(root), "train", space)) == 3


def test_other_folders_and_wrong_settings(root):
    (root / "images" / "10k").rename(root / "images" / "100k")
    assert BDD100K(root, images="100k").splits() == ["train", "val"]
    with pytest.raises(DatasetError, match=rf"data\.root={root}: .*images/10k.*10K Images"):
        BDD100K(root).splits()
    with pytest.raises(ConfigurationError, match=r"data\.annotations=ins_seg: choose one of pan_seg, sem_seg"):
        BDD100K(root, annotations="ins_seg")


def test_a_bit_mask_without_its_alpha_channel(root):
    path = root / "labels" / "pan_seg" / "bitmasks" / "train" / "train_0001.png"
    Image.open(path).convert("RGB").save(path)
    with pytest.raises(DatasetError, match=r"train_0001\.png: a picture of mode RGB, but .* RGBA"):
        FileSamples(BDD100K(root), "train", PANOPTIC)
