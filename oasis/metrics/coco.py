"""COCO's matching and averaging of detections, by pycocotools."""

import contextlib
import copy
import io
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

MISSING = (
    "No average precision of instances: pycocotools is not installed. Install it with pip install "
    "'panoptic-oasis[coco]'."
)
THRESHOLDS, _LOWEST = 10, 0.5  # of the IoU: 0.5, 0.55, ..., 0.95
MOST = 100  # detections of one class in one image, those of the highest scores; COCO's largest `maxDets`
RIGHT, WRONG, IGNORED = 1, 0, -1  # verdicts on a detection

Floats = NDArray[np.float64]


def is_installed() -> bool:
    """Whether pycocotools can be imported."""
    return find_spec("pycocotools") is not None


def box_iou(detected: Floats, target: Floats) -> Floats:
    """IoU of boxes (D, 4) and (G, 4), each left, top, width and height: (D, G)."""
    from pycocotools import mask

    iou: Floats = np.reshape(mask.iou(detected, target, [0] * len(target)), (len(detected), len(target)))
    return iou


def judged(iou: Floats, score: Floats, crowd: NDArray[np.bool_]) -> tuple[NDArray[np.int64], Floats]:
    """Match the detections of one class in one image, the highest scores first.

    Args:
        iou: (D, G) in [0, 1], of detections and targets; for a crowd the share of the detection inside of it.
        score: (D,), of the detections.
        crowd: (G,), the targets that any number of detections may match, which are then ignored.

    Returns:
        Positions of the min(D, 100) detections with the highest scores, in descending order, and the verdict on each
        at each threshold: (D', 10), `RIGHT`, `WRONG` or `IGNORED`.
    """
    order = np.argsort(-score, kind="stable")[:MOST]
    verdict = np.full((len(order), THRESHOLDS), WRONG)
    near = iou[order] >= _LOWEST
    # Most pairs cannot match at any threshold, and pycocotools visits all of them at each, in Python.
    some, others = near.any(axis=1), near.any(axis=0)
    if some.any():
        evaluation = _evaluation()
        evaluation._gts[0, 0] = [_annotation(n, iscrowd=one, ignore=one) for n, one in enumerate(crowd[others])]
        evaluation._dts[0, 0] = [_annotation(n, score=one) for n, one in enumerate(score[order][some])]
        evaluation.ious = {(0, 0): iou[order][np.ix_(some, others)]}
        result = evaluation.evaluateImg(0, 0, evaluation.params.areaRng[0], MOST)
        verdict[some] = np.where(result["dtIgnore"], IGNORED, np.where(result["dtMatches"] > 0, RIGHT, WRONG)).T
    return order, verdict


def average_precision(detections: Sequence[tuple[Floats, Floats]], targets: Sequence[int]) -> Floats:
    """Average precision of each class at each threshold, interpolated at 101 recalls.

    Args:
        detections: of each class, scores (D,) and verdicts (D, 10), the images one after the other.
        targets: of each class, the number of targets that are no crowd.

    Returns:
        (K, 10) in [0, 1], nan for classes without a target.
    """
    evaluation = _evaluation()
    everything = max((len(score) for score, _ in detections), default=0)
    evaluation.params.maxDets = [max(everything, 1)]  # the detections of an image are limited by `judged`
    evaluation.params.imgIds, evaluation.params.catIds = [0], list(range(len(targets)))
    evaluation.evalImgs = [
        {
            "dtScores": score,
            "dtMatches": verdict.T == RIGHT,
            "dtIgnore": verdict.T == IGNORED,
            "gtIgnore": np.zeros(count),
        }
        for (score, verdict), count in zip(detections, targets, strict=True)
    ]
    evaluation._paramsEval = copy.deepcopy(evaluation.params)
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.accumulate()
    precision: Floats = evaluation.eval["precision"][:, :, :, 0, 0].mean(axis=1).T
    return np.where(precision < 0, np.nan, precision)


def _evaluation() -> Any:
    from pycocotools.cocoeval import COCOeval

    evaluation = COCOeval(iouType="bbox")  # the kind of IoU does not matter to what is used of it here
    evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, np.inf]], ["all"]
    return evaluation


def _annotation(position: int, **facts: float) -> dict[str, float]:
    return {"id": position + 1, "area": 1, **facts}
