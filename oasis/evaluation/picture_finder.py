"""The columns of pictures that are asked for: their folders are searched, their headers are checked."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from oasis.data import LabelMapDataModule
from oasis.data.files.opening import open_picture
from oasis.data.files.photos import upright_size
from oasis.data.sample import Split
from oasis.errors import ConfigurationError
from oasis.evaluation.pairing import Draw, Names, find_draws, listed, require_same_maps
from oasis.evaluation.pictures import Pictures, Resizing

_LOSSY = ("JPEG", "WEBP", "AVIF")
_GREY = ("1", "L", "I", "F")  # how such modes begin
_REFERENCES = ("real photos", "untrained")  # names that no column may have


@dataclass(frozen=True)
class PictureFolders:
    """One column, as it is asked for.

    Attributes:
        folders: each has one draw of every label map, or several that are numbered.
        name: of the column; empty = the first folder's.
    """

    folders: tuple[Path, ...]
    name: str = ""


@dataclass(frozen=True)
class PictureFinder:
    """Finds the pictures of a split's label maps.

    Attributes:
        data: the dataset of the label maps.
        split: of it.
        resizing: for pictures of another size than the dataset's samples; None = they are refused.
        allow_missing: accept label maps without a picture, which are then not scored.
    """

    data: LabelMapDataModule
    split: Split
    resizing: Resizing | None = None
    allow_missing: bool = False

    def open(self, wanted: Sequence[PictureFolders], notes: list[str], taken: Collection[str] = ()) -> list[Pictures]:
        """Find the pictures of some columns, and check their names and headers.

        Args:
            wanted: the columns.
            notes: receives what should be known about the numbers.
            taken: names of other columns.

        Raises:
            ConfigurationError: a folder without pictures of these label maps, or with two for one; draws of different
                label maps; label maps without a picture; pictures of another size; a name that is taken.
            DatasetError: a file that is no picture.
        """
        titles = _titles(wanted, {*taken, *_REFERENCES})
        names = Names(self.data, self.split)
        return [self._column(title, each, names, notes) for title, each in zip(titles, wanted, strict=True)]

    def _column(self, name: str, wanted: PictureFolders, names: Names, notes: list[str]) -> Pictures:
        origin = _origin(wanted)
        if len({folder.resolve() for folder in wanted.folders}) < len(wanted.folders):
            raise ConfigurationError(f"--images {origin}: a folder is named twice; draws have to be different.")
        found = [find_draws(folder, names) for folder in wanted.folders]
        draws = tuple(draw for each in found for draw in each.draws)
        require_same_maps(draws)
        notes += [f"{name}: {remark}" for remark in self._missing(origin, draws[0], names)]
        left_over = [path.name for each in found for path in each.left_over]
        if left_over:
            notes.append(f"{name}: {len(left_over)} pictures belong to no label map: {listed(left_over)}.")
        headers = _headers(draws, self.data.max_pixels)
        other = self._of_other_size(origin, headers)
        notes += [f"{name}: {remark}" for remark in _remarks(headers)]
        facts = {
            "pictures": str(len(headers)),
            "draws": str(len(draws)),
            "format": ", ".join(sorted({header.format for header in headers})),
        }
        if other and self.resizing is not None:
            facts["resized"] = f"{other}, {self.resizing.name.lower()}"
            notes.append(f"{name}: {other} of {len(headers)} pictures were resized, which moves a FID.")
        return Pictures(name, origin, facts, self.data, self.split, draws, self.resizing)

    def _missing(self, origin: str, draw: Draw, names: Names) -> Iterator[str]:
        """A remark on label maps without a picture; raises unless they are allowed."""
        lacking = [files.label.name for files in names.files if files.label not in draw.pictures]
        said = f"{len(lacking)} of {len(names.files)} label maps have no picture"
        if lacking and not self.allow_missing:
            raise ConfigurationError(
                f"--images {origin}: {said}: {listed(lacking)}. Add the pictures, or score only the maps that "
                "have one: --allow-missing."
            )
        if lacking:
            yield f"{said} and are not scored: {listed(lacking)}."

    def _of_other_size(self, origin: str, headers: Sequence["_Header"]) -> int:
        """The number of pictures of another size than the samples'; raises unless they are to be resized."""
        size = (self.data.width, self.data.height)
        other = [header for header in headers if header.size != size]
        if other and self.resizing is None:
            width, height = other[0].size
            raise ConfigurationError(
                f"--images {origin}: {other[0].path} is {width}x{height} (width x height), but pictures are scored at "
                f"{size[0]}x{size[1]}; {len(other)} of {len(headers)} have another size. Score at theirs, data.height="
                f"{height} data.width={width}, or have them resized: --resize-images area, or bilinear."
            )
        return len(other)


class _Header(NamedTuple):
    path: Path
    size: tuple[int, int]
    format: str
    mode: str


def _headers(draws: Sequence[Draw], max_pixels: int) -> list[_Header]:
    def read(path: Path) -> _Header:
        with open_picture(path, max_pixels) as picture:
            return _Header(path, upright_size(picture), str(picture.format), picture.mode)

    with ThreadPoolExecutor(16) as pool:  # waits for the file system, not for Python
        return list(pool.map(read, (path for draw in draws for path in draw.pictures.values())))


def _remarks(headers: Sequence[_Header]) -> Iterator[str]:
    for kind, count in Counter(header.format for header in headers if header.format in _LOSSY).items():
        yield f"{count} of {len(headers)} pictures are {kind} files: compression moves a FID. Better compare PNGs."
    grey = [header.path.name for header in headers if header.mode.startswith(_GREY)]
    if grey:
        yield f"{len(grey)} of {len(headers)} pictures are grey: {listed(grey)}. Are they photos?"


def _titles(wanted: Sequence[PictureFolders], taken: set[str]) -> list[str]:
    """The names of the columns: those that were given, else the shortest ends of the folders' paths that are unique."""
    titles: list[str] = [each.name for each in wanted]
    for given in filter(None, titles):
        if given in taken or titles.count(given) > 1:
            raise ConfigurationError(f"--images {given}=...: another column is called {given!r}. Choose another name.")
    taken = {*taken, *filter(None, titles)}
    paths = [each.folders[0].resolve() for each in wanted]
    for length in range(1, 1 + max((len(path.parts) for path in paths), default=0)):
        ends = [title or "/".join(path.parts[-length:]) for title, path in zip(titles, paths, strict=True)]
        unnamed = [end for end, title in zip(ends, titles, strict=True) if not title]
        if len(set(unnamed)) == len(unnamed) and not {*unnamed} & taken:
            return ends
    raise ConfigurationError(
        f"--images: {listed([_origin(each) for each in wanted])}: two columns of one folder. Name them: NAME=DIR."
    )


def _origin(wanted: PictureFolders) -> str:
    return ", ".join(map(str, wanted.folders))
