"""Average precision of instances, as COCO defines it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics.utilities import dim_zero_cat

from oasis.errors import MetricError
from oasis.metrics import coco
from oasis.metrics.per_image import PerImage
from oasis.metrics.scored_classes import ScoredClasses
from oasis.metrics.segments import Matching

_WIDTH = 2 + 2 * coco.THRESHOLDS  # of a row: class, score, verdicts on the mask, verdicts on the box


class AveragePrecision(PerImage):
    """COCO's average precision (AP) of predicted instances, by their masks and by their boxes.

    AP is the mean over the IoU thresholds 0.5, 0.55, ..., 0.95 and over the classes of things that occur in targets;
    AP50 is that at 0.5. Instances of any area count; COCO's ranges of areas are numbers of pixels, which mean something
    else at each picture size. Matching and averaging are pycocotools'. Without void and groups, the numbers are those
    that it computes from masks and boxes of the instances.

    COCO has no void. A prediction of which more than half lies in void is dropped, in the spirit of cityscapesscripts'
    evaluation of instances. Such a mask cannot be right at any threshold.

    All groups of a class in an image are one crowd. A prediction is ignored if it matches no instance, and its share
    inside of the group is at least the threshold. This is the share of its *mask*, for boxes too: the box of all groups
    together may be as large as the picture, and would excuse every wrong box.

    Each process matches its own images. A row per prediction is kept, and only rows are gathered.

    Source: Lin et al. 2014 (COCO), and `COCOeval` of pycocotools; `evalInstanceLevelSemanticLabeling` of
    cityscapesscripts for void.
    """

    predictions: list[Tensor]

    def __init__(self, classes: ScoredClasses, **settings: Any) -> None:
        super().__init__(**settings)
        self.classes = classes
        self.things = sorted(classes.things)
        self.add_state("predictions", [], dist_reduce_fx="cat")

    def update(self, index: Tensor, matchings: Sequence[Matching], score: Tensor) -> None:
        """Match the instances of some images.

        Args:
            index: (B,) int64, positions in the dataset.
            matchings: of B images, see `segments.match_all`.
            score: (B, N) float, the confidence in each predicted instance: that of instance i stands at i - 1.

        Raises:
            MetricError: the number of positions is not that of images; an instance has no score, or it is not finite.
        """
        tables, counts = [], []
        for matching, of_image in zip(matchings, score.double().cpu().numpy(), strict=True):
            table, count = self._judged(matching, of_image)
            tables.append(table)
            counts.append([*count, len(table)])
        self.keep(index, torch.tensor(counts, device=index.device))
        self.predictions.append(torch.from_numpy(np.concatenate(tables)).to(index.device))

    def _judged(self, matching: Matching, score: NDArray[np.float64]) -> tuple[NDArray[np.float64], list[int]]:
        """One image: a row of `_WIDTH` per prediction, and the number of targets of each class."""
        target, predicted = _Arrays(matching.target), _Arrays(matching.predicted)
        overlap = matching.overlap.cpu().numpy()
        in_void = overlap[target.label == self.classes.void].sum(0)
        judgeable = 2 * in_void <= predicted.area
        tables, counts = [np.empty((0, _WIDTH))], []
        for place, number in enumerate(self.things):
            there = np.flatnonzero(target.label == number)
            here = np.flatnonzero((predicted.label == number) & judgeable)
            crowd = target.instance[there] == 0
            counts.append(int((~crowd).sum()))
            if len(here) == 0:
                continue
            common = overlap[np.ix_(there, here)].T
            own = predicted.area[here, None]
            masks = common / np.where(crowd, own, own + target.area[there] - common)
            boxes = np.where(crowd, masks, coco.box_iou(predicted.boxes[here], target.boxes[there]))
            sure = _scores(score, predicted.instance[here])
            order, by_mask = coco.judged(masks, sure, crowd)
            _, by_box = coco.judged(boxes, sure, crowd)
            first = np.stack([np.full(len(order), place), sure[order]], axis=1)
            tables.append(np.concatenate([first, by_mask, by_box], axis=1))
        return np.concatenate(tables), counts

    def compute(self) -> dict[str, Tensor]:
        """The scores.

        Returns:
            `ap` and `ap50` of masks, `box_ap` and `box_ap50` of boxes, and `ap/NAME` of each class of things: float64
            in [0, 1], nan if there is no target.

        Raises:
            MetricError: nothing was measured.
        """
        counts = self.collected().cpu().numpy()[:, :-1].sum(0)
        rows = self._rows().cpu().numpy()
        of_class = [rows[rows[:, 0] == place] for place in range(len(self.things))]
        masks, boxes = (
            torch.from_numpy(
                coco.average_precision([(some[:, 1], some[:, columns]) for some in of_class], counts.tolist())
            )
            for columns in (slice(2, 2 + coco.THRESHOLDS), slice(2 + coco.THRESHOLDS, _WIDTH))
        )
        names = [self.classes.names[number] for number in self.things]
        return {
            "ap": masks.mean(1).nanmean(),
            "ap50": masks[:, 0].nanmean(),
            "box_ap": boxes.mean(1).nanmean(),
            "box_ap50": boxes[:, 0].nanmean(),
        } | {f"ap/{name}": value for name, value in zip(names, masks.mean(1), strict=True)}

    def _rows(self) -> Tensor:
        """The rows of all predictions, images in the order of the dataset, without repeated images."""
        number = dim_zero_cat(self.values)[:, -1]
        end = number.cumsum(0)
        rows = dim_zero_cat(self.predictions)
        kept = [rows[end[image] - number[image] : end[image]] for image in self.first().tolist()]
        return torch.cat(kept)


class _Arrays:
    """The segments of a map in NumPy."""

    def __init__(self, segments: Any) -> None:
        self.label, self.instance, self.area = (
            part.cpu().numpy() for part in (segments.label, segments.instance, segments.area)
        )
        self.boxes = segments.boxes.double().cpu().numpy()


def _scores(score: NDArray[np.float64], instance: NDArray[np.int64]) -> NDArray[np.float64]:
    """The scores of some instances of an image."""
    if instance.max() > len(score):
        raise MetricError(f"instance {instance.max()} has no score: the segmenter gave {len(score)} for this image")
    found = score[instance - 1]
    if not np.isfinite(found).all():
        worst = instance[~np.isfinite(found)][0]
        raise MetricError(f"instance {worst} has the score {score[worst - 1]}: a confidence must be a finite number")
    return found
