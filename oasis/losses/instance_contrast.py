"""Instances told apart from their neighbours of the same class."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from oasis.losses.instance_tables import InstanceTable, mean_by_instance, mean_of_instances
from oasis.losses.label_mix import Coins

_EPS = 1e-6  # of a norm; embeddings of absent instances are 0


class RolledView(NamedTuple):
    """A batch of pictures, each rolled by a distance of its own, and its instances.

    Attributes:
        image: (B, 3, H, W).
        number: (B, H, W) int64, rolled alike.
    """

    image: Tensor
    number: Tensor


def instance_contrast_loss(
    query: Tensor, query_number: Tensor, key: Tensor, table: InstanceTable, temperature: float
) -> Tensor:
    """How badly instances are found again, in another picture of the same maps, among those of their class.

    Each instance's embedding in one picture is compared with those of all instances of its class in the other picture
    of the same sample: the cross-entropy of choosing itself, by cosine similarity. Instances without another one of
    their class in the picture do not count.

    Args:
        query: (B, D, H, W) of any floating-point type, embeddings in one picture.
        query_number: (B, H, W) int64, the instances of that picture, numbered as in `table`.
        key: (B, D, H, W), embeddings in the other one. Both get a gradient.
        table: the instances of the other picture.
        temperature: divides the similarities, above 0.

    Returns:
        Scalar float32, the mean over instances and then over images: log n for embeddings that are all the same, of n
        instances of one class. 0 if no instance has a neighbour of its class.

    Source: van den Oord et al. 2018, equation 4 (InfoNCE); He et al. 2020 (MoCo), equation 1; with the negatives of the
    same picture, as here: Park et al. 2020 (CUT), section 3, of patches instead of instances.
    """
    with torch.autocast(query.device.type, enabled=False):  # products would have 8 bits
        rows = table.rows()
        queries, keys = (
            F.normalize(_rows_of(mean_by_instance(embedding, number), rows), dim=2, eps=_EPS)
            for embedding, number in ((query, query_number), (key, table.number))
        )
        queries = queries / temperature
        kind = table.class_of.gather(1, rows)
        # An absent instance is compared with absent ones: finite, and not counted.
        strangers = kind[:, :, None] != kind[:, None, :]
        rivals = torch.bmm(queries, keys.transpose(1, 2)).masked_fill(strangers, -torch.inf)
        loss = rivals.logsumexp(dim=2) - (queries * keys).sum(dim=2)
    return mean_of_instances(loss, (table.present & table.has_neighbour).gather(1, rows))


def _rows_of(values: Tensor, rows: Tensor) -> Tensor:
    """Rows (B, N) of a table (B, R, D): (B, N, D)."""
    return values.gather(1, rows[:, :, None].expand(-1, -1, values.shape[2]))


def rolled_view(image: Tensor, number: Tensor, generator: Coins = None) -> RolledView:
    """Roll each picture by a random distance, down and right; what leaves it comes in at the other side.

    An embedding that is the same in both pictures cannot consist of the instance's position, which would tell all
    instances apart whatever they look like, and those of photo and fake would agree at once.

    Args:
        image: (B, C, H, W) float.
        number: (B, H, W) int64.
        generator: random generators, one for all images or one for each; None = the global random state.

    Returns:
        Both, rolled alike.
    """
    batch, _, height, width = image.shape
    sources = generator if isinstance(generator, Sequence) else [generator] * batch
    rows, columns = (_rolled_axis(size, sources, image.device) for size in (height, width))
    index = (rows[:, :, None] * width + columns[:, None, :]).flatten(1)  # (B, H W)
    rolled = image.flatten(2).gather(2, index[:, None].expand(-1, image.shape[1], -1)).view(image.shape)
    form = torch.channels_last if image.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format
    return RolledView(rolled.contiguous(memory_format=form), number.flatten(1).gather(1, index).view(number.shape))


def _rolled_axis(size: int, sources: Sequence[torch.Generator | None], device: torch.device) -> Tensor:
    """Where each row of each rolled picture comes from: (B, size) int64."""
    drawn = [torch.randint(size, (1,), generator=each, device=each.device if each else device) for each in sources]
    shift = torch.cat(drawn).to(device, non_blocking=True)
    return (torch.arange(size, device=device) + shift[:, None]) % size
