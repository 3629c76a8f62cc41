"""Label maps from a segmenter's predictions."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from oasis.errors import ConfigurationError, DatasetError
from oasis.labels import LabelSpace
from oasis.segmenters import Prediction, Segmenter, UNetSegmenter
from oasis.segmenters.grouping import Grouping
from oasis.synthesis.photo_reading import PhotoReader

IDS, TRAIN_IDS = LabelSpace.cityscapes_ids(), LabelSpace.cityscapes_train_ids()


class Fixed(Segmenter):
    """Predicts the same for every photo, and records its inputs."""

    num_features = 1
    fingerprint = "fixed"

    def __init__(self, label_space, label, instance):
        super().__init__()
        self.label_space = label_space
        self.verdict = Prediction(torch.tensor([label]), torch.tensor([instance]))
        self.shown = None

    def forward(self, image):
        self.shown = image
        return self.verdict

    def features(self, image):
        return image.mean(dim=(1, 2, 3))[:, None]


def slow(index, number, segmenter_space, space):
    """Pixel by pixel: raw ids by names, individuals of a class in the order of their numbers."""
    raw_of = {}
    for raw in reversed(range(256)):
        if space.raw_to_class[raw] >= 0:
            raw_of[space.names[space.raw_to_class[raw]]] = raw
    height, width = index.shape
    label, instance = np.zeros((height, width), np.uint8), np.zeros((height, width), np.int32)
    for row in range(height):
        for column in range(width):
            c, k = int(index[row, column]), int(number[row, column])
            name = segmenter_space.names[c]
            label[row, column] = instance[row, column] = raw_of[name]
            if k > 0:
                lower = {int(n) for n in number[index == c] if 0 < n < k}
                instance[row, column] = raw_of[name] * 1000 + len(lower)
    return label, instance


@pytest.mark.parametrize("segmenter_space", [IDS, TRAIN_IDS], ids=["segmenter-ids", "segmenter-train_ids"])
@pytest.mark.parametrize("space", [IDS, TRAIN_IDS], ids=["ids", "train_ids"])
def test_ids_are_those_of_the_slow_way(segmenter_space, space):
    rng = np.random.default_rng(0)
    named = sorted(segmenter_space.evaluated - {segmenter_space.ignore_index})
    index = rng.choice(named, (12, 20))
    number = rng.integers(0, 9, (12, 20)) * np.isin(index, list(segmenter_space.things))
    read = PhotoReader(Fixed(segmenter_space, index.tolist(), number.tolist()), space, (12, 20)).read(
        Image.new("RGB", (20, 12))
    )
    label, instance = slow(index, number, segmenter_space, space)
    assert read.label.dtype == np.uint8
    assert read.instance.dtype == np.int32
    assert np.array_equal(read.label, label)
    assert np.array_equal(read.instance, instance)
    space.check(read.label, "read")
    assert len(read.instance_ids) > 20


def test_individuals_are_counted_by_class():
    car, person = TRAIN_IDS.names.index("car"), TRAIN_IDS.names.index("person")
    segmenter = Fixed(TRAIN_IDS, [[car, car, person, car, 0]], [[2, 9, 3, 0, 0]])
    read = PhotoReader(segmenter, IDS, (1, 5)).read(Image.new("RGB", (5, 1)))
    assert read.instance.tolist() == [[26000, 26001, 24000, 26, 7]]
    assert read.label.tolist() == [[26, 26, 24, 26, 7]]
    assert read.remarks == ("read from a photo by a segmenter; individuals: 2 car, 1 person",)
    assert read.label_space is IDS


def test_things_of_one_side_only_have_no_individuals():
    car = IDS.names.index("car")
    space = replace(IDS, things=IDS.things - {car})
    read = PhotoReader(Fixed(IDS, [[car, car]], [[1, 2]]), space, (1, 2)).read(Image.new("RGB", (2, 1)))
    assert read.instance.tolist() == [[26, 26]]


def test_more_individuals_than_ids_stay_a_group():
    car = IDS.names.index("car")
    numbers = [list(range(1, 1004))]
    read = PhotoReader(Fixed(IDS, [[car] * 1003], numbers), IDS, (1, 1003)).read(Image.new("RGB", (1003, 1)))
    assert read.instance[0, :1000].tolist() == list(range(26000, 27000))
    assert read.instance[0, 1000:].tolist() == [26, 26, 26]


def test_the_segmenter_looks_at_its_size_and_the_map_has_the_photos(tmp_path):
    segmenter = Fixed(IDS, [[7, 23], [26, 26]], [[0, 0], [1, 2]])
    photo = np.zeros((6, 8, 3), np.uint8)
    photo[:, 4:] = 255
    Image.fromarray(photo).save(tmp_path / "photo.png")
    read = PhotoReader(segmenter, IDS, (2, 2)).read(tmp_path / "photo.png")
    assert segmenter.shown.shape == (1, 3, 2, 2)
    assert segmenter.shown[..., 0].max() < -0.8
    assert segmenter.shown[..., 1].min() > 0.8
    assert np.array_equal(read.label, np.kron([[7, 23], [26, 26]], np.ones((3, 4))))
    assert np.array_equal(read.instance, np.kron([[7, 23], [26000, 26001]], np.ones((3, 4))))
    assert read.source == str(tmp_path / "photo.png")


def test_without_a_size_the_segmenter_looks_at_the_photo_as_it_is():
    segmenter = Fixed(IDS, np.full((3, 5), 7).tolist(), np.zeros((3, 5), int).tolist())
    photo = np.random.default_rng(0).integers(0, 255, (3, 5, 3), dtype=np.uint8)
    assert PhotoReader(segmenter, IDS).read(Image.fromarray(photo)).label.shape == (3, 5)
    assert np.allclose((segmenter.shown[0].permute(1, 2, 0).numpy() + 1) * 127.5, photo, atol=1e-3)


def test_modes_of_pictures():
    segmenter = Fixed(IDS, [[7]], [[0]])
    for mode in ("L", "RGBA", "P", "CMYK", "1"):
        PhotoReader(segmenter, IDS, (1, 1)).read(Image.new(mode, (3, 2)))
        assert segmenter.shown.shape == (1, 3, 1, 1)


def test_a_segmenter_of_made_weights():
    torch.manual_seed(0)
    segmenter = UNetSegmenter(IDS, channels=4, depth=3, grouping=Grouping(threshold=0.0, min_area=1))
    with torch.no_grad():
        for head in (segmenter.network.semantic[-1], segmenter.network.instances[-2]):
            for parameter in head.parameters():
                parameter.normal_()
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 255, (24, 40, 3), dtype=np.uint8))
    read = PhotoReader(segmenter, IDS, (24, 40)).read(photo)
    seen = torch.from_numpy(np.array(photo)).permute(2, 0, 1)[None].float() / 127.5 - 1
    verdict = segmenter(seen)
    label, instance = slow(verdict.label[0].numpy(), verdict.instance[0].numpy(), IDS, IDS)
    assert np.array_equal(read.label, label)
    assert np.array_equal(read.instance, instance)


def test_wrong_photos(tmp_path):
    reader = PhotoReader(Fixed(IDS, [[7]], [[0]]), IDS, (1, 1), max_pixels=64)
    with pytest.raises(DatasetError, match=r"none\.png: no such file"):
        reader.read(tmp_path / "none.png")
    (tmp_path / "text.png").write_text("text")
    with pytest.raises(DatasetError, match=r"text\.png: not a picture"):
        reader.read(tmp_path / "text.png")
    Image.new("RGB", (9, 8)).save(tmp_path / "large.png")
    with pytest.raises(DatasetError, match=r"large\.png: its header claims 9x8"):
        reader.read(tmp_path / "large.png")
    noise = np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "torn.png")
    (tmp_path / "torn.png").write_bytes((tmp_path / "torn.png").read_bytes()[:120])
    with pytest.raises(DatasetError, match=r"torn\.png: cannot be decoded"):
        reader.read(tmp_path / "torn.png")


def test_a_segmenter_of_other_classes():
    space = replace(IDS, names=tuple("lorry" if name == "truck" else name for name in IDS.names))
    with pytest.raises(ConfigurationError, match=r"does not know: truck\. Choose a segmenter.*lorry"):
        PhotoReader(Fixed(IDS, [[7]], [[0]]), space, (1, 1))


def test_of_a_segmenter_of_classes_only_instances_are_unknown():
    segmenter = Fixed(TRAIN_IDS, [[0, 13]], [[0, 0]])
    segmenter.finds_instances = False
    read = PhotoReader(segmenter, IDS, (1, 2)).read(Image.new("RGB", (2, 1)))
    assert read.instance is None
    assert read.label.tolist() == [[7, 26]]
    assert "finds classes only" in read.remarks[0]
