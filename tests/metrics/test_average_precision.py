"""Average precision equals what pycocotools computes from a file of annotations."""

import contextlib
import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from road_car_bus import BUS, CAR, ROAD, SPACE, VOID
from torch import distributed

from oasis.errors import MetricError
from oasis.metrics.average_precision import AveragePrecision
from oasis.metrics.scored_classes import ScoredClasses
from oasis.metrics.segments import match_all

pytest.importorskip("pycocotools")
CLASSES = ScoredClasses(SPACE)
GROUP = -1  # number of a group in `drawn`


def drawn(*things, height=24, width=48):
    """Label and instance of rectangles (class, number, top, left, height, width); later ones cover earlier ones."""
    label, instance = np.full((height, width), ROAD), np.zeros((height, width), dtype=np.int64)
    for kind, number, top, left, rows, columns in things:
        place = np.s_[top : top + rows, left : left + columns]
        label[place], instance[place] = kind, max(number, 0)
    return label, instance


def metric_of(images, index=None):
    """Ours: images are (predicted, target, scores), maps as `drawn` makes them, scores by number."""
    metric = AveragePrecision(CLASSES)
    for i, (predicted, target, score) in zip(index or range(len(images)), images, strict=True):
        maps = (torch.from_numpy(one)[None] for one in (*predicted, *target))
        metric.update(torch.tensor([i]), match_all(CLASSES, *maps), torch.tensor([score], dtype=torch.float64))
    return metric


def scores(images, index=None):
    return {name: float(value) for name, value in metric_of(images, index).compute().items()}


def annotations(maps, image, *, is_target, score=()):
    """The things of a map as COCO's annotations, and their masks."""
    from pycocotools import mask

    label, instance = maps
    for kind in (CAR, BUS):
        for number in np.unique(instance[label == kind]):
            pixels = (label == kind) & (instance == number)
            if number == 0 and not is_target:
                continue
            rows, columns = np.nonzero(pixels)
            box = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
            coded = mask.encode(np.asfortranarray(pixels.astype(np.uint8)))
            one = {
                "image_id": image,
                "category_id": kind,
                "bbox": [int(side) for side in box],
                "area": int(pixels.sum()),
                "segmentation": {"size": coded["size"], "counts": coded["counts"].decode()},
            }
            yield one | ({"iscrowd": int(number == 0)} if is_target else {"score": score[number - 1]})


def official(images, folder):
    """What pycocotools says of the same instances, by way of two files."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    targets = [one for i, (_, target, _) in enumerate(images) for one in annotations(target, i, is_target=True)]
    found = [
        one for i, (seen, _, score) in enumerate(images) for one in annotations(seen, i, is_target=False, score=score)
    ]
    categories = [{"id": kind, "name": SPACE.names[kind]} for kind in (CAR, BUS)]
    content = {
        "info": {},
        "images": [{"id": i, "height": 24, "width": 48} for i in range(len(images))],
        "categories": categories,
        "annotations": [{"id": n, **one} for n, one in enumerate(targets, 1)],
    }
    (folder / "targets.json").write_text(json.dumps(content))
    (folder / "found.json").write_text(json.dumps(found))
    result = {}
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(folder / "targets.json"))
        for kind, prefix in (("segm", ""), ("bbox", "box_")):
            evaluation = COCOeval(truth, truth.loadRes(str(folder / "found.json")) if found else COCO(), kind)
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
            result |= {f"{prefix}ap": evaluation.stats[0], f"{prefix}ap50": evaluation.stats[1]}
            if kind == "segm":
                of_class = evaluation.eval["precision"][:, :, :, 0, -1].mean((0, 1))
                result |= {"ap/car": of_class[0], "ap/bus": of_class[1]}
    return {name: np.nan if value == -1 else value for name, value in result.items()}


# Two cars side by side, a bus behind the right one, and a car alone.
STREET = drawn((BUS, 3, 2, 20, 12, 20), (CAR, 1, 8, 4, 8, 12), (CAR, 2, 8, 16, 8, 12), (CAR, 4, 18, 40, 4, 6))
EMPTY = drawn()
WITH_GROUP = drawn((CAR, GROUP, 4, 24, 8, 20), (CAR, 1, 12, 2, 8, 12), (BUS, 2, 2, 2, 6, 12))
HAND_MADE = {
    "exact": [(STREET, STREET, [0.9, 0.8, 0.7, 0.6])],
    "shifted": [((STREET[0], np.roll(STREET[1], 1, 1) * (STREET[0] != ROAD)), STREET, [0.9, 0.2, 0.7, 0.6])],
    "merged": [(drawn((CAR, 1, 8, 4, 8, 24), (BUS, 2, 2, 20, 6, 20)), STREET, [0.9, 0.3])],
    "a surer wrong one": [(drawn((CAR, 1, 2, 2, 3, 3), (CAR, 2, 8, 4, 8, 12)), STREET, [0.9, 0.3])],
    "equal scores": [
        (drawn((CAR, 1, 2, 2, 3, 3), (CAR, 2, 8, 4, 8, 12), (CAR, 3, 8, 16, 8, 9)), STREET, [0.5, 0.5, 0.5]),
        (drawn((CAR, 1, 8, 4, 8, 12), (CAR, 2, 2, 2, 3, 3)), STREET, [0.5, 0.5]),
    ],
    "nothing found": [(EMPTY, STREET, []), (STREET, STREET, [0.9, 0.8, 0.7, 0.6])],
    "nothing found at all": [(EMPTY, STREET, [])],
    "nothing to be found": [(STREET, EMPTY, [0.9, 0.8, 0.7, 0.6])],
    "nothing to be found in one": [(STREET, EMPTY, [0.9, 0.8, 0.7, 0.6]), (STREET, STREET, [0.4, 0.3, 0.2, 0.1])],
    "nothing": [(EMPTY, EMPTY, [])],
    "a group": [
        # Two in the group of cars, one of them by 7/10 only, a bus in the group, and a car beside it.
        (
            drawn((CAR, 1, 5, 26, 4, 6), (CAR, 2, 5, 37, 4, 10), (BUS, 3, 10, 26, 2, 8), (CAR, 4, 12, 4, 8, 12)),
            WITH_GROUP,
            [0.9, 0.8, 0.7, 0.6],
        ),
        (STREET, STREET, [0.9, 0.8, 0.7, 0.6]),
    ],
    "only a group": [(drawn((CAR, 1, 5, 26, 4, 6)), drawn((CAR, GROUP, 4, 24, 8, 20)), [0.9])],
}


@pytest.mark.parametrize("case", HAND_MADE)
def test_equals_pycocotools(case, tmp_path):
    assert scores(HAND_MADE[case]) == pytest.approx(official(HAND_MADE[case], tmp_path), abs=1e-12, nan_ok=True)


def test_numbers_by_hand():
    exact, merged, absent = (scores(HAND_MADE[case]) for case in ("exact", "merged", "nothing"))
    assert exact == pytest.approx(dict.fromkeys(exact, 1))
    # Each of the two merged cars is half of the segment, enough at the lowest threshold: one of three is found.
    assert merged["ap/car"] == pytest.approx(34 / 101 / 10)
    assert all(np.isnan(value) for value in absent.values())
    # The surer one is wrong: one of three cars at a precision of 1/2 is 34 of 101 recalls; and no bus.
    assert scores(HAND_MADE["a surer wrong one"])["ap50"] == pytest.approx(34 / 101 / 2 / 2)


RECTANGLES = st.lists(
    st.tuples(
        st.sampled_from([CAR, CAR, BUS]), st.integers(0, 20), st.integers(0, 40), st.integers(2, 9), st.integers(2, 12)
    ),
    max_size=7,
)


@st.composite
def pictures(draw):
    """Rectangles on a street, and what is seen of them: shifted, missed, taken for others, invented."""
    things = [(kind, n, *place) for n, (kind, *place) in enumerate(draw(RECTANGLES), 1)]
    seen = [
        (draw(st.sampled_from([kind, kind, kind, CAR])), 0, top + draw(st.integers(0, 1)), *place)
        for kind, _, top, *place in things
        if draw(st.integers(0, 4))
    ] + [(kind, 0, *place) for kind, *place in draw(RECTANGLES)[:2]]
    label, instance = drawn(*((kind, n, *place) for n, (kind, _, *place) in enumerate(seen, 1)))
    score = draw(st.lists(st.sampled_from([0.1, 0.25, 0.5, 0.75]), min_size=len(seen), max_size=len(seen)))
    return (label, instance), drawn(*things), score


@given(st.lists(pictures(), min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_equals_pycocotools_on_any_rectangles(tmp_path_factory, images):
    expected = official(images, tmp_path_factory.mktemp("coco"))
    assert scores(images) == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_only_the_hundred_surest_of_an_image_count(tmp_path):
    """As COCO has it: the right one is the last of 130."""
    seen = drawn(*((CAR, n + 1, n // 16 * 2, n % 16 * 3, 1, 2) for n in range(130)))
    target = drawn((CAR, 1, 16, 3, 1, 2))
    assert seen[1][16, 3] == 130
    images = [(seen, target, [1 - n / 1000 for n in range(130)])]
    assert scores(images)["ap"] == official(images, tmp_path)["ap"] == 0


def test_void_drops_what_lies_mostly_in_it():
    target = drawn((VOID, 0, 0, 20, 24, 28), (CAR, 1, 8, 4, 8, 12))
    right, half, more = (CAR, 1, 8, 4, 8, 12), (CAR, 2, 0, 16, 4, 8), (CAR, 2, 0, 17, 4, 8)
    alone = scores([(drawn(right), target, [0.5])])
    assert scores([(drawn(right, more), target, [0.5, 0.9])]) == pytest.approx(alone, nan_ok=True)
    # Exactly half in void is wrong, and surer than the right one.
    assert scores([(drawn(right, half), target, [0.5, 0.9])])["ap"] == pytest.approx(alone["ap"] / 2)
    assert alone["ap"] == alone["box_ap"] == pytest.approx(1)


def test_the_box_of_all_groups_excuses_no_box():
    """Groups left and right: their common box has the road between."""
    target = drawn((CAR, GROUP, 8, 0, 8, 8), (CAR, GROUP, 8, 40, 8, 8), (CAR, 1, 0, 20, 4, 4))
    seen = drawn((CAR, 1, 0, 20, 4, 4), (CAR, 2, 9, 18, 6, 6))
    assert scores([(seen, target, [0.5, 0.9])])["box_ap"] == pytest.approx(1 / 2)
    seen = drawn((CAR, 1, 0, 20, 4, 4), (CAR, 2, 9, 0, 6, 6))
    assert scores([(seen, target, [0.5, 0.9])])["box_ap"] == pytest.approx(1)


MANY = [
    image for case in ("shifted", "equal scores", "nothing found", "a group", "nothing") for image in HAND_MADE[case]
]


def test_repeated_images_count_once_in_any_order():
    expected = scores(MANY)
    assert 0 < expected["ap"] < expected["ap50"] < 1
    order = [3, 0, 5, 2, 1, 3, 7, 4, 6, 0]
    assert scores([MANY[i] for i in order], order) == expected
    assert scores([*MANY, MANY[1]]) != expected  # as another image


def test_a_batch_is_its_images():
    maps = [torch.from_numpy(np.stack([image[side][part] for image in MANY])) for side in (0, 1) for part in (0, 1)]
    padded = torch.zeros(len(MANY), 5, dtype=torch.float64)
    for row, (_, _, score) in zip(padded, MANY, strict=True):
        row[: len(score)] = torch.tensor(score)
    metric = AveragePrecision(CLASSES)
    metric.update(torch.arange(len(MANY)), match_all(CLASSES, *maps), padded)
    assert {name: float(value) for name, value in metric.compute().items()} == scores(MANY)


@pytest.mark.parametrize(
    ("score", "words"),
    [
        ([0.9, 0.8, 0.7], "instance 4 has no score: the segmenter gave 3"),
        ([0.9, np.nan, 0.7, 0.6], "instance 2 has the score nan: a confidence must be a finite number"),
    ],
)
def test_scores_that_are_none_are_refused(score, words):
    with pytest.raises(MetricError, match=words):
        scores([(STREET, STREET, score)])


def test_nothing_measured_is_an_error():
    with pytest.raises(MetricError, match="AveragePrecision: there is no image"):
        AveragePrecision(CLASSES).compute()


DEALT = {
    "padded": ([0, 2, 4, 6], [1, 3, 5, 7, 0]),
    "one_rank_is_empty": (range(8), []),
    "first_rank_is_empty": ([], range(8)),
    "nothing_found_on_one": ([3, 7], [0, 1, 2, 4, 5, 6]),
    "nothing_found_beside_no_image": ([3, 7], []),
}


def run_rank(rank, folder):
    distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    results = {name: scores([MANY[i] for i in dealt[rank]], list(dealt[rank])) for name, dealt in DEALT.items()}
    (Path(folder) / f"{rank}.json").write_text(json.dumps(results))
    distributed.destroy_process_group()


def test_two_processes_give_the_numbers_of_one(run_two_ranks):
    folder = run_two_ranks(__file__)
    for rank in range(2):
        found = json.loads((folder / f"{rank}.json").read_text())
        for case, dealt in DEALT.items():
            everything = sorted({*dealt[0], *dealt[1]})
            assert found[case] == pytest.approx(scores([MANY[i] for i in everything]), nan_ok=True), case


if __name__ == "__main__":
    run_rank(int(sys.argv[1]), sys.argv[2])
