"""Pictures of the encodings' channels."""

from collections.abc import Mapping
from functools import singledispatch

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor

from oasis.encodings import (
    Boundary,
    CenterOffset,
    Concat,
    Encoding,
    InstanceIds,
    InstanceNoise,
    OneHotPlus,
    PerInstanceMasks,
    Position,
    Semantic,
)
from oasis.inspection.pictures import as_image, bar, enlargement, fitted, outlined, panel_size
from oasis.inspection.samples import LabelledPhoto
from oasis.inspection.sheet import Card, Panel, legend, tile, write
from oasis.instances import centers
from oasis.visualize import (
    colorize,
    colorize_directions,
    colorize_instances,
    colorize_values,
    direction_wheel,
)

_TILES = 9  # the most channels that are shown one by one
_READABLE = 9.0  # the smallest text
_NOTHING = torch.tensor(-0.75)  # dark grey, where an encoding has no value
_SEED = 0  # of random encodings: the same picture every time


def all_cards(sample: LabelledPhoto, encodings: Mapping[str, Encoding]) -> list[Card]:
    """The sample itself, then one card per encoding: the simplest first, `Concat` last.

    Args:
        sample: the sample to encode.
        encodings: name -> encoding.
    """
    order = sorted(encodings, key=lambda name: (encodings[name].needs_instances, isinstance(encodings[name], Concat)))
    return [*_sample_cards(sample), *(_card(name, encodings[name], sample) for name in order)]


def _sample_cards(sample: LabelledPhoto) -> list[Card]:
    count = int(sample.instance.max())
    colors = colorize(sample.label[None], sample.label_space.palette)[0]
    soft = F.avg_pool2d(sample.photo, 5, stride=1, padding=2, count_include_pad=False)  # fainter, and saves bytes
    instances = fitted(colorize_instances(sample.instance, soft), sample)
    return [
        Card("photo", sample.name, [Panel(fitted(sample.photo, sample), "What the networks learn to generate.")]),
        Card(
            "classes",
            "label",
            [Panel(fitted(colors, sample), "The class of each pixel. Touching instances of one class merge.")],
        ),
        Card(
            "instances",
            f"{count} in this picture",
            [Panel(instances, "The instance of each pixel. Stuff and group regions have none (grey).")],
        ),
    ]


def _card(name: str, encoding: Encoding, sample: LabelledPhoto) -> Card:
    classes = encoding.label_space.num_classes
    more = encoding.channels - classes
    return Card(name, f"{classes} + {more} channels" if more else f"{classes} channels", panels(encoding, sample))


@singledispatch
def panels(encoding: Encoding, sample: LabelledPhoto) -> list[Panel]:
    """The panels of an encoding; by default its channels one by one."""
    channels = _encoded(encoding, sample)
    classes = encoding.label_space.num_classes
    return [_tiled(channels[classes:] if len(channels) > classes else channels, sample)]


@panels.register
def _(encoding: Semantic, sample: LabelledPhoto) -> list[Panel]:
    pixels = sample.label.flatten().bincount(minlength=encoding.channels)
    largest = pixels.argsort(descending=True)[: min(_TILES, int((pixels > 0).sum()))].sort()[0]
    encoded = _encoded(encoding, sample)
    masks = [
        (encoding.label_space.names[c], fitted(colorize_values(encoded[c], 0, 1, "gray"), sample))
        for c in largest.tolist()
    ]
    return [Panel(tile(masks, panel_size(sample)), f"One binary mask per class; the {len(masks)} largest are shown.")]


@panels.register
def _(encoding: InstanceIds, sample: LabelledPhoto) -> list[Panel]:
    values = _encoded(encoding, sample).gather(0, sample.label[None])[0]
    low, high = float(values.min()), float(values.max())
    picture = fitted(outlined(colorize_values(values, low, high, "viridis"), sample), sample)
    _number(picture, sample, {k: f"{values[sample.instance == k][0]:.2g}" for k in _numbers(sample)})
    note = "No extra channel: the mask of a thing class holds k instead of 1 for its k-th instance."
    if encoding.normalized:
        note = "No extra channel: the mask of a thing class holds k/n for the k-th of its n instances."
    return [Panel(picture, note, bar("viridis", f"{low:.2g}", f"{high:.2g}"))]


@panels.register
def _(encoding: PerInstanceMasks, sample: LabelledPhoto) -> list[Panel]:
    masks = _extra(encoding, sample)
    slot = (masks.argmax(0) + 1) * (masks.amax(0) > 0)
    picture = fitted(colorize_instances(slot, _NOTHING.expand_as(sample.photo), 1.0), sample)
    _number(picture, sample, {k: str(int(slot[sample.instance == k][0])) for k in _numbers(sample)})
    shown = min(_TILES, len(masks))
    tiles = [(f"slot {k + 1}", fitted(colorize_values(masks[k], 0, 1, "gray"), sample)) for k in range(shown)]
    taken = f"One binary mask per instance. Here, {int(slot.max())} of {len(masks)} slots are used, largest first."
    return [
        Panel(picture, taken),
        Panel(tile(tiles, panel_size(sample)), f"The first {shown} slots. Training assigns them at random."),
    ]


@panels.register
def _(encoding: Boundary, sample: LabelledPhoto) -> list[Panel]:
    picture = fitted(colorize_values(_extra(encoding, sample)[0], 0, 1, "gray"), sample)
    return [Panel(picture, "1 on both sides of every border between classes or instances.")]


@panels.register
def _(encoding: CenterOffset, sample: LabelledPhoto) -> list[Panel]:
    heatmap, *offset = _extra(encoding, sample)
    way = torch.stack(offset) * torch.tensor(heatmap.shape).view(2, 1, 1)  # shares of the picture, in pixels
    peaks = fitted(outlined(colorize_values(heatmap, 0, 1, "inferno"), sample), sample)
    colors = colorize_directions(way, float(way.norm(dim=0).max())).where(sample.instance > 0, _NOTHING)
    ways = fitted(colors, sample)
    _mark_centers(ways, sample)
    return [
        Panel(peaks, "Channel 1: a Gaussian at the centre of each instance.", bar("inferno", "0", "1")),
        Panel(
            ways,
            "Channels 2, 3: offset (dy, dx) from each pixel to the centre of its instance (dots).",
            legend("colour of each direction:", as_image(direction_wheel(26))),
        ),
    ]


@panels.register
def _(encoding: Position, sample: LabelledPhoto) -> list[Panel]:
    down, right = (fitted(colorize_values(axis, -1, 1, "coolwarm"), sample) for axis in _extra(encoding, sample))
    return [
        Panel(down, "Channel 1: vertical position in the segment's box.", bar("coolwarm", "-1 (top)", "1 (bottom)")),
        Panel(right, "Channel 2: horizontal position in the segment's box.", bar("coolwarm", "-1 (left)", "1 (right)")),
    ]


@panels.register
def _(encoding: InstanceNoise, sample: LabelledPhoto) -> list[Panel]:
    noise = _extra(encoding, sample)[:3] / 2.0
    colors = torch.cat([noise, noise.new_zeros(3 - len(noise), *noise.shape[1:])]).clamp(-1, 1)
    picture = fitted(colors.where(sample.instance > 0, _NOTHING), sample)
    return [Panel(picture, f"{encoding.dim} random numbers per instance; the first three as RGB.")]


@panels.register
def _(encoding: Concat, sample: LabelledPhoto) -> list[Panel]:
    parts = [(type(part).__name__, panel.picture) for part in encoding.layers() for panel in panels(part, sample)]
    return [Panel(tile(parts, panel_size(sample)), "Several encodings, concatenated to one set of one-hot classes.")]


def _encoded(encoding: Encoding, sample: LabelledPhoto) -> Tensor:
    """(channels, H, W)."""
    generator = torch.Generator().manual_seed(_SEED)
    return encoding(sample.label[None], sample.instance[None], [generator])[0]  # type: ignore[no-any-return]


def _extra(encoding: OneHotPlus, sample: LabelledPhoto) -> Tensor:
    """The channels after the one-hot classes, (E, H, W)."""
    return _encoded(encoding, sample)[encoding.label_space.num_classes :]


def _tiled(channels: Tensor, sample: LabelledPhoto) -> Panel:
    """The first channels one by one, for encodings without their own drawing."""
    shown = channels[:_TILES]
    low, high = min(0.0, float(shown.min())), max(1.0, float(shown.max()))
    pictures = [
        (str(k), fitted(colorize_values(channel, low, high, "gray"), sample)) for k, channel in enumerate(shown)
    ]
    return Panel(
        tile(pictures, panel_size(sample)),
        f"The first {len(shown)} of {len(channels)} channels after the one-hot classes.",
        bar("gray", f"{low:.3g}", f"{high:.3g}"),
    )


def _number(picture: Image.Image, sample: LabelledPhoto, texts: Mapping[int, str]) -> None:
    """Write on each instance that is large enough."""
    scale = enlargement(sample)
    for k, text in texts.items():
        rows, columns = torch.nonzero(sample.instance == k, as_tuple=True)
        size = min(30.0, 0.42 * scale * len(rows) ** 0.5)
        if size >= _READABLE:
            middle = len(rows) // 2
            place = (float(columns.sort()[0][middle]) * scale, float(rows.sort()[0][middle]) * scale)
            write(picture, place, text, size)


def _numbers(sample: LabelledPhoto) -> range:
    return range(1, int(sample.instance.max()) + 1)


def _mark_centers(picture: Image.Image, sample: LabelledPhoto) -> None:
    draw, scale = ImageDraw.Draw(picture), enlargement(sample)
    for y, x in (centers(sample.instance[None])[0, 1 : int(sample.instance.max()) + 1] * scale).tolist():
        draw.ellipse((x - 3, y - 3, x + 3, y + 3), "black", "white")
