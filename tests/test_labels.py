import numpy as np
import pytest
import torch
from cityscapesscripts.helpers.labels import labels as official

from oasis.errors import DatasetError
from oasis.labels import LabelSpace


def test_ids_keep_every_raw_id(ids):
    assert ids.num_classes == 35
    assert ids.names[34] == "unknown"
    for entry in official:
        if entry.id >= 0:
            assert ids.raw_to_class[entry.id] == entry.id
            assert ids.names[entry.id] == entry.name
            assert ids.palette[entry.id] == entry.color
            assert (entry.id in ids.things) == entry.hasInstances
    assert ids.names[ids.ignore_index] == "unlabeled"


def test_train_ids_follow_the_official_table():
    space = LabelSpace.cityscapes_train_ids()
    assert space.num_classes == 20
    for entry in official:
        if entry.id < 0:
            continue
        wanted = 19 if entry.trainId in (255, -1) else entry.trainId
        assert space.raw_to_class[entry.id] == wanted, entry.name
    assert space.things == set(range(11, 19))
    assert space.ignore_index == 19


def test_to_classes_maps_every_pixel():
    space = LabelSpace.cityscapes_train_ids()
    raw = torch.tensor([[7, 26, 0], [33, 11, 29]], dtype=torch.uint8)
    assert space.to_classes(raw).tolist() == [[0, 13, 19], [18, 2, 19]]
    assert space.to_classes(raw).dtype == torch.int64


@pytest.mark.parametrize("bad", [34, 100, 255])
def test_stray_ids_are_named_with_file_and_count(ids, bad):
    raw = np.zeros((4, 4), np.uint8)
    ids.check(raw, "good.png")
    raw[1, :3] = bad
    with pytest.raises(DatasetError, match=rf"somewhere\.png.*{bad} \(3 pixels\).*labelIds"):
        ids.check(raw, "somewhere.png")


def test_train_ids_in_the_files_are_recognised(ids):
    with pytest.raises(DatasetError, match="train ids"):
        ids.check(np.array([[255]], np.uint8), "x.png")


def test_inconsistent_tables_are_refused():
    with pytest.raises(ValueError, match="colours"):
        LabelSpace(("a",), (), frozenset(), 0, (0,) * 256, frozenset())
    with pytest.raises(ValueError, match="256"):
        LabelSpace(("a",), ((0, 0, 0),), frozenset(), 0, (0,), frozenset())
    with pytest.raises(ValueError, match="outside"):
        LabelSpace(("a",), ((0, 0, 0),), frozenset(), 0, (1,) * 256, frozenset())
