"""The (N+1)-class cross-entropy between the generator and the segmenting discriminator.

Class c of the label map is target c + 1; target 0 is "fake". All losses are computed in float32.
"""

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

from oasis.errors import ConfigurationError

FAKE = 0  # the discriminator's output that means "fake"


def count_pixels(label: Tensor, num_classes: int) -> Tensor:
    """How many pixels of a batch each class has.

    Args:
        label: (B, H, W) int64 in 0..num_classes-1.
        num_classes: N.

    Returns:
        (N,) int64.
    """
    flat = label.reshape(-1)
    # Not bincount, which makes the host wait for the GPU.
    return flat.new_zeros(num_classes).scatter_add_(0, flat, torch.ones_like(flat))


def class_weights(label: Tensor, num_classes: int, ignore_index: int | None, counts: Tensor | None = None) -> Tensor:
    """The weight of every pixel that gives all classes present in the batch the same say.

    w_c = (pixels of the batch) / (classes present * pixels of c). The ignored class weighs nothing and is not among
    the classes present; its pixels do count in the numerator.

    Args:
        label: (B, H, W) int64 in 0..num_classes-1.
        num_classes: N, the ignored class included.
        ignore_index: the class to ignore, or None.
        counts: (N,) pixels of each class, where the batch is more than `label`: the sum over all processes.

    Returns:
        (B, H, W) float32. All 0 where every pixel is ignored.

    Source: Sushko et al. 2021, equation 2 (alpha_c).
    """
    counts = count_pixels(label, num_classes) if counts is None else counts
    total = counts.sum()
    present = counts > 0
    if ignore_index is not None:
        present[ignore_index] = False
    # The clamp only spares classes that are not present a division by 0.
    share = total.float() / (present.sum() * counts).clamp(min=1)
    weight_of_class = torch.where(present, share, 0.0)
    return weight_of_class[label]


def real_loss(logits: Tensor, label: Tensor, weights: Tensor | None = None) -> Tensor:
    """Cross-entropy of logits that should name each pixel's class.

    The discriminator pays it for photos, the generator for its fakes.

    Args:
        logits: (B, N + 1, H, W) of any floating-point type; index 0 is fake.
        label: (B, H, W) int64 in 0..N-1.
        weights: (B, H, W) float, of each pixel; None for 1.

    Returns:
        Scalar float32, the mean over all pixels, those of weight 0 included.

    Source: Sushko et al. 2021, equations 2 and 3.
    """
    loss = F.cross_entropy(logits.float(), label + 1, reduction="none")
    return loss.mean() if weights is None else (loss * weights).mean()


def fake_loss(logits: Tensor) -> Tensor:
    """Cross-entropy of logits that should call every pixel fake.

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

    Where several processes train together, the pixels are counted over all of them: the loss, averaged over the
    processes, is then that of one process with the whole batch.

    Args:
        num_classes: N, the ignored class included.
        ignore_index: the class whose pixels weigh nothing in the real term, or None.
        balance: whether rare classes weigh more; see `class_weights`. Without it every pixel weighs the same, those
            of the ignored class included, as in the paper's own comparison.

    Raises:
        ConfigurationError: when the ignored class is none of the classes.

    Example:
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

    def real(self, logits: Tensor, label: Tensor) -> Tensor:
        """`real_loss` with this label space's weights: (B, N + 1, H, W) logits, (B, H, W) label, to a scalar."""
        return real_loss(logits, label, self.weights(label))

    def fake(self, logits: Tensor) -> Tensor:
        """`fake_loss`: (B, N + 1, H, W) logits to a scalar."""
        return fake_loss(logits)

    def weights(self, label: Tensor) -> Tensor | None:
        """The weight of every pixel: (B, H, W) int64 label to (B, H, W) float32, or None where all weigh 1."""
        if not self.balance:
            return None
        counts = count_pixels(label, self.num_classes)
        if dist.is_available() and dist.is_initialized():
            dist.all_reduce(counts)
        return class_weights(label, self.num_classes, self.ignore_index, counts)
