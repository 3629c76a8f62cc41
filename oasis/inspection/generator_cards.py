"""Pictures of what each generator sees of a label map."""

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from oasis.errors import ConfigurationError
from oasis.inspection.detail import Detail, at, seams, segments, touching_pair
from oasis.inspection.pictures import bar, enlargement, fitted
from oasis.inspection.samples import LabelledPhoto
from oasis.inspection.segment_pictures import NOT_SEEN, grid, halves, mark_neighbours, outline, segment_colors
from oasis.inspection.sheet import Card, Panel, keys, write
from oasis.inspection.sights import (
    ABOVE,
    FILL,
    NEIGHBOUR,
    class_shares,
    inade_scales,
    largest_instance,
    seen_neighbours,
    telling_channel,
    thinnest_class,
    token_measures,
    token_vectors,
    upsampling_sources,
)
from oasis.models import TransformerGenerator
from oasis.visualize import colorize, colorize_values

NOTE_LINES = 3
_COARSEST = 32  # 1/32 of the size is the coarsest scale of the generators
_FINE = 8  # convolutions are shown at 1/8 of the size, upsampling to it
_SOURCES = {
    ABOVE: ("the pixel above", "#c3cad6"),
    NEIGHBOUR: ("one of its segment", "#f2952b"),
    FILL: ("new: condition", "#c2259d"),
}
_MOST_SHARE = 0.5  # of the colour scale
_FAR = 1.5  # scales of INADE beyond it have the colour of it
_FAR_VECTOR = 2.5  # numbers of tokens' vectors, alike


def generator_cards(sample: LabelledPhoto) -> list[Card]:
    """What the generators see of one sample: the sample itself, then one card per generator or setting.

    Args:
        sample: with or without instances; without, each class is one segment.

    Raises:
        ConfigurationError: a size that is not a multiple of 32.
    """
    for name, size in zip(("--height", "--width"), sample.label.shape, strict=True):
        if size % _COARSEST:
            raise ConfigurationError(f"{name} {size}: must be a multiple of 32, the generators' coarsest scale is 1/32")
    detail = Detail.of(sample)
    return [
        _sample(sample, detail),
        _condition(sample),
        _aware(sample, detail),
        _inade(sample),
        _tokens(sample),
        _transformer(sample),
        _boundary(sample, detail),
    ]


def _sample(sample: LabelledPhoto, detail: Detail) -> Card:
    count, scale = int(sample.instance.max()), enlargement(sample)
    whole = _segments(sample)
    box = [scale * n for n in (detail.left, detail.top, detail.left + detail.width, detail.top + detail.height)]
    ImageDraw.Draw(whole).rectangle(box, None, NOT_SEEN, 3)
    instances = f"{count} instances have colours of their own." if count else "This sample has no instances."
    return Card(
        sample.name,
        "one sample for all cards; networks are untrained",
        [
            Panel(fitted(sample.photo, sample), "The photo, what generators learn to make of the map."),
            Panel(whole, f"The map: {instances} Other pixels have the pale colour of their class."),
            Panel(
                _segments(sample, detail),
                "The part in the red frame. Lines separate segments: an instance, or a class where there is none.",
            ),
        ],
    )


def _condition(sample: LabelledPhoto) -> Card:
    index = thinnest_class(sample)
    name, mask = sample.label_space.names[index], sample.label == index
    columns = mask.nonzero()[:, 1].float()
    middle = float(columns.mean()) * enlargement(sample)
    panels = [
        Panel(
            fitted(colorize_values(mask, 0, 1, "gray"), sample),
            f"The mask of '{name}', the thinnest class here, as the finest layers see it.",
        )
    ]
    for way, meaning in (("nearest", "one pixel of each cell"), ("area", "the share of the cell")):
        shares = [class_shares(sample, divisor, way)[index] for divisor in (16, 32)]
        known = [
            f"{int((share > 0).sum())} of {int((class_shares(sample, divisor, 'area')[index] > 0).sum())}"
            for divisor, share in zip((16, 32), shares, strict=True)
        ]
        left, right = (fitted(colorize_values(share, 0, _MOST_SHARE, "inferno"), sample) for share in shares)
        picture = halves(left, right, (f"{way}, 1/16", f"{way}, 1/32"), (middle, middle))
        note = (
            f"{way}: {meaning}. In the whole picture, {known[0]} cells with '{name}' know of it at 1/16 of the size, "
            f"{known[1]} at 1/32."
        )
        panels.append(Panel(picture, note, bar("inferno", "0", f"{_MOST_SHARE} or more")))
    return Card(
        "generator.condition_resize=nearest or area", "area: Lv et al. 2024 (PLACE), Layout Control Module", panels
    )


def _aware(sample: LabelledPhoto, detail: Detail) -> Card:
    label, instance = (detail.cut(at(each, _FINE), _FINE) for each in (sample.label, sample.instance))
    pair = touching_pair(label, instance)
    own, counts = seen_neighbours(sample, _FINE)
    seen = detail.cut(own, _FINE)
    pictures = [_segments(sample, detail, _FINE) for _ in pair]
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
                f"Upsampling from 1/16 to 1/8: the coarse pixel that each is taken from. {other} take one beside "
                f"(lines), {new} have none; plain ones take that above.",
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


def _inade(sample: LabelledPhoto) -> Card:
    one = largest_instance(sample)
    first = inade_scales(sample, 0)
    channel = telling_channel(first, sample)
    again = "As the first picture, but the noise of the framed instance is drawn anew. No other segment changes."
    panels = [
        Panel(_over(sample, colorize_values(scales[channel], -_FAR, _FAR, "coolwarm")), note, _bar_of_scales())
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
        _frame(panels[2].picture, sample, sample.instance == one)
    source = "Tan et al. 2021, Diverse Semantic Image Synthesis via Probability Distribution Modeling"
    return Card("generator=inade", _source(sample, source), panels)


def _tokens(sample: LabelledPhoto) -> Card:
    one, measures = largest_instance(sample), token_measures(sample)
    vectors = token_vectors(sample, 0)
    change = (token_vectors(sample, 0, one) - vectors).norm(dim=0)
    last = "How much the vectors change when the framed instance's noise is drawn anew: others too, by attention."
    changed = _over(sample, colorize_values(change, 0, float(change.max()), "inferno"), "#808080")
    if one:
        _frame(changed, sample, sample.instance == one)
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
                _over(sample, vectors[:3] / _FAR_VECTOR),
                f"It makes {len(vectors)} numbers per segment, the first three as RGB. SPADE sees them, not noise.",
            ),
            Panel(changed, last if one else "No instance's noise can be drawn anew.", bar("inferno", "0", "most")),
        ],
    )


def _boxed(sample: LabelledPhoto, measures: Tensor) -> Image.Image:
    """The map with boxes and centres."""
    picture = _segments(sample)
    draw = ImageDraw.Draw(picture)
    size = torch.tensor([picture.height, picture.width] * 3)
    places = (measures[:, :6] * size).tolist()
    for _, _, height, width, top, left in places:
        draw.rectangle((left, top, left + width - 1, top + height - 1), None, "#101010")
    for y, x, *_ in places:
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), "white", "#101010")
    return picture


def _transformer(sample: LabelledPhoto) -> Card:
    height, width = sample.label.shape
    network = TransformerGenerator(sample.label_space.num_classes, channels=4, spade_channels=4)
    panels = []
    for position in range(len(network.stem.scales)):  # type: ignore[arg-type]
        divisor = network.size_divisor >> position
        rows, columns = height // divisor, width // divisor
        picture = Image.blend(fitted(sample.photo, sample), _segments(sample, None, divisor), 0.6)
        grid(picture, rows, columns, "white")
        seen = "Each sees all others, however far; a convolution sees 9."
        note = f"At 1/{divisor} of the size, a transformer has {rows} x {columns} = {rows * columns} tokens. {seen}"
        panels.append(Panel(picture, note))
    return Card("generator=transformer", "Dosovitskiy et al. 2021 (ViT); Peebles, Xie 2023 (DiT)", panels)


def _boundary(sample: LabelledPhoto, detail: Detail) -> Card:
    found = seams(sample)
    picture = fitted(
        detail.cut(segment_colors(sample.label, sample.instance, sample.label_space.palette)) * 0.6, sample
    )
    mask = fitted(detail.cut(found).float().expand(3, -1, -1) * 2 - 1, sample).convert("L")
    picture.paste("#ffe600", (0, 0), mask)
    count = f"{int(found.sum())} pixels, yellow" if found.any() else "none in this sample"
    note = (
        f"Where instances of one class touch ({count}), the real picture has another class. Guerrero-Pena et al. 2018."
    )
    return Card("discriminator=boundary_classes", "", [Panel(picture, note)])


def _segments(sample: LabelledPhoto, detail: Detail | None = None, divisor: int = 1) -> Image.Image:
    """The map, or a part, at 1/divisor of the size, with lines between segments."""
    label, instance, numbers = (at(each, divisor) for each in (sample.label, sample.instance, segments(sample)[0]))
    colors = segment_colors(label, instance, sample.label_space.palette)
    if detail is not None:
        colors, numbers = detail.cut(colors, divisor), detail.cut(numbers, divisor)
    picture = fitted(colors, sample)
    outline(picture, numbers)
    return picture


def _over(sample: LabelledPhoto, colors: Tensor, lines: str = "#101010") -> Image.Image:
    picture = fitted(colors.clamp(-1, 1), sample)
    outline(picture, segments(sample)[0], lines)
    return picture


def _frame(picture: Image.Image, sample: LabelledPhoto, mask: Tensor) -> None:
    """Draw a box around some pixels."""
    rows, columns = (each * enlargement(sample) for each in mask.nonzero(as_tuple=True))
    box = (int(columns.min()) - 4, int(rows.min()) - 4, int(columns.max()) + 4, int(rows.max()) + 4)
    ImageDraw.Draw(picture).rectangle(box, None, "#14b814", 3)


def _source(sample: LabelledPhoto, source: str) -> str:
    return source if sample.instance.any() else f"needs instances, none here: each class is one segment; {source}"


def _bar_of_scales() -> Image.Image:
    return bar("coolwarm", f"-{_FAR}", f"{_FAR}")
