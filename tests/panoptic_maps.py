"""One map of instance ids as other tools store it: written pixel value by pixel value, as the definitions say."""

import json

import numpy as np
from cityscapesscripts.helpers.labels import labels as cityscapes_labels

THINGS = frozenset(entry.id for entry in cityscapes_labels if entry.hasInstances)
LEFT_OUT = frozenset(entry.id for entry in cityscapes_labels if entry.ignoreInEval)
"""What cityscapesscripts leaves out of COCO panoptic maps."""


def class_of(i):
    return (0 if i // 1000 == 256 else i // 1000) if i >= 1000 else i


def each_value(ids, function):
    return np.vectorize(function, otypes=[np.int64])(np.asarray(ids, np.int64))


def to_panoptic(ids):
    """(H, W) int32: class id * 1000 + instance, instance 0 = none."""
    return each_value(ids, lambda i: i * 1000 if i < 1000 else class_of(i) * 1000 + i % 1000 + 1).astype(np.int32)


def to_coco(ids, left_out=LEFT_OUT):
    """(H, W, 3) uint8: id = R + 256 G + 65536 B, black where nothing is."""
    kept = each_value(ids, lambda i: 0 if class_of(i) in left_out else i)
    return np.stack([kept % 256, kept // 256 % 256, kept // 65536], axis=-1).astype(np.uint8)


def segments_info(ids, left_out=LEFT_OUT, things=THINGS):
    """The list that belongs to `to_coco`, with raw class ids as categories."""
    found = []
    for i in np.unique(ids).tolist():
        if i == 0 or class_of(i) in left_out:
            continue
        rows, columns = np.nonzero(ids == i)
        top, left = rows.min().item(), columns.min().item()
        bbox = [left, top, columns.max().item() - left + 1, rows.max().item() - top + 1]
        crowd = int(i < 1000 and i in things)
        found.append({"id": i, "category_id": class_of(i), "area": len(rows), "bbox": bbox, "iscrowd": crowd})
    return found


def write_json(path, segments, categories=()):
    """The JSON of COCO panoptic maps; `segments` has the list of each file name."""
    annotations = [{"file_name": name, "segments_info": entries} for name, entries in segments.items()]
    content = {"annotations": annotations}
    if categories:
        content["categories"] = [{"id": number, "name": name} for number, name in categories.items()]
    path.write_text(json.dumps(content))
