"""Cards of the generators that see segments."""

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from oasis.inspection.detail import Detail, at, segments, touching_pair
from oasis.inspection.pictures import bar, fitted
from oasis.inspection.samples import LabelledPhoto
from oasis.inspection.segment_pictures import draw_map, frame, halves, mark_neighbours, outline, over
from oasis.inspection.sheet import Card, Panel, keys, write
from oasis.inspection.sights import (
    ABOVE,
    FILL,
    NEIGHBOUR,
    inade_scales,
    largest_instance,
    seen_neighbours,
    telling_channel,
    token_measures,
    token_vectors,
    upsampling_sources,
)
from oasis.visualize import colorize, colorize_values

_FINE = 8  # convolutions are shown at 1/8 of the size, upsampling to it
_SOURCES = {
    ABOVE: ("above", "#c3cad6"),
    NEIGHBOUR: ("beside, own segment", "#f2952b"),
    FILL: ("new: filled", "#c2259d"),
}
_FAR = 1.5  # scales of INADE beyond it have the colour of it
_FAR_VECTOR = 2.5  # numbers of tokens' vectors, alike


def aware_card(sample: LabelledPhoto, detail: Detail) -> Card:
    """What convolutions and upsampling of generator/panoptic=aware see."""
    label, instance = (detail.cut(at(each, _FINE), _FINE) for each in (sample.label, sample.instance))
    pair = touching_pair(label, instance)
    own, counts = seen_neighbours(sample, _FINE)
    seen = detail.cut(own, _FINE)
    pictures = [draw_map(sample, detail, _FINE) for _ in pair]
    for picture, place in zip(pictures, pair, strict=True):
        mark_neighbours(picture, place, seen)
    cell = pictures[0].width / label.shape[1]
    columns = (pair[0][1] + 0.5) * cell, (pair[1][1] + 0.5) * cell
    each = " and ".join(str(int(detail.cut(counts, _FINE)[place])) for place in pair)
    fewer = f"{int((counts < 9).sum())} of {counts.numel()}"
    kinds = upsampling_sources(sample, _FINE)[0]
    other, new = (int((kinds == kind).sum()) for kind in (NEIGHBOUR, FILL))
    return Card(
        "generator/panoptic=aware",
        _source(sample, "Dundar et al. 2020, Panoptic-based Image Synthesis"),
        [
            Panel(
                halves(pictures[0], pictures[1], ("a pixel", "the pixel to its right"), columns),
                f"Two pixels at 1/8 of the size. A convolution of 3x3 sees only the own segment (dots): {each} pixels. "
                "A plain one sees all 9.",
            ),
            Panel(
                _counted(sample, detail, counts),
                f"How many of the 9 each pixel sees. In the whole picture, {fewer} pixels at 1/8 see fewer than 9.",
                bar("viridis", "1", "9"),
            ),
            Panel(
                _upsampled(sample, detail),
                f"From 1/16 to 1/8: the coarse pixel that each is copied from. {other} take one beside (lines); {new} "
                "have none and are filled from the map.",
                keys(dict(_SOURCES.values())),
            ),
        ],
    )


def _counted(sample: LabelledPhoto, detail: Detail, counts: Tensor) -> Image.Image:
    shown = detail.cut(counts, _FINE)
    picture = fitted(colorize_values(shown, 1, 9, "viridis"), sample)
    outline(picture, detail.cut(at(segments(sample)[0], _FINE), _FINE), "white")
    cell = picture.height / shown.shape[0]
    for row, column in (shown < 9).nonzero().tolist():
        write(picture, ((column + 0.5) * cell, (row + 0.5) * cell), str(int(shown[row, column])), cell / 2)
    return picture


def _upsampled(sample: LabelledPhoto, detail: Detail) -> Image.Image:
    kinds, sources = (detail.cut(each, _FINE) for each in upsampling_sources(sample, _FINE))
    palette = [tuple(bytes.fromhex(color[1:])) for _, color in _SOURCES.values()]
    picture = fitted(colorize(kinds[None], palette)[0], sample)
    outline(picture, detail.cut(at(segments(sample)[0], _FINE), _FINE))
    cell, draw = picture.height / kinds.shape[0], ImageDraw.Draw(picture)
    for row, column in (kinds == NEIGHBOUR).nonzero().tolist():
        y, x = (2 * float(sources[0, row, column]) + 1 - detail.top / _FINE) * cell, 0.0
        x = (2 * float(sources[1, row, column]) + 1 - detail.left / _FINE) * cell
        draw.line((x, y, (column + 0.5) * cell, (row + 0.5) * cell), "#101010", 2)
        draw.ellipse((x - 3, y - 3, x + 3, y + 3), "#101010")
    return picture


def inade_card(sample: LabelledPhoto) -> Card:
    """Scales that noise and class of each segment make."""
    one = largest_instance(sample)
    first = inade_scales(sample, 0)
    channel = telling_channel(first, sample)
    again = "As the first picture, but the noise of the framed instance is drawn anew. No other segment changes."
    panels = [
        Panel(over(sample, colorize_values(scales[channel], -_FAR, _FAR, "coolwarm")), note, _bar_of_scales())
        for scales, note in (
            (first, "One channel of the scales of one norm: each segment has its own, made of its noise and class."),
            (
                inade_scales(sample, 1),
                "With other noise, all change. Shifts are made alike, of the noise's other half.",
            ),
            (inade_scales(sample, 0, one), again if one else "The first noise again: the same scales."),
        )
    ]
    if one:
        frame(panels[2].picture, sample, sample.instance == one)
    source = "Tan et al. 2021, instance-adaptive denormalisation"
    return Card("generator=inade", _source(sample, source), panels)


def tokens_card(sample: LabelledPhoto) -> Card:
    """The tokens, and the vectors that they become."""
    measures, vectors = token_measures(sample), token_vectors(sample, 0)
    return Card(
        "generator=segment_tokens",
        _source(sample, "of this project; attention: Vaswani et al. 2017"),
        [
            Panel(
                _boxed(sample, measures),
                f"{len(measures)} tokens, one per segment: its class, centre (dot), box, area and noise. In a "
                "transformer, each sees all others.",
            ),
            Panel(
                over(sample, vectors[:3] / _FAR_VECTOR),
                f"It makes {len(vectors)} numbers per segment, the first three as RGB. SPADE sees them, not noise.",
            ),
            _changed(sample, vectors),
        ],
    )


def _changed(sample: LabelledPhoto, vectors: Tensor) -> Panel:
    """How far vectors move with the noise of one instance."""
    one = largest_instance(sample)
    if one is None:
        return Panel(over(sample, -torch.ones_like(sample.photo), "#808080"), "No instance to draw the noise anew of.")
    mask = sample.instance == one
    change = (token_vectors(sample, 0, one) - vectors).norm(dim=0)
    others, own = float(change.where(~mask, 0).max()), float(change[mask][0])
    picture = over(sample, colorize_values(change, 0, others, "inferno"), "#808080")
    frame(picture, sample, mask)
    note = "How far each vector moves when the noise of the framed instance is drawn anew: others too, by attention."
    return Panel(picture, note, bar("inferno", "0", f"{others:.2g}; the framed one: {own:.2g}"))


def _boxed(sample: LabelledPhoto, measures: Tensor) -> Image.Image:
    """The map with boxes and centres."""
    picture = draw_map(sample)
    draw = ImageDraw.Draw(picture)
    size = torch.tensor([picture.height, picture.width] * 3)
    places = (measures[:, :6] * size).tolist()
    for _, _, height, width, top, left in places:
        draw.rectangle((left, top, left + width - 1, top + height - 1), None, "#101010")
    for y, x, *_ in places:
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), "white", "#101010")
    return picture


def _source(sample: LabelledPhoto, source: str) -> str:
    return source if sample.instance.any() else f"no instances here, so segments are classes; {source}"


def _bar_of_scales() -> Image.Image:
    return bar("coolwarm", f"-{_FAR}", f"{_FAR}")
