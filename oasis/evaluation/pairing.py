"""Pictures in folders, paired with the label maps of a split by their names."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from oasis.data import LabelMapDataModule
from oasis.data.files.opening import PHOTO_ENDINGS
from oasis.data.sample import SampleFiles, Split
from oasis.data.searching import CONTACT_SHEET, pictures_below, stem_and_kind
from oasis.errors import ConfigurationError

_NUMBERED = re.compile(r"^(?P<stem>.+)_(?P<number>\d+)$")
_SHOWN = 3  # names in a message


@dataclass(frozen=True)
class Draw:
    """One picture for each of some label maps.

    Attributes:
        source: its folder, and its number there if the folder has several draws.
        pictures: label map's file -> picture's file.
    """

    source: str
    pictures: Mapping[Path, Path]


@dataclass(frozen=True)
class Found:
    """The pictures of a folder.

    Attributes:
        draws: one, or those that are numbered `NAME_0.png`, `NAME_1.png`, ... as by `oasis generate --samples`.
        left_over: pictures whose names fit no label map.
    """

    draws: tuple[Draw, ...]
    left_over: tuple[Path, ...]


class Names:
    """The label maps of a split by the names that pictures of them may have.

    These are, without endings: the name under which `oasis generate` writes its picture (`city/STEM`, or `STEM`), the
    photo's name (`STEM_leftImg8bit`) and the label map's (`STEM_gtFine_labelIds`); below folders of any depth. Names
    that several label maps share, such as `a/0001` and `b/0001`, need as many of their folders as tell them apart.

    Args:
        data: the dataset.
        split: of it.

    Attributes:
        files: of the split's samples, in order.
    """

    def __init__(self, data: LabelMapDataModule, split: Split) -> None:
        self.files: Sequence[SampleFiles] = data.dataset(split).files
        self._known: dict[str, list[SampleFiles]] = defaultdict(list)
        keys = {path: key for key, path in data.source.listing(split).labels.items()}
        for files in self.files:
            key = PurePosixPath(keys.get(files.label, files.name))
            for stem in {key.name, files.photo.stem, files.label.stem}:
                for name in _ends(key.with_name(stem)):
                    self._known[name].append(files)

    def find(self, below: PurePosixPath) -> tuple[SampleFiles, int | None] | None:
        """The label map of a picture, and the number of the draw if its name has one.

        Args:
            below: the picture's path below its folder, without its ending.

        Returns:
            None if it fits no label map.

        Raises:
            ConfigurationError: it fits several.
        """
        whole = self._one(below)
        if whole is not None:
            return whole, None
        match = _NUMBERED.match(below.name)
        numbered = None if match is None else self._one(below.with_name(match["stem"]))
        return None if match is None or numbered is None else (numbered, int(match["number"]))

    def _one(self, below: PurePosixPath) -> SampleFiles | None:
        for name in dict.fromkeys((below.name, stem_and_kind(below.name)[0])):
            for end in _ends(below.with_name(name)):  # the more folders, the surer
                fitting = self._known.get(end, [])
                if len(fitting) > 1:
                    raise ConfigurationError(
                        f"--images: the picture {below} may belong to {len(fitting)} label maps, such as "
                        f"{fitting[0].label} and {fitting[1].label}. Put pictures into folders like those of the label "
                        "maps."
                    )
                if fitting:
                    return fitting[0]
        return None


def _ends(path: PurePosixPath) -> list[str]:
    """`a/b/c`, `b/c`, `c`."""
    return ["/".join(path.parts[start:]) for start in range(len(path.parts))]


def find_draws(folder: Path, names: Names) -> Found:
    """The pictures in a folder, which is searched through.

    Args:
        folder: of PNG, JPEG, WebP or other pictures.
        names: of the label maps.

    Raises:
        ConfigurationError: no such folder; no picture in it, or none that belongs to a label map; two pictures for one
            label map; pictures with and without a number; the dataset's own maps.
    """
    if not folder.is_dir():
        what = "this is a file" if folder.exists() else "no such folder"
        raise ConfigurationError(f"--images {folder}: {what}. Name a folder of pictures, one for each label map.")
    draws: dict[int | None, dict[Path, Path]] = defaultdict(dict)
    left_over = []
    for path in pictures_below(folder, PHOTO_ENDINGS):
        found = names.find(PurePosixPath(path.relative_to(folder).with_suffix("").as_posix()))
        if found is not None:
            files, number = found
            _add(draws[number], files, path)
        elif path.name != CONTACT_SHEET:
            left_over.append(path)
    if not draws:
        raise _no_pair(folder, left_over, names)
    if None in draws and len(draws) > 1:
        (_, single), *_ = draws.pop(None).items()
        numbered = next(iter(next(iter(draws.values())).values()))
        raise ConfigurationError(
            f"--images {folder}: {single.name} is a single picture of its label map, and {numbered.name} one of "
            "several draws. Move one of the two kinds to a folder of its own."
        )
    ordered = sorted(draws.items(), key=lambda item: -1 if item[0] is None else item[0])
    return Found(
        tuple(Draw(str(folder) if n is None else f"{folder} (draw {n})", pictures) for n, pictures in ordered),
        tuple(left_over),
    )


def require_same_maps(draws: Sequence[Draw]) -> None:
    """Refuse draws of different label maps, which cannot be compared with each other.

    Raises:
        ConfigurationError: the message has the first differences.
    """
    first = draws[0]
    for other in draws[1:]:
        lacks = [
            f"{lacking.source} lacks {len(names)} that {having.source} has, of {listed(names)}"
            for lacking, having in ((other, first), (first, other))
            if (names := sorted(path.name for path in having.pictures.keys() - lacking.pictures.keys()))
        ]
        if lacks:
            raise ConfigurationError(
                f"--images: several draws of one column need pictures of the same label maps, but {'; '.join(lacks)}. "
                "Add the missing pictures, or give each folder as a column of its own: --images A --images B."
            )


def listed(names: Sequence[object]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(str, names[:_SHOWN])) + more


def _add(pictures: dict[Path, Path], files: SampleFiles, path: Path) -> None:
    if path.resolve() in {own.resolve() for own in (files.label, files.instance) if own is not None}:
        raise ConfigurationError(
            f"--images: {path} is a label map of the dataset, no picture of one. Name the folder of the pictures."
        )
    if files.label in pictures:
        raise ConfigurationError(
            f"--images: {pictures[files.label]} and {path} are two pictures of one label map, {files.label}. Remove "
            "one of them; several draws have names such as X_0.png and X_1.png, or folders of their own: --images A,B."
        )
    pictures[files.label] = path


def _no_pair(folder: Path, pictures: Sequence[Path], names: Names) -> ConfigurationError:
    if not pictures:
        return ConfigurationError(
            f"--images {folder}: it holds no picture; it was searched through for {', '.join(PHOTO_ENDINGS)} files."
        )
    first = names.files[0]
    ours = dict.fromkeys((first.name, first.photo.stem, first.label.stem))
    return ConfigurationError(
        f"--images {folder}: none of {len(pictures)} pictures belongs to one of {len(names.files)} label maps. The "
        f"pictures are called {listed([path.name for path in pictures])}; those of the first label map would be called "
        f"{' or '.join(ours)} (or X_0, X_1, ... for several draws), with any ending. Are they of another dataset or "
        "split (--split)? Else rename them."
    )
