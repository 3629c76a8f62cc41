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


def write_bdd100k(root):
    """Panoptic bit masks, in which the persons are a crowd and a corner is ignored; and semantic masks of train ids."""
    for split, name, kind, number, photo in each():
        save(photo, root / "images" / "10k" / split / f"{name}.jpg")
        segment = np.where(number, number + np.int64(255), np.array([300, 0, 1])[kind])
        attributes = 2 * (kind == PERSON).astype(np.int64)
        attributes[:2, :2] = 1
        colors = np.stack([np.array([30, 35, 31])[kind], attributes, segment // 256, segment % 256], -1)
        save(colors.astype(np.uint8), root / "labels" / "pan_seg" / "bitmasks" / split / f"{name}.png")
        mask = np.where(attributes == 1, 255, np.array([10, 13, 11])[kind]).astype(np.uint8)
        save(mask, root / "labels" / "sem_seg" / "masks" / split / f"{name}.png")
    save(photo, root / "images" / "10k" / "test" / "test_0000.jpg")
    return root


MAPILLARY = [
    {"name": "construction--flat--road", "readable": "Road", "instances": False, "color": [128, 64, 128]},
    {"name": "nature--sky", "readable": "Sky", "instances": False, "color": [70, 130, 180]},
    {"name": "object--vehicle--car", "readable": "Car", "instances": True, "color": [0, 0, 142]},
    {"name": "human--person", "readable": "Person", "instances": True, "color": [220, 20, 60]},
    {"name": "void--unlabeled", "readable": "Unlabeled", "instances": False, "evaluate": False, "color": [0, 0, 0]},
]
"""The labels of a small configuration; that of version 1.2 is without the road."""


def write_mapillary(root, version="v2.0", *, alone=False):
    """One version of Mapillary Vistas; `alone` as in the download of version 1.2, without a folder of its name."""
    labels = MAPILLARY if version == "v2.0" else MAPILLARY[1:]
    first = len(labels) - 4
    for split, name, kind, number, photo in each():
        folder = root / {"train": "training", "val": "validation"}[split]
        maps = folder if alone else folder / version
        save(photo, folder / "images" / f"{name}.jpg")
        label = (kind + first).astype(np.uint8)
        label[:2, :2] = len(labels) - 1
        instance = label.astype(np.uint16) * 256 + np.where(number, number - 1, 0).astype(np.uint16)
        save(instance, maps / "instances" / f"{name}.png")
        picture = Image.fromarray(label).convert("P")
        picture.putpalette([value for one in labels for value in one["color"]])
        (maps / "labels").mkdir(parents=True, exist_ok=True)
        picture.save(maps / "labels" / f"{name}.png")
    save(photo, root / "testing" / "images" / "test_0000.jpg")
    config = root / ("config.json" if alone else f"config_{version}.json")
    config.write_text(json.dumps({"version": version, "labels": labels}))
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


DOWNLOADS = {
    "ade20k": write_ade20k,
    "coco_stuff": write_coco_stuff,
    "coco_panoptic": write_coco_panoptic,
    "bdd100k": write_bdd100k,
    "bdd100k_semantic": write_bdd100k,
    "mapillary": write_mapillary,
}
"""`data=NAME` -> what writes a dataset of its layout."""
