"""Small datasets in the layouts of others: a sky, two touching cars, and a group of persons in each photo."""

import json

import numpy as np
from PIL import Image

SKY, CAR, PERSON = 0, 1, 2


def scene(seed):
    """Kind (SKY, CAR, PERSON) and number (0 = no individual, 1 and 2 = the cars) of each pixel, 32x64; and a photo."""
    rng = np.random.default_rng(seed)
    kind, number = np.zeros((32, 64), np.uint8), np.zeros((32, 64), np.uint8)
    left = int(rng.integers(2, 20))
    for k in (1, 2):
        kind[14:22, left : left + 10], number[14:22, left : left + 10] = CAR, k
        left += 10
    kind[4:12, 50:60] = PERSON
    photo = (rng.integers(0, 255, (3, 3))[kind] + rng.normal(0, 8, (32, 64, 3))).clip(0, 255).astype(np.uint8)
    return kind, number, photo


def save(pixels, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def each(train=3, val=2):
    """Split, name and scene of each sample."""
    for split, count in (("train", train), ("val", val)):
        for index in range(count):
            yield split, f"{split}_{index:04d}", *scene(index if split == "train" else 100 + index)


def write_ade20k(root):
    for split, name, kind, number, photo in each():
        folder = {"train": "training", "val": "validation"}[split]
        label = np.array([3, 21, 13], np.uint8)[kind]
        save(photo, root / "images" / folder / f"{name}.jpg")
        save(label, root / "annotations" / folder / f"{name}.png")
        instance = np.stack([kind * 7, number, np.zeros_like(number)], -1)
        save(instance, root / "annotations_instance" / folder / f"{name}.png")
    return root


def write_folder(root, pattern="{kind}/{split}"):
    """Photos, label ids and instance ids of Cityscapes, in folders whose names follow the pattern."""
    for split, name, kind, number, photo in each():
        label = np.array([23, 26, 24], np.uint8)[kind]
        places = {k: root / pattern.format(kind=k, split=split) for k in ("images", "labels", "instances")}
        save(photo, places["images"] / f"{name}.jpg")
        save(label, places["labels"] / f"{name}.png")
        save(np.where(number, 26_000 + number.astype(np.uint16), label), places["instances"] / f"{name}.png")
    return root


def write_coco_stuff(root, *, spade=True):
    for split, name, kind, number, photo in each():
        label = np.array([157, 2, 0], np.uint8)[kind]
        photos, labels = (f"{split}_img", f"{split}_label")
        if not spade:
            photos, labels = f"{split}2017", f"stuffthingmaps_trainval2017/{split}2017"
        save(photo, root / photos / f"{name}.jpg")
        save(label, root / labels / f"{name}.png")
        if spade:  # the cars are the things 4 and 5 of the annotations
            save(np.where(number, number + 3, label).astype(np.uint8), root / f"{split}_inst" / f"{name}.png")
    return root


CATEGORIES = [
    {"id": 3, "name": "car", "isthing": 1},
    {"id": 1, "name": "person", "isthing": 1},
    {"id": 187, "name": "sky-other-merged", "isthing": 0},
]


def panoptic_classes(categories=CATEGORIES):
    """The arguments of `LabelSpace.from_classes` for the categories of a JSON."""
    classes = [{"name": one["name"], "ids": [one["id"]], "thing": bool(one["isthing"])} for one in categories]
    return {"classes": [{"name": "void", "ids": [0]}, *classes], "ignore": "void"}


def write_coco_panoptic(root):
    annotations = {"train": [], "val": []}
    for split, name, kind, number, photo in each():
        ids = np.where(number, 70_000 + number.astype(int), np.array([2_330_219, 0, 515])[kind])
        ids[:2, :2] = 0  # no segment
        save(photo, root / f"{split}2017" / f"{name}.jpg")
        colors = np.stack([ids % 256, ids // 256 % 256, ids // 65536], -1).astype(np.uint8)
        save(colors, root / "annotations" / f"panoptic_{split}2017" / f"{name}.png")
        segments = [
            {"id": one, "category_id": category, "area": int((ids == one).sum()), "iscrowd": int(one == 515)}
            for one, category in ((70_002, 3), (2_330_219, 187), (70_001, 3), (515, 1))
        ]
        annotations[split].append({"image_id": 1, "file_name": f"{name}.png", "segments_info": segments})
    for split, entries in annotations.items():
        content = {"categories": CATEGORIES, "annotations": entries}
        (root / "annotations" / f"panoptic_{split}2017.json").write_text(json.dumps(content))
    return root
