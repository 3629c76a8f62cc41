"""The (N+1)-class cross-entropy between the generator and the segmenting discriminator.

Class c of the label map is target c + 1; target 0 is "fake". All losses are computed in float32.
"""

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

from oasis.errors import ConfigurationError
from oasis.losses.class_counts import count_pixels

FAKE = 0  # the discriminator's output that means "fake"


def class_weights(
    label: Tensor,
    num_classes: int,
    ignore_index: int | None,
    counts: Tensor | None = None,
    pixels: Tensor | None = None,
) -> Tensor:
    """Pixel weights that give all classes in the batch the same total weight, if `counts` are their pixels.

    w_c = (pixels of the batch) / (classes present * count of c). The ignored class has weight 0 and is not
    among the classes present, but its pixels count in the numerator.

    Args:
        label: (B, H, W) int64 in 0..num_classes-1.
        num_classes: N, including the ignored class.
        ignore_index: the class to ignore, or None.
        counts: (N,) int64 or float32, what there is of each class over all processes, see `ClassCounts`; None = the
            pixels of `label`.
        pixels: scalar, the pixels of the batch over all processes; None = those of `label`.

    Returns:
        (B, H, W) float32. All 0 if every pixel is ignored.

    Source: Sushko et al. 2021, equation 2 (alpha_c).
    """
    counts = count_pixels(label, num_classes) if counts is None else counts
    total = counts.new_full((), label.numel()) if pixels is None else pixels
    present = counts > 0
    if ignore_index is not None:
        present[ignore_index] = False
    # The 1 only avoids a division by 0 for absent classes.
    share = total.float() / torch.where(present, present.sum() * counts, 1)
    weight_of_class = torch.where(present, share, 0.0)
    return weight_of_class[label]


def real_loss(logits: Tensor, label: Tensor, weights: Tensor | None = None) -> Tensor:
    """Cross-entropy with each pixel's class as the target.

    For the discriminator on photos, and for the generator on its fakes.

    Args:
        logits: (B, N + 1, H, W) of any floating-point type; index 0 is fake.
        label: (B, H, W) int64 in 0..N-1.
        weights: (B, H, W) float, of each pixel; None = 1.

    Returns:
        Scalar float32, the mean over all pixels, including those of weight 0.

    Source: Sushko et al. 2021, equations 2 and 3.
    """
    loss = F.cross_entropy(logits.float(), label + 1, reduction="none")
    return loss.mean() if weights is None else (loss * weights).mean()


def fake_loss(logits: Tensor) -> Tensor:
    """Cross-entropy with "fake" as the target of every pixel.

    Args:
        logits: (B, N + 1, H, W) of any floating-point type; index 0 is fake.

    Returns:
        Scalar float32, the mean over all pixels.

    Source: Sushko et al. 2021, equation 2.
    """
    logits = logits.float()
    return (logits.logsumexp(dim=1) - logits[:, FAKE]).mean()


class NPlusOneLoss(nn.Module):
    """Both terms of the (N+1)-class loss for one label space.

    If several processes train together, the pixels are counted over all of them: the loss, averaged over the
    processes, equals that of one process with the full batch.

    Args:
        num_classes: N, including the ignored class.
        ignore_index: the class whose pixels have weight 0 in the real term, or None.
        balance: whether rare classes have larger weights; see `class_weights`. Without it every pixel has weight 1,
            including those of the ignored class, as in the paper's own comparison.

    Raises:
        ConfigurationError: if the ignored class is not one of the classes.

    Examples:
        >>> loss = NPlusOneLoss(num_classes=2, ignore_index=0)
        >>> loss.real(torch.zeros(1, 3, 4, 4), torch.ones(1, 4, 4, dtype=torch.int64))
        tensor(1.0986)
    """

    def __init__(self, num_classes: int, ignore_index: int | None, *, balance: bool = True) -> None:
        super().__init__()
        if ignore_index is not None and not 0 <= ignore_index < num_classes:
            raise ConfigurationError(
                f"ignore_index={ignore_index} is none of the {num_classes} classes; give one that the data "
                f"maps all it ignores to, or None"
            )
        self.num_classes = num_classes
        self.ignore_index = ignore_index
        self.balance = balance

    def real(self, logits: Tensor, label: Tensor, counts: Tensor | None = None) -> Tensor:
        """`real_loss` with this label space's weights.

        Args:
            logits: (B, N + 1, H, W) of any floating-point type.
            label: (B, H, W) int64.
            counts: see `weights`.

        Returns:
            Scalar float32.
        """
        return real_loss(logits, label, self.weights(label, counts))

    def fake(self, logits: Tensor) -> Tensor:
        """`fake_loss`: (B, N + 1, H, W) logits to a scalar."""
        return fake_loss(logits)

    def weights(self, label: Tensor, counts: Tensor | None = None) -> Tensor | None:
        """The weight of every pixel.

        Args:
            label: (B, H, W) int64.
            counts: (N,) int64 or float32, what this process's batch holds of each class, see `ClassCounts`; None = the
                pixels of `label`.

        Returns:
            (B, H, W) float32, or None if all are 1.
        """
        if not self.balance:
            return None
        counts = count_pixels(label, self.num_classes) if counts is None else counts
        of_all = torch.cat([counts, counts.new_full((1,), label.numel())])
        if dist.is_available() and dist.is_initialized():
            dist.all_reduce(of_all)
        return class_weights(label, self.num_classes, self.ignore_index, of_all[:-1], of_all[-1])
