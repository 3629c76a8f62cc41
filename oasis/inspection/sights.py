"""What generators compute of a sample's map, by their own layers."""

import torch
from torch import Tensor

from oasis.encodings import Semantic
from oasis.inspection.detail import segments
from oasis.inspection.samples import LabelledPhoto
from oasis.instances import areas, count_segments
from oasis.models import SegmentTokenGenerator, TransformerGenerator
from oasis.models.condition_resize import resize_by_name
from oasis.models.inade import INADE, NoisySegments
from oasis.models.panoptic_upsampling import NEW, double, nearest_own
from oasis.models.segment_geometry import geometry
from oasis.models.segment_rows import PresentSegments
from oasis.models.surroundings import PanopticScales

_WIDTH, _NOISE = 64, 128  # of the layer of INADE: as in the last block of generator=inade
_SEED = 0  # of the initial weights: the same picture every time
_FEWEST_CELLS = 1 / 25  # of the picture, with a class to show
ABOVE, NEIGHBOUR, FILL = range(3)  # where panoptic-aware upsampling takes a pixel from


def one_hot(sample: LabelledPhoto) -> Tensor:
    """(1, C, H, W) float."""
    encoded: Tensor = Semantic(sample.label_space)(sample.label[None], sample.instance[None])
    return encoded


def class_shares(sample: LabelledPhoto, divisor: int, way: str) -> Tensor:
    """(C, h, w) float: the classes' masks as the blocks at 1/divisor of the size have them; see `resize_by_name`."""
    height, width = sample.label.shape
    return resize_by_name(way)(one_hot(sample), (height // divisor, width // divisor))[0]


def thinnest_class(sample: LabelledPhoto) -> int:
    """The class that fills the least of the cells of 1/16 that it is in; of those in a 25th of all cells, if any is."""
    shares = class_shares(sample, 16, "area").flatten(1)
    cells = (shares > 0).sum(1)
    fitting = cells >= max(1, min(int(_FEWEST_CELLS * shares.shape[1]), int(cells.max())))
    mean = shares.sum(1) / cells.clamp(min=1)
    return int(mean.where(fitting, torch.inf).argmin())


def seen_neighbours(sample: LabelledPhoto, divisor: int) -> tuple[Tensor, Tensor]:
    """What panoptic-aware convolutions see at one scale.

    Args:
        sample: whose segments.
        divisor: of the size.

    Returns:
        For each of nine neighbours in reading order whether it is seen, (9, h, w) bool; and how many are, (h, w) int64
        in 1..9, those outside of the picture included.
    """
    height, width = (size // divisor for size in sample.label.shape)
    neighbours = PanopticScales(segments(sample), sparse=False).at(height, width).neighbours
    return neighbours.own[:, 0], (9 / neighbours.ratio[0]).round().long()


def upsampling_sources(sample: LabelledPhoto, divisor: int) -> tuple[Tensor, Tensor]:
    """Where panoptic-aware upsampling takes the features of each pixel from.

    Args:
        sample: whose segments.
        divisor: of the upsampled size; it comes from half of that.

    Returns:
        (h, w) int64: `ABOVE` = the coarse pixel above, as in plain upsampling; `NEIGHBOUR` = one beside that, of the
        own segment; `FILL` = none, the segment is new and filled from the condition. And (2, h, w) float: row and
        column of the coarse pixel that is taken.
    """
    height, width = (size // divisor for size in sample.label.shape)
    scales = PanopticScales(segments(sample), sparse=False)
    coarse, fine = scales.at(height // 2, width // 2).segments, scales.at(height, width).segments
    best, rank = nearest_own(coarse, fine)
    places = torch.stack(torch.meshgrid(torch.arange(height // 2), torch.arange(width // 2), indexing="ij"))
    kind = torch.where(best == NEW, FILL, torch.where(best == 0, ABOVE, NEIGHBOUR))
    return kind[0], double(places[None].float(), best, rank)[0]


def largest_instance(sample: LabelledPhoto) -> int | None:
    """Its number; None without instances."""
    sizes = areas(sample.instance[None])[0]
    return int(sizes.argmax()) if sizes.any() else None


def inade_scales(sample: LabelledPhoto, seed: int, redrawn: int | None = None) -> Tensor:
    """The scales gamma of an untrained INADE.

    Args:
        sample: whose segments.
        seed: of the noise.
        redrawn: the instance whose noise is another one.

    Returns:
        (64, H, W) float.
    """
    classes = sample.label_space.num_classes
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        layer = INADE(_WIDTH, classes, _NOISE)
    noise = _noise(_NOISE, sample, seed, redrawn)
    with torch.no_grad():
        rows = NoisySegments.of(one_hot(sample), noise, segments(sample), classes).present()
        return rows.paint(layer.table(rows.noise, rows.classes)).chunk(2, dim=1)[0][0]


def telling_channel(scales: Tensor, sample: LabelledPhoto) -> int:
    """The channel of (64, H, W) whose values differ most between instances, or segments where there are none."""
    pixels = sample.instance > 0 if sample.instance.any() else torch.ones_like(sample.label, dtype=torch.bool)
    return int(torch.stack([each[pixels].unique().std(correction=0) for each in scales]).argmax())


def token_measures(sample: LabelledPhoto) -> Tensor:
    """(N, 7) float: centre, box and area of the tokens' segments, see `geometry`."""
    return geometry(_present(sample))[0]


def token_vectors(sample: LabelledPhoto, seed: int, redrawn: int | None = None) -> Tensor:
    """The vectors of an untrained `SegmentTokens`, see `inade_scales`: (32, H, W) float."""
    classes = sample.label_space.num_classes
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        generator = SegmentTokenGenerator(classes, classes, channels=1, spade_channels=1)
    noise = _noise(generator.noise_dim, sample, seed, redrawn)
    with torch.no_grad():
        rows = generator.tokens.of_present(one_hot(sample), noise, _present(sample))
    return rows.painted(*sample.label.shape)[0]


def transformer_divisors(sample: LabelledPhoto) -> list[int]:
    """What the size is divided by at the scales of the transformer of generator=transformer, the coarsest first."""
    with torch.random.fork_rng(devices=[]):
        generator = TransformerGenerator(sample.label_space.num_classes, channels=1, spade_channels=1)
    return [generator.size_divisor >> position for position in range(len(generator.stem.scales))]  # type: ignore[arg-type]


def _present(sample: LabelledPhoto) -> PresentSegments:
    return PresentSegments.of(segments(sample), count_segments(sample.label_space.num_classes))


def _noise(dim: int, sample: LabelledPhoto, seed: int, redrawn: int | None) -> Tensor:
    """(1, S, dim): the noise of each segment."""
    random = torch.Generator().manual_seed(seed)
    noise = torch.randn(1, count_segments(sample.label_space.num_classes), dim, generator=random)
    if redrawn is not None:
        noise[0, sample.label_space.num_classes + redrawn] = torch.randn(dim, generator=random)
    return noise
