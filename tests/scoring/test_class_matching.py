"""Networks of other class lists, from their files to the scores."""

import dataclasses

import numpy as np
import pytest
import torch
from checkpoints_of_transformers import save_checkpoint
from segmenting import random_pictures

from oasis.batch import Batch
from oasis.errors import ConfigurationError
from oasis.labels import LabelSpace
from oasis.scoring import Scorer, load_metric_networks
from oasis.scoring.class_matching import match_classes
from oasis.segmenters import Prediction, Segmenter, TransformersSegmenter

CPU = torch.device("cpu")
TRAIN_IDS = LabelSpace.cityscapes_train_ids()
ADE20K, COCO, STUFF = (LabelSpace.built_in(name) for name in ("ade20k", "coco_panoptic", "coco_stuff"))
LISTS = {
    "cityscapes": (TRAIN_IDS, [TRAIN_IDS.names[c] for c in sorted(TRAIN_IDS.evaluated)]),
    "ade20k": (ADE20K, [f"{ADE20K.names[c]}, synonym {c} " for c in sorted(ADE20K.evaluated)]),
    "coco": (COCO, [COCO.names[c].upper().replace("-", "_") for c in sorted(COCO.evaluated)]),
}


def random_batch(space, height=48, width=80):
    draw = torch.Generator().manual_seed(1)
    label = torch.randint(space.num_classes, (2, height // 8, width // 8), generator=draw)
    label = label.repeat_interleave(8, 1).repeat_interleave(8, 2)
    things = torch.tensor([c in space.things for c in range(space.num_classes)])
    instance = torch.where(things[label], label + 1, 0)
    nothing = torch.zeros(2, 1, height, width)
    image = random_pictures(2, height, width)
    return Batch(image, label, instance, label, nothing, ["a", "b"], torch.arange(2), torch.ones(2, dtype=torch.bool))


def slow_miou(target, predicted, names):
    """Over named maps; "" is void in the target, and no class in the prediction."""
    scores = []
    counted = target != ""
    for name in names:
        hits = ((target == name) & (predicted == name)).sum()
        union = (((target == name) | (predicted == name)) & counted).sum()
        if union:
            scores.append(hits / union)
    return np.mean(scores)


def named(label, names):
    return np.array(names, dtype=object)[label.numpy()]


@pytest.mark.parametrize("kind", ["segformer", "upernet", "mask2former", "maskformer", "oneformer"])
@pytest.mark.parametrize("classes", LISTS)
def test_from_the_files_to_the_scores(kind, classes, tmp_path):
    pytest.importorskip("transformers")
    space, names = LISTS[classes]
    save_checkpoint(kind, names, tmp_path)
    segmenter = TransformersSegmenter.from_pretrained(tmp_path)
    batch = random_batch(space)
    scorer = Scorer(space, CPU, {}, segmenter)
    scorer.update(batch, batch.image)
    scores = scorer.compute()
    scored = [space.names[c] for c in sorted(space.evaluated)]
    target = named(batch.label, [name if name in scored else "" for name in space.names])
    predicted = named(segmenter(batch.image).label, scored)
    assert scores["segmenter/miou"] == pytest.approx(slow_miou(target, predicted, scored))
    assert ("segmenter/pq" in scores) == (kind not in ("segformer", "upernet"))
    assert match_classes(space, segmenter).note is None


class Named(Segmenter):
    """Predicts its classes in turn, row by row."""

    num_features = 1
    fingerprint = "named"
    matches_by_name = True
    finds_instances = False

    def __init__(self, *names):
        super().__init__()
        self.label_space = dataclasses.replace(
            TRAIN_IDS,
            names=names,
            palette=((0, 0, 0),) * len(names),
            things=frozenset(),
            raw_to_class=(0,) * 256,
            evaluated=frozenset(range(len(names))),
        )

    def forward(self, image):
        rows = torch.arange(image.shape[2]) % self.label_space.num_classes
        label = rows.view(1, -1, 1).expand(len(image), -1, image.shape[3])
        return Prediction(label, torch.zeros_like(label))

    def features(self, image):
        return image.mean(dim=(1, 2, 3))[:, None]


CITY = TRAIN_IDS.names[:19]
WITHOUT_RIDER = (*(name for name in CITY if name != "rider"), "zebra")


def test_unknown_classes_are_void_and_foreign_ones_wrong():
    segmenter, batch = Named(*WITHOUT_RIDER), random_batch(TRAIN_IDS)
    batch.label[:, :16] = 0  # so that some of the road is found
    scorer = Scorer(TRAIN_IDS, CPU, {}, segmenter)
    scorer.update(batch, batch.image)
    scores = scorer.compute()
    known = [name for name in CITY if name != "rider"]
    target = named(batch.label, [name if name in known else "" for name in TRAIN_IDS.names])
    predicted = named(segmenter(batch.image).label, [name if name in known else "zebra" for name in WITHOUT_RIDER])
    assert scores["segmenter/miou"] == pytest.approx(slow_miou(target, predicted, known))
    assert "segmenter/iou/rider" not in scores


def test_what_is_not_matched_is_listed(data):
    notes = load_metric_networks(data(), [], lambda default: Named(*WITHOUT_RIDER)).notes
    assert any("knows 18 of the 19 scored classes: rider are left out" in note and "zebra" in note for note in notes)


def test_fewer_than_half_are_refused(data):
    segmenter = Named(*CITY[:9], *(f"class {i}" for i in range(20)))
    with pytest.raises(ConfigurationError, match=r"9 of the 19 scored classes.*Not known: terrain, .*bicycle"):
        load_metric_networks(data(), [], lambda default: segmenter)
    load_metric_networks(data(), [], lambda default: Named(*CITY[:10]))


@pytest.mark.parametrize(
    ("space", "theirs", "ours"),
    [
        (TRAIN_IDS, "Traffic_Light", "traffic light"),
        (TRAIN_IDS, "road, route", "road"),
        (TRAIN_IDS, "route, road", "road"),
        (STUFF, "tree-merged", "tree"),
        (STUFF, "sky_other_merged", "sky-other"),
        (COCO, "tree", "tree-merged"),
        (ADE20K, "window ", "window"),
        (TRAIN_IDS, "roads", None),
        (TRAIN_IDS, "bus stop", None),
    ],
)
def test_names(space, theirs, ours):
    others = [space.names[c] for c in sorted(space.evaluated) if space.names[c] != ours]
    matching = match_classes(space, Named(theirs, *others))
    index = int(matching.from_prediction[0])
    assert (matching.classes.names[index] if index < matching.classes.void else None) == ours
    assert matching.unused == (() if ours else (theirs,))


def test_the_projects_own_segmenters_must_have_the_same_classes():
    segmenter = Named(*WITHOUT_RIDER)
    segmenter.matches_by_name = False
    with pytest.raises(ConfigurationError, match="another label space"):
        match_classes(TRAIN_IDS, segmenter)
