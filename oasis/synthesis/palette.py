"""Conversion of colour maps to class ids."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

from oasis.data.files.meaning import cityscapes_colors
from oasis.errors import DatasetError
from oasis.labels import LabelSpace

MOST_UNKNOWN = 0.2
"""The allowed share of pixels of unknown colours, such as blurred edges."""

_ALIKE = 8.0  # distance in RGB: shifts by colour management; blends of two classes are farther
_EDGE = 8  # the largest width of a blurred edge to either side, in pixels
_LISTED = 5  # colours in a message


@dataclass(frozen=True, eq=False)
class Palette:
    """The colours of a label space.

    Attributes:
        codes: (N,) int64, colours as 65536 R + 256 G + B, ascending.
        raw: (N,) uint8, the raw class id of each.
        names: of their classes.
    """

    codes: NDArray[np.int64]
    raw: NDArray[np.uint8]
    names: tuple[str, ...]

    @classmethod
    @lru_cache(maxsize=16)
    def of(cls, space: LabelSpace) -> Self:
        """The palette of a label space.

        A colour that classes share (most often black) stands for the one of the lowest raw id. If all classes are
        Cityscapes', the colours of its other classes are included, if their raw ids are in the label space:
        published colour maps have them.
        """
        found: dict[int, tuple[int, str]] = {}
        for raw, index in enumerate(space.raw_to_class):
            if index >= 0 and index != space.ignore_index:
                found.setdefault(_code(space.palette[index]), (raw, space.names[index]))
        ignored = [raw for raw, index in enumerate(space.raw_to_class) if index == space.ignore_index]
        if ignored:
            void = (ignored[0], space.names[space.ignore_index])
            # Black means unlabelled, even if a class is black too.
            found[_code(space.palette[space.ignore_index])] = void
        for raw, color in cityscapes_colors(space).items():
            found.setdefault(_code(color), (raw, space.names[space.raw_to_class[raw]]))
        codes = sorted(found)
        return cls(
            np.array(codes, np.int64),
            np.array([found[code][0] for code in codes], np.uint8),
            tuple(found[code][1] for code in codes),
        )

    def known(self, colors: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Which pixels have a colour of this palette: (H, W, 3) uint8 to (H, W) bool."""
        codes = _codes(colors)
        return np.asarray(self.codes[self._place(codes)] == codes)

    def knows_all(self, colors: NDArray[np.uint8]) -> bool:
        """Whether all pixels have a colour of this palette."""
        return bool(self.known(colors).all())

    def read(self, colors: NDArray[np.uint8], source: str) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
        """Convert colours to raw class ids.

        Unknown colours of 3x3 pixels or more that hardly differ from one of the palette are taken for it. All others
        are taken for blurred edges between two classes: their pixels get the class of a neighbour, and in the middle
        of larger patches that of the nearest colour.

        Args:
            colors: (H, W, 3) uint8.
            source: name of the map in messages.

        Returns:
            (H, W) uint8 raw ids, and remarks on unknown colours.

        Raises:
            DatasetError: more than a share of `MOST_UNKNOWN` has colours unlike all of the palette.
        """
        codes = _codes(colors)
        place = self._place(codes)
        label = self.raw[place]
        unknown = self.codes[place] != codes
        if not unknown.any():
            return label, ()
        strange, which, counts = np.unique(codes[unknown], return_inverse=True, return_counts=True)
        nearest, distance = self._nearest(strange)
        label[unknown] = self.raw[nearest][which]
        alike = distance <= _ALIKE
        share = counts[~alike].sum() / codes.size
        report = self._report(strange, counts, nearest)
        if share > MOST_UNKNOWN:
            raise DatasetError(
                f"{source}: {share:.0%} of the pixels have colours that are not in the palette: {report}. Is it a "
                "photo, a COCO panoptic map without its JSON, or a map of another palette? Use the *_labelIds.png "
                "files, or recolour these pixels."
            )
        clear = ~unknown
        clear[unknown] = alike[which]
        holes = unknown & ~_solid(label, clear)
        filled = _fill(label, holes)
        how = "filled from their neighbours" if holes.any() else "taken for the nearest colour"
        return filled, (f"{counts.sum()} pixels of unknown colours, {how}: {report}",)

    def _place(self, codes: NDArray[np.int64]) -> NDArray[np.intp]:
        return np.minimum(np.searchsorted(self.codes, codes), len(self.codes) - 1)

    def _nearest(self, codes: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """For each colour the position of the nearest one of the palette, and the distance in RGB."""
        ours = _rgb(self.codes)
        place, distance = np.zeros(len(codes), np.intp), np.zeros(len(codes))
        for start in range(0, len(codes), 1 << 16):  # in chunks: a photo has a million colours
            some = slice(start, start + (1 << 16))
            squares = ((_rgb(codes[some])[:, None] - ours) ** 2).sum(axis=2)
            place[some] = squares.argmin(axis=1)
            distance[some] = np.sqrt(squares.min(axis=1))
        return place, distance

    def _report(self, strange: NDArray[np.int64], counts: NDArray[np.int64], nearest: NDArray[np.intp]) -> str:
        """The most frequent unknown colours, each with the nearest known one."""
        order = np.argsort(-counts, kind="stable")[:_LISTED]
        close = [f"{self.names[i]} {_text(self.codes[i])}" for i in nearest[order].tolist()]
        parts = [
            f"{_text(strange[i])} ({counts[i]} pixels, nearest {near})"
            for i, near in zip(order.tolist(), close, strict=True)
        ]
        more = f" and {len(strange) - len(order)} more" if len(strange) > len(order) else ""
        return ", ".join(parts) + more


def _solid(label: NDArray[np.uint8], clear: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The clear pixels within a 3x3 square of clear pixels of one class; blends of two classes rarely are."""
    classes = np.where(clear, label.astype(np.int16), -1)
    around = np.pad(classes, 1, constant_values=-2)
    height, width = label.shape
    shifts = [(y, x) for y in range(3) for x in range(3)]
    middle = clear.copy()
    for y, x in shifts:
        middle &= around[y : y + height, x : x + width] == classes
    grown = np.pad(middle, 1)
    solid = np.zeros_like(clear)
    for y, x in shifts:
        solid |= grown[y : y + height, x : x + width]  # the 3x3 pixels around a centre are of its class
    return solid


def _fill(label: NDArray[np.uint8], holes: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Fill holes from the nearest pixel outside of them; the middle of large ones is unchanged."""
    label, holes = label.copy(), holes.copy()
    for _ in range(_EDGE):
        if not holes.any():
            break
        before = holes.copy()
        for here, there in (
            (np.s_[1:, :], np.s_[:-1, :]),
            (np.s_[:-1, :], np.s_[1:, :]),
            (np.s_[:, 1:], np.s_[:, :-1]),
            (np.s_[:, :-1], np.s_[:, 1:]),
        ):
            ready = holes[here] & ~before[there]
            label[here][ready] = label[there][ready]
            holes[here][ready] = False
    return label


def _code(color: tuple[int, int, int]) -> int:
    return color[0] << 16 | color[1] << 8 | color[2]


def _codes(colors: NDArray[np.uint8]) -> NDArray[np.int64]:
    return np.asarray(colors.astype(np.int64) @ np.array([65536, 256, 1]))


def _rgb(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=-1)


def _text(code: int) -> str:
    return "#" + format(int(code), "06x")
