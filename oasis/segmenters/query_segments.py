"""From the queries of a mask transformer to classes and instances."""

import torch
from torch import Tensor

_MIN_SCORE = 0.8  # least class probability of a query
_MIN_MASK = 0.5  # least probability of a pixel of a mask
_MIN_OVERLAP = 0.8  # least share of a mask that is not covered by others


def classes_of_queries(classes: Tensor, masks: Tensor) -> Tensor:
    """The most likely class of every pixel over all queries of one picture.

    Source: Cheng et al. 2021 (MaskFormer), section 3.4, semantic inference.

    Args:
        classes: (Q, C + 1) float, probabilities; the last is "nothing".
        masks: (Q, H, W) float, probabilities.

    Returns:
        (H, W) int64 classes 0..C-1.
    """
    return torch.einsum("qc,qhw->chw", classes[:, :-1], masks).argmax(dim=0)


def segments_of_queries(classes: Tensor, masks: Tensor, things: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The segments of one picture's queries.

    Pixels without a segment get the class of `classes_of_queries`, and no instance.

    The score of an instance is its query's class probability times the mean probability of the pixels of its mask.

    Source: Cheng et al. 2021 (MaskFormer), section 3.4; Cheng et al. 2022 (Mask2Former), section 4, for the scores.

    Args:
        classes: (Q, C + 1) float, probabilities; the last is "nothing".
        masks: (Q, H, W) float, probabilities.
        things: (C,) bool, the classes whose segments are instances.

    Returns:
        (H, W) int64 classes 0..C-1; (H, W) int64 instances 1..N, 0 = none; and (N,) float scores of the instances.
    """
    label = classes_of_queries(classes, masks)
    score, found = classes.max(dim=1)
    kept = (found < classes.shape[1] - 1) & (score > _MIN_SCORE)
    score, found, masks = score[kept], found[kept], masks[kept]
    if len(masks) == 0:
        return label, torch.zeros_like(label), score
    winner = (score.view(-1, 1, 1) * masks).argmax(dim=0)
    inside = masks >= _MIN_MASK
    own = inside.gather(0, winner.unsqueeze(0)).squeeze(0)
    won = torch.bincount(winner.flatten(), minlength=len(masks))
    # A query may win only pixels outside of its own mask: it is not a segment, and must not use a number.
    valid = torch.bincount(winner[own], minlength=len(masks)) > 0
    valid &= won >= _MIN_OVERLAP * inside.sum(dim=(1, 2))
    counted = valid & things[found]
    covered = own & valid[winner]
    label = torch.where(covered, found[winner], label)
    sure = (masks * inside).sum(dim=(1, 2)) / inside.sum(dim=(1, 2)).clamp(min=1)
    return label, torch.where(covered, (counted.cumsum(0) * counted)[winner], 0), (score * sure)[counted]
