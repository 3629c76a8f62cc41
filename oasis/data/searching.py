"""Pictures in a folder that is searched, and what their names say."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from oasis.data.files.opening import is_hidden
from oasis.errors import ConfigurationError

PHOTO_KIND = "leftImg8bit"
"""The kind of a photo, by its name in Cityscapes."""

CONTACT_SHEET = "contact_sheet.png"
"""The overview that `oasis generate` writes beside its pictures."""

_NAME = re.compile(
    r"^(?P<stem>.+?)(?:_gt(?:Fine|Coarse))?_(?P<kind>labelIds|instanceIds|panoptic|color|labelTrainIds)$"
)


def stem_and_kind(stem: str) -> tuple[str, str]:
    """The part that names of one sample's files share, and the kind of file, by the suffixes of Cityscapes.

    Args:
        stem: the file's name without its ending, such as `town_000001_gtFine_labelIds`.

    Returns:
        `town_000001` and `labelIds`; the stem itself and an empty kind if it ends in no suffix.
    """
    if stem.endswith(f"_{PHOTO_KIND}"):
        return stem.removesuffix(f"_{PHOTO_KIND}"), PHOTO_KIND
    match = _NAME.match(stem)
    return (match["stem"], match["kind"]) if match else (stem, "")


def pictures_below(where: Path, endings: tuple[str, ...]) -> Iterator[Path]:
    """All files below a folder with these endings, except hidden ones; links to folders are not followed.

    Raises:
        ConfigurationError: a folder that cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise ConfigurationError(f"{error.filename}: this folder cannot be searched ({error.strerror}).") from error

    for folder, folders, files in os.walk(where, onerror=refuse):
        folders[:] = sorted(name for name in folders if not is_hidden(Path(name)))
        for file in sorted(files):
            path = Path(folder, file)
            if path.suffix.lower() in endings and not is_hidden(Path(file)):
                yield path
