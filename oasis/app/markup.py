"""Pieces of HTML. All text from outside is escaped here."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from oasis.labels import LabelSpace
from oasis.synthesis import LabelMap


@dataclass(frozen=True)
class Brush:
    """A class to draw with.

    Attributes:
        raw_id: its id in a label map.
        name: of the class.
        color: RGB in 0..255.
        is_thing: whether each stroke is a new instance.
    """

    raw_id: int
    name: str
    color: tuple[int, int, int]
    is_thing: bool


def brushes(label_space: LabelSpace) -> list[Brush]:
    """A brush for each evaluated class, in their order; things last."""
    indices = sorted(label_space.evaluated, key=lambda index: (index in label_space.things, index))
    return [
        Brush(
            label_space.raw_to_class.index(index),
            label_space.names[index],
            label_space.palette[index],
            index in label_space.things,
        )
        for index in indices
        if index in label_space.raw_to_class
    ]


def legend(label_map: LabelMap) -> str:
    """The classes of a map as coloured chips, the largest first."""
    space = label_map.label_space
    classes = label_map.class_indices
    counts = np.bincount(classes.reshape(-1), minlength=space.num_classes)
    order = [int(index) for index in np.argsort(-counts, kind="stable") if counts[index]]
    shares = [f"{100 * counts[i] / classes.size:.1f} % of the map" for i in order]
    chips = [_chip(space.names[i], space.palette[i], share) for i, share in zip(order, shares, strict=True)]
    return f'<div class="legend" role="list">{"".join(chips)}</div>'


def _chip(name: str, color: Sequence[int], title: str) -> str:
    red, green, blue = color
    return (
        f'<span class="chip" role="listitem" title="{escape(title)}">'
        f'<i style="background:rgb({red},{green},{blue})"></i>{escape(name)}</span>'
    )


def status(parts: Iterable[str], remarks: Iterable[str] = ()) -> str:
    """A status message: parts in one line, remarks below."""
    lines = "".join(f"<li>{escape(remark)}</li>" for remark in remarks)
    joined = ' <span class="dot">·</span> '.join(f"<span>{escape(part)}</span>" for part in parts)
    return f'<div class="status" role="status">{joined}{f"<ul>{lines}</ul>" if lines else ""}</div>'


def problem(text: str) -> str:
    """An error message. A new element each time, so that screen readers announce it each time."""
    return f'<div class="problem" role="alert" data-at="{time.time_ns()}"><b>Not generated.</b> {escape(text)}</div>'


def seconds(value: float) -> str:
    """A duration as text."""
    return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"


def head(title: str, subtitle: str) -> str:
    """The page's heading."""
    return f"<header><h1>{escape(title)}</h1><p>{escape(subtitle)}</p></header>"
