"""Formats of panoptic maps: one class each, which reads and writes files.

Every format is read as, and written from, a `PanopticMap`.
"""

from collections.abc import Mapping
from pathlib import Path

from oasis.data.panoptic.ade20k import ADE20KFormat
from oasis.data.panoptic.base import PanopticFormat, PanopticMap
from oasis.data.panoptic.bdd100k import BDD100KFormat
from oasis.data.panoptic.cityscapes import CityscapesFormat
from oasis.data.panoptic.coco import COCOFormat
from oasis.data.panoptic.grey import MapillaryFormat, PanopticIdsFormat
from oasis.data.panoptic.spade import SPADEFormat
from oasis.errors import ConfigurationError, DatasetError

FORMATS: Mapping[str, type[PanopticFormat]] = {
    "cityscapes": CityscapesFormat,
    "panoptic_ids": PanopticIdsFormat,
    "mapillary": MapillaryFormat,
    "coco": COCOFormat,
    "bdd100k": BDD100KFormat,
    "spade": SPADEFormat,
    "ade20k": ADE20KFormat,
}
"""The formats by name."""

__all__ = ["FORMATS", "PanopticFormat", "PanopticMap", "find_format", "recognize"]


def find_format(name: str) -> type[PanopticFormat]:
    """The format of this name.

    Raises:
        ConfigurationError: no such format.
    """
    if name not in FORMATS:
        listing = "; ".join(f"{each} ({kind.contents})" for each, kind in FORMATS.items())
        raise ConfigurationError(f"No panoptic format is called {name!r}. Choose one of {listing}.")
    return FORMATS[name]


def recognize(path: Path) -> type[PanopticFormat]:
    """The format of a file or a folder, from its files.

    Raises:
        DatasetError: no such path, no format or several fit.
    """
    if not path.exists():
        raise DatasetError(f"{path}: no such file or folder.")
    fitting = {name: kind for name, kind in FORMATS.items() if kind.recognizes(path)}
    if len(fitting) != 1:
        found = f"may be {' or '.join(fitting)}" if fitting else "does not show its format"
        raise DatasetError(
            f"{path}: {found}. Name it with --from, one of {', '.join(FORMATS)}; 16-bit grey pictures are panoptic_ids "
            "(class id * 1000 + instance) or mapillary (class id * 256 + k)."
        )
    return next(iter(fitting.values()))
