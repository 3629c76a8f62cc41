"""Drafting a class file from a folder of label maps."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from oasis.data.files.opening import PHOTO_ENDINGS, is_hidden
from oasis.data.files.reading import read_label_ids
from oasis.data.loading import in_parallel
from oasis.errors import DatasetError
from oasis.label_files import RAW_IDS
from oasis.labels import LabelSpace, built_in_names
from oasis.streets.writer import cores

_IGNORED = 255  # what most datasets write where nothing is labelled
_ADVICE = """\
# Rename the classes. Add `thing: true` to those whose instances are told apart, and `scored: false` to those that no
# score should count. Several ids in one class merge them; ids that mean "not labelled" belong to `unlabelled`.
# `color: [R, G, B]` is optional. The order of the classes is that of the model; docs/label-spaces.md has the details.
"""


@dataclass(frozen=True)
class IdCounts:
    """The raw ids of many label maps.

    Attributes:
        pixels: (256,) int64, how many pixels have each id.
        maps: (256,) int64, in how many maps each id occurs.
        files: the number of maps.
    """

    pixels: NDArray[np.int64]
    maps: NDArray[np.int64]
    files: int

    @property
    def found(self) -> list[int]:
        """All ids that occur, ascending."""
        ids: list[int] = np.flatnonzero(self.pixels).tolist()
        return ids


def count_ids(folder: Path, pattern: str, workers: int | None = None) -> IdCounts:
    """Count the raw ids of all label maps below a folder, with a progress bar.

    Args:
        folder: searched at any depth; hidden files and those that are no pictures are passed over, as in datasets.
        pattern: of the file names, such as `*_labelIds.png`.
        workers: processes; None = one per core.

    Raises:
        DatasetError: no such folder, no such files, or one that is no map of label ids.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder.")
    paths = sorted(path for path in folder.rglob(pattern) if _is_map(path, folder))
    if not paths:
        raise DatasetError(f"{folder}: no file below it is called {pattern}. Name the label maps: --pattern '*.png'.")
    counts = np.array(in_parallel(_Histograms(paths), workers or cores(), "counting ids"))
    return IdCounts(counts.sum(axis=0), (counts > 0).sum(axis=0), len(paths))


def draft(counts: IdCounts, origin: str) -> str:
    """A class file: one class per id, and 255, if it occurs, as the ignored one.

    Args:
        counts: of the label maps.
        origin: where they are, for a comment.

    Raises:
        DatasetError: there is nothing but 255.
    """
    labelled = [raw for raw in counts.found if raw != _IGNORED]
    if not labelled:
        raise DatasetError(f"{origin}: all pixels of its {counts.files} label maps are {_IGNORED}, unlabelled.")
    ignored = f"[{_IGNORED}]}} # {_share(counts, _IGNORED)}" if _IGNORED in counts.found else "[]}"
    lines = [f"  - {{name: class_{raw}, ids: [{raw}]}} # {_share(counts, raw)}" for raw in labelled]
    return "\n".join(
        [
            f"# Drafted from {counts.files} label maps in {origin}",
            f"{_ADVICE}ignore: unlabelled",
            "classes:",
            f"  - {{name: unlabelled, ids: {ignored}",
            *lines,
            "",
        ]
    )


def fitting(counts: IdCounts) -> list[str]:
    """The label spaces of this package whose raw ids are exactly those found."""
    return [
        name
        for name in built_in_names()
        if counts.found == [raw for raw, index in enumerate(LabelSpace.built_in(name).raw_to_class) if index >= 0]
    ]


def _is_map(path: Path, folder: Path) -> bool:
    return path.is_file() and path.suffix.lower() in PHOTO_ENDINGS and not is_hidden(path.relative_to(folder))


class _Histograms(Dataset[NDArray[np.int64]]):
    """How many pixels of each raw id a label map has, (256,) int64; one item per file."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> NDArray[np.int64]:
        return np.bincount(read_label_ids(self.paths[index]).reshape(-1), minlength=RAW_IDS)


def _share(counts: IdCounts, raw: int) -> str:
    share = 100 * counts.pixels[raw] / counts.pixels.sum()
    return f"{share:.3g} % of the pixels, in {counts.maps[raw]} of {counts.files} maps"
