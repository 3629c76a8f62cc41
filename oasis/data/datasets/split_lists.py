"""Text files that list the samples of splits."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from oasis.data.files.opening import PHOTO_ENDINGS
from oasis.data.listing import Listing
from oasis.data.sample import Split
from oasis.errors import DatasetError


def read_split_lists(files: Mapping[str, Path], root: Path, listing: Listing) -> dict[str, Split]:
    """The split of each listed sample.

    Args:
        files: split -> a text file with one sample a line: its name, its path as far as the pattern of photos leaves it
            open, or the path of its photo below `root`; with or without an ending. Empty lines do not count.
        root: the dataset's folder.
        listing: the files of all splits.

    Returns:
        The key of each listed sample in `listing` -> its split.

    Raises:
        DatasetError: no such file; a line that names no sample, or several; a sample in two splits.
    """
    keys_of = _names(root, listing)
    split_of: dict[str, Split] = {}
    for split, file in files.items():
        try:
            lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            raise DatasetError(f"data.splits.{split}={file}: not a text file that can be read ({error}).") from error
        unknown = [line for line in lines if line and len(keys_of.get(_without_ending(line), ())) != 1]
        if unknown:
            shown = ", ".join(f"{line} ({len(keys_of.get(_without_ending(line), ()))} samples)" for line in unknown[:5])
            raise DatasetError(
                f"data.splits.{split}={file}: {len(unknown)} of {len(lines)} lines do not name one sample: {shown}. "
                "Each line is the name of a photo without its ending, or its path below data.root."
            )
        for line in filter(None, lines):
            (key,) = keys_of[_without_ending(line)]
            if split_of.setdefault(key, split) != split:  # type: ignore[arg-type]
                raise DatasetError(f"data.splits.{split}={file}: {line} is in the split {split_of[key]!r} too.")
    return split_of


def _names(root: Path, listing: Listing) -> dict[str, set[str]]:
    """Each name that a sample may go by -> the keys of the samples with that name."""
    keys_of: dict[str, set[str]] = {}
    for found in (listing.photos, listing.labels):
        for key, path in found.items():
            for name in (key, PurePosixPath(key).name, path.stem, path.relative_to(root).with_suffix("").as_posix()):
                keys_of.setdefault(name, set()).add(key)
    return keys_of


def _without_ending(line: str) -> str:
    path = PurePosixPath(line)
    return path.with_suffix("").as_posix() if path.suffix.lower() in PHOTO_ENDINGS else path.as_posix()
