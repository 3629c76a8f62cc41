"""`oasis evaluate --images`: the options, and the dataset that pictures without a checkpoint are scored on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from oasis.cli.datasets import load_data
from oasis.data import LabelMapDataModule
from oasis.data.sample import Split
from oasis.errors import ConfigurationError
from oasis.evaluation import PictureFinder, PictureFolders, Pictures, Resizing
from oasis.training.segmenter_fit import NoCondition

_NEEDED = ("data=", "data.height=", "data.width=")


@dataclass(frozen=True)
class Images:
    """The pictures of other programs that are evaluated.

    Attributes:
        columns: their folders.
        resizing: for those of another size than is scored; None = they are refused.
        allow_missing: accept label maps without a picture, which are not scored.
    """

    columns: Sequence[PictureFolders] = ()
    resizing: Resizing | None = None
    allow_missing: bool = False

    def open(self, data: LabelMapDataModule, split: Split, notes: list[str], taken: Sequence[str]) -> list[Pictures]:
        """The columns; see `PictureFinder.open`."""
        if not self.columns:
            return []
        return PictureFinder(data, split, self.resizing, self.allow_missing).open(self.columns, notes, taken)


def parse_images(words: Sequence[str]) -> list[PictureFolders]:
    """The columns of `--images DIR`, `--images DIR,DIR` or `--images NAME=DIR,DIR`, one for each.

    A comma or `=` in the name of a folder that exists belongs to the name.
    """
    return [_parse(word) for word in words]


def named_data(overrides: Sequence[str]) -> LabelMapDataModule:
    """The dataset that settings name, for pictures without a checkpoint, which would know it.

    Raises:
        ConfigurationError: no dataset is named, or no size.
        DatasetError: no dataset there, or an invalid one.
    """
    lacking = [f"{name}..." for name in _NEEDED if not any(override.startswith(name) for override in overrides)]
    if lacking:
        raise ConfigurationError(
            f"--images without a checkpoint: {', '.join(lacking)} is not given. Name the dataset of the label maps and "
            "the size at which pictures are scored: data=cityscapes data.root=DIR data.height=256 data.width=512."
        )
    return load_data(overrides, NoCondition)


def _parse(word: str) -> PictureFolders:
    if word and Path(word).is_dir():
        return PictureFolders((Path(word),))
    name, equals, rest = word.partition("=")
    if not equals or "/" in name or Path(word.split(",")[0]).is_dir():
        name, rest = "", word
    folders = [rest] if rest and Path(rest).is_dir() else rest.split(",")
    if not all(folders):
        raise ConfigurationError(f"--images {word}: give DIR, DIR,DIR for several draws, or NAME=DIR,DIR.")
    return PictureFolders(tuple(map(Path, folders)), name)
