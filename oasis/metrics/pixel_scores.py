"""Intersection over union of classes."""

from typing import Any

import torch
from torch import Tensor

from oasis.metrics.per_image import PerImage
from oasis.metrics.scored_classes import ScoredClasses


class PixelScores(PerImage):
    """mIoU of predicted label maps, from one confusion matrix over all images.

    IoU of class c = TP / (TP + FP + FN), counted in pixels. Pixels whose target is void are ignored; a void
    prediction on any other pixel is a miss. Classes that occur neither in targets nor in predictions are left out of
    the mean. A mean of per-image scores would be different and noisier.

    Source: Cordts et al. 2016 (Cityscapes), section 4.2; `evalPixelLevelSemanticLabeling` of cityscapesscripts.
    """

    def __init__(self, classes: ScoredClasses, **settings: Any) -> None:
        super().__init__(**settings)
        self.classes = classes

    def update(self, index: Tensor, predicted: Tensor, target: Tensor) -> None:
        """Compare.

        Args:
            index: (B,) int64, positions in the dataset.
            predicted: (B, H, W) int64 in 0..K, see `ScoredClasses.lookup`; K = void.
            target: (B, H, W) int64 in 0..K, likewise.

        Raises:
            MetricError: the maps have different shapes or classes outside 0..K.
        """
        self.classes.check(predicted=predicted, target=target)
        size = self.classes.void + 1
        count = len(target)
        first = torch.arange(count, device=target.device).view(-1, 1, 1) * size**2
        pairs = torch.bincount((first + target * size + predicted).flatten(), minlength=count * size**2)
        self.keep(index, pairs.view(count, size, size)[:, :-1])

    def confusion(self) -> Tensor:
        """(K, K+1) int64 pixels over all images: rows are targets, columns predictions, the last one void."""
        return self.collected().sum(0)

    def compute(self) -> dict[str, Tensor]:
        """The scores.

        Returns:
            `miou`, and `iou/NAME` of each class: float64 in [0, 1], nan if there is nothing to score.

        Raises:
            MetricError: nothing was measured.
        """
        confusion = self.confusion()
        hits = confusion.diagonal()
        iou = hits.double() / (confusion.sum(1) + confusion[:, :-1].sum(0) - hits)  # 0 / 0 = nan
        return {"miou": iou.nanmean()} | {
            f"iou/{name}": value for name, value in zip(self.classes.names, iou, strict=True)
        }
