"""The scores of a segmenter's predictions."""

import math

import torch
from torchmetrics import Metric

from oasis.batch import Batch
from oasis.labels import LabelSpace
from oasis.metrics import (
    AveragePrecision,
    FoundInstances,
    PanopticScores,
    PixelScores,
    coco,
    match_all,
    split_class,
)
from oasis.scoring.class_matching import match_classes
from oasis.segmenters import Prediction, Segmenter

SEGMENTER_PREFIX = "segmenter/"  # of every score that needs the segmenter
AVERAGE_PRECISION = frozenset(SEGMENTER_PREFIX + name for name in ("ap", "ap50", "box_ap", "box_ap50"))
OF_CLASSES = SEGMENTER_PREFIX + "miou"  # the one that does not need instances


class SegmenterScores:
    """Scores of a segmenter's predictions.

    These are mean IoU; if it finds instances, panoptic quality, touching recall, and recalls by properties of
    instances; if it scores them, and pycocotools is installed, average precision.

    Args:
        label_space: of the label maps.
        segmenter: makes the predictions.
        device: where both are.

    Raises:
        ConfigurationError: the two have other classes, see `match_classes`.
    """

    def __init__(self, label_space: LabelSpace, segmenter: Segmenter, device: torch.device) -> None:
        matching = match_classes(label_space, segmenter)
        self.to_scored = matching.from_data.to(device)
        self.from_prediction = matching.from_prediction.to(device)
        self.classes = matching.classes
        self.pixels = PixelScores(self.classes).to(device)
        self.panoptic = PanopticScores(self.classes).to(device) if segmenter.finds_instances else None
        self.found = FoundInstances(self.classes).to(device) if segmenter.finds_instances else None
        self.precision = AveragePrecision(self.classes).to(device) if has_average_precision(segmenter) else None

    def update(self, batch: Batch, prediction: Prediction) -> None:
        """Compare predictions with the maps of the batch."""
        target, seen = self.to_scored[batch.label], self.from_prediction[prediction.label]
        self.pixels.update(batch.index, seen, target)
        if self.panoptic is None or self.found is None:
            return
        # Matching takes most of the time of these scores: once for all of them.
        matchings = match_all(self.classes, seen, prediction.instance, target, batch.instance)
        self.panoptic.update(batch.index, matchings)
        self.found.update(batch.index, matchings)
        if self.precision is not None and prediction.score is not None:
            self.precision.update(batch.index, matchings, prediction.score)

    def compute(self) -> dict[str, float]:
        """All scores so far, each name prefixed by `segmenter/`, without absent classes."""
        scores = {name: value for metric in self._metrics() for name, value in metric.compute().items()}
        named = {SEGMENTER_PREFIX + name: float(value) for name, value in scores.items()}
        return {name: value for name, value in named.items() if split_class(name)[1] is None or not math.isnan(value)}

    def _metrics(self) -> list[Metric]:
        return [one for one in (self.pixels, self.panoptic, self.found, self.precision) if one is not None]

    def reset(self) -> None:
        """Reset all scores."""
        for metric in self._metrics():
            metric.reset()


def has_average_precision(segmenter: Segmenter) -> bool:
    """Whether average precision can be measured: the segmenter scores its instances, and pycocotools is installed."""
    return segmenter.finds_instances and segmenter.scores_instances and coco.is_installed()
