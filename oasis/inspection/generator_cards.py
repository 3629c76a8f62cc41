"""Pictures of what each generator sees of a label map."""

import torch.nn.functional as F
from PIL import Image, ImageDraw

from oasis.errors import ConfigurationError
from oasis.inspection.detail import Detail, seams
from oasis.inspection.pictures import bar, enlargement, fitted
from oasis.inspection.samples import LabelledPhoto
from oasis.inspection.segment_cards import aware_card, inade_card, tokens_card
from oasis.inspection.segment_pictures import draw_map, grid, half, halves, segment_colors
from oasis.inspection.sheet import Card, Panel
from oasis.inspection.sights import class_shares, thinnest_class, transformer_divisors
from oasis.visualize import colorize_values

NOTE_LINES = 3
_COARSEST = 32  # 1/32 of the size is the coarsest scale of the generators
_FRAME = "#d81b1b"
_MOST_SHARE = 0.25  # of the colour scale


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
        aware_card(sample, detail),
        inade_card(sample),
        tokens_card(sample),
        _transformer(sample),
        _boundary(sample, detail),
    ]


def _sample(sample: LabelledPhoto, detail: Detail) -> Card:
    count, scale = int(sample.instance.max()), enlargement(sample)
    whole = draw_map(sample)
    box = [scale * n for n in (detail.left, detail.top, detail.left + detail.width, detail.top + detail.height)]
    ImageDraw.Draw(whole).rectangle(box, None, _FRAME, 3)
    instances = f"{count} instances have colours of their own." if count else "This sample has no instances."
    return Card(
        sample.name,
        "one sample for all cards; networks are untrained",
        [
            Panel(fitted(sample.photo, sample), "The photo, what generators learn to make of the map."),
            Panel(whole, f"The map: {instances} Other pixels have the pale colour of their class."),
            Panel(
                draw_map(sample, detail),
                "The part in the red frame. Lines separate segments: an instance, or a class where there is none.",
            ),
        ],
    )


def _condition(sample: LabelledPhoto) -> Card:
    index = thinnest_class(sample)
    name, mask = sample.label_space.names[index], sample.label == index
    columns = mask.nonzero()[:, 1].float()
    middle = float(columns.mean()) * enlargement(sample)
    whole = fitted(colorize_values(mask, 0, 1, "gray"), sample)
    left, right = half(whole.width, middle)
    ImageDraw.Draw(whole).rectangle((left, 0, right - 1, whole.height - 1), None, _FRAME, 3)
    panels = [
        Panel(whole, f"The mask of '{name}', the thinnest class here, at full size. Beside it, the red frame is shown.")
    ]
    for way, meaning in (("nearest", "one pixel of each cell"), ("area", "the share of the cell")):
        shares = [class_shares(sample, divisor, way)[index] for divisor in (16, 32)]
        known = [
            f"{int((share > 0).sum())} of {int((class_shares(sample, divisor, 'area')[index] > 0).sum())}"
            for divisor, share in zip((16, 32), shares, strict=True)
        ]
        fine, coarse = (fitted(colorize_values(share, 0, _MOST_SHARE, "inferno"), sample) for share in shares)
        picture = halves(fine, coarse, (f"{way}, 1/16", f"{way}, 1/32"), (middle, middle))
        note = (
            f"{way}: {meaning}. In the whole picture, {known[0]} cells with '{name}' know of it at 1/16 of the size, "
            f"{known[1]} at 1/32."
        )
        panels.append(Panel(picture, note, bar("inferno", "0", f"{_MOST_SHARE} or more")))
    return Card(
        "generator.condition_resize=nearest or area", "area: Lv et al. 2024 (PLACE), Layout Control Module", panels
    )


def _transformer(sample: LabelledPhoto) -> Card:
    height, width = sample.label.shape
    soft = F.avg_pool2d(sample.photo, 4)  # saves bytes
    panels = []
    for divisor in transformer_divisors(sample):
        rows, columns = height // divisor, width // divisor
        picture = Image.blend(fitted(soft, sample), draw_map(sample, None, divisor), 0.6)
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
    note = f"Where instances of one class touch ({count}), the discriminator has to find a class of its own."
    return Card("discriminator=boundary_classes", "", [Panel(picture, f"{note} Guerrero-Pena et al. 2018.")])
