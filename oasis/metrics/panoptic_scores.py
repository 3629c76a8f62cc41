"""Panoptic quality, and the recall on touching instances."""

import torch
from torch import Tensor

from oasis.metrics.per_matching import PerMatching
from oasis.metrics.segments import Matching


class PanopticScores(PerMatching):
    """Panoptic quality (PQ) of predicted label and instance maps, and the recall on touching instances.

    For each class, over all images, with pairs of segments matched by `match_all`::

        SQ = sum of the IoU of matched pairs / TP
        RQ = TP / (TP + FP / 2 + FN / 2)
        PQ = SQ * RQ

    and means over the classes that occur: all, things, stuff. If TP = 0, all three are 0.

    **Touching recall.** Semantic maps tell isolated objects apart as well as panoptic maps do; they differ where
    objects of one class touch. So, over all classes and images: of the target instances that have a pixel above,
    below, left or right of a pixel of *another* instance of the *same* class, the share that is
    matched (IoU > 0.5) by a predicted instance of the class::

        target        merged        told apart
        . . . . . .   . . . . . .   . . . . . .     1 and 2 touch, 3 touches none.
        1 1 2 2 . 3   1 1 1 1 . 2   1 1 2 2 . 3     Merged: the one segment over 1 and 2 has IoU 4/8 with
        1 1 2 2 . 3   1 1 1 1 . 2   1 1 2 2 . .     each of them, so 0 of 2 are found; told apart: 2 of 2.

    The same as a picture: docs/touching.png. Instances that touch only a group, or another class, are not counted. A
    merged segment matches an instance that makes up more than half of it, so merging alone need not give 0.

    Differences from `torchmetrics.detection.PanopticQuality`: it does not support group regions, it removes *predicted*
    void from unions and ignores misses that were predicted void, unlike the official tools, and it keeps sums, from
    which repeated images cannot be dropped. Without groups and predicted void the two agree.

    Source: Kirillov et al. 2019 (Panoptic Segmentation), section 4, equations 1 and 2; `evalPanopticSemanticLabeling`
    of cityscapesscripts. Touching recall: this project.
    """

    def count(self, matching: Matching) -> Tensor:
        """The counts of an image for `compute`: (6, K) float64, in the order that it unpacks."""
        target, predicted = matching.target, matching.predicted
        touching = target.touching
        of_target = torch.stack([matching.iou, matching.found, matching.missed, touching, touching & matching.found])
        # A product with one-hot classes: unlike `index_add_`, deterministic on a GPU.
        numbers = torch.arange(self.classes.void, device=self.is_thing.device)
        in_target = of_target @ (target.label.unsqueeze(1) == numbers).double()
        wrong = matching.wrong.double() @ (predicted.label.unsqueeze(1) == numbers).double()
        return torch.cat([in_target, wrong.unsqueeze(0)])

    def compute(self) -> dict[str, Tensor]:
        """The scores.

        Returns:
            `pq`, `sq`, `rq`, each also with `_things` and `_stuff`; `pq/NAME` of each class; `touching_recall`; and
            `touching_count`, the number of touching instances. float64, nan if there is nothing to score.

        Raises:
            MetricError: nothing was measured.
        """
        iou, hits, misses, touching, touching_found, wrong = self.collected().sum(0)
        occurrences = hits + wrong / 2 + misses / 2  # 0 / 0 = nan for absent classes
        pq, rq = iou / occurrences, hits / occurrences
        sq = torch.where(rq == 0, 0.0, iou / hits)
        is_thing = self.is_thing[:-1]
        scores = {}
        for name, values in (("pq", pq), ("sq", sq), ("rq", rq)):
            scores[name] = values.nanmean()
            scores[f"{name}_things"] = values[is_thing].nanmean()
            scores[f"{name}_stuff"] = values[~is_thing].nanmean()
        scores["touching_recall"] = touching_found.sum() / touching.sum()
        scores["touching_count"] = touching.sum()
        return scores | {f"pq/{name}": value for name, value in zip(self.classes.names, pq, strict=True)}
