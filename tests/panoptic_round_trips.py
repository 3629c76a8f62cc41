"""Panoptic maps, written in a format and read back."""

from oasis.data.panoptic import find_format

LOSSLESS = ("cityscapes", "panoptic_ids", "coco")  # others renumber, or have no group regions
NAME = "train/town"


def same_individuals(one, other):
    """Whether pixels belong together in both maps, whatever the numbers."""
    pairs = set(zip(one.instance.ravel().tolist(), other.instance.ravel().tolist(), strict=True))
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def written(name, panoptic, folder, ids):
    form = find_format(name)(ids)
    lost = form.write(folder, NAME, panoptic)
    form.finish(folder)
    return lost


def read_back(name, folder, ids):
    form = find_format(name)(ids)
    ((found, path),) = form.find(folder / "panoptic" if name == "coco" else folder).items()
    assert found.replace("_", "/") == NAME
    return form.read(path)
