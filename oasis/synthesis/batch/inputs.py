"""Finding the inputs of `oasis generate` in a file or a folder."""

import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from oasis.data.files.opening import MAP_ENDINGS, PHOTO_ENDINGS, is_hidden
from oasis.data.searching import PHOTO_KIND, pictures_below, stem_and_kind
from oasis.errors import ConfigurationError

# Suffixes of the files of one picture, in order of preference for its label map.
_KINDS = ("labelIds", "instanceIds", "panoptic", "", "color", "labelTrainIds")


@dataclass(frozen=True)
class Input:
    """One label map or photo to generate from.

    Attributes:
        name: folders and stem, without an ending, for the names of its pictures, such as `town/town_000001`.
        path: the label map, or the photo.
        instance: its instance map.
    """

    name: str
    path: Path
    instance: Path | None = None


def find_maps(where: Path, instances: Path | None = None) -> list[Input]:
    """The label maps of a file or a folder, by name.

    In a folder, files whose names differ only in `_labelIds`, `_instanceIds`, `_panoptic`, `_color` or
    `_labelTrainIds` are one picture, whose best map is used: label ids with their instance ids, else the first of
    these.

    Args:
        where: a file or a folder.
        instances: a folder of instance maps, which is not searched.

    Raises:
        ConfigurationError: it does not exist, or has no label map; two maps of one name; a folder in it is called as
            those of instance maps in other datasets.
    """
    if where.is_file():
        name, kind = stem_and_kind(where.stem)
        return [Input(name, where, _partner(where) if kind == "labelIds" else None)]
    _require_folder(where)
    groups: dict[str, dict[str, Path]] = defaultdict(dict)
    for path in pictures_below(where, MAP_ENDINGS):
        if instances is not None and path.resolve().is_relative_to(instances.resolve()):
            continue
        stem, kind = stem_and_kind(path.stem)
        if kind != PHOTO_KIND:
            _require_no_instances(path, where)
            name = path.relative_to(where).with_name(stem).as_posix()
            _add(groups[name], kind, path)
    if not groups:
        raise ConfigurationError(
            f"{where} holds no label map: it was searched through for {', '.join(MAP_ENDINGS)} files, such as "
            "*_labelIds.png. For photos, add --from-photos."
        )
    return [_best(name, group) for name, group in sorted(groups.items())]


def with_instances(inputs: Sequence[Input], where: Path, instances: Path) -> list[Input]:
    """The label maps with the instance maps in a file or folder, which belong to those of their names.

    Args:
        inputs: what `find_maps` found.
        where: in which it was found.
        instances: a file for one label map; or a folder of files with the names and folders of those in `where`.

    Raises:
        ConfigurationError: a label map without an instance map, or the reverse; a file for a folder.
    """
    if instances.is_file() and where.is_file():
        return [replace(each, instance=instances) for each in inputs]
    if instances.is_file() or where.is_file() or not instances.is_dir():
        raise ConfigurationError(
            f"--instances {instances}: give a file with the instances of one label map, or a folder beside a folder of "
            f"label maps; INPUT is {where}."
        )
    maps = {each.name: each for each in inputs}
    found = {each.name: each.instance or each.path for each in find_maps(instances)}
    missing = sorted(maps.keys() ^ found.keys())
    if missing:
        name = missing[0]
        lacking = f"an instance map in {instances}" if name in maps else f"a label map in {where}"
        raise ConfigurationError(
            f"--instances {instances}: {len(missing)} names have only one of both, the first {name!r}, which lacks "
            f"{lacking}. Files belong together by their folders and names, without endings."
        )
    return [replace(each, instance=found[name]) for name, each in maps.items()]


def find_photos(where: Path) -> list[Input]:
    """The photos of a file or a folder, by name; see `find_maps`.

    Raises:
        ConfigurationError: it does not exist, or has no photo; two photos of one name.
    """
    if where.is_file():
        return [Input(stem_and_kind(where.stem)[0], where)]
    _require_folder(where)
    found: dict[str, Path] = {}
    for path in pictures_below(where, PHOTO_ENDINGS):
        stem, kind = stem_and_kind(path.stem)
        if kind in ("", PHOTO_KIND):
            name = path.relative_to(where).with_name(stem).as_posix()
            if name in found:
                raise _twice(found[name], path)
            found[name] = path
    if not found:
        raise ConfigurationError(
            f"{where} holds no photo: it was searched through for {', '.join(PHOTO_ENDINGS)} files."
        )
    return [Input(name, path) for name, path in sorted(found.items())]


def passed_over(where: Path, inputs: Sequence[Input]) -> Counter[str]:
    """The files of a folder that are not read, by their endings; empty for a file.

    Args:
        where: as for `find_maps`.
        inputs: what it found there.
    """
    if not where.is_dir():
        return Counter()
    read = {path for each in inputs for path in (each.path, each.path.with_suffix(".json"), each.instance)}
    paths = (Path(folder, file) for folder, _, files in os.walk(where) for file in files)
    rest = (path for path in paths if path not in read)
    return Counter(
        "hidden" if is_hidden(path.relative_to(where)) else path.suffix.lower() or "without an ending" for path in rest
    )


def _require_no_instances(path: Path, where: Path) -> None:
    """Raise if a file is in a folder of instance maps, whose numbers would be taken for classes."""
    for folder in path.relative_to(where).parents:
        if folder.name == "annotations_instance" or folder.name.endswith("_inst"):
            raise ConfigurationError(
                f"{path}: {folder} is called as a folder of instance maps, which are no label maps. Give the folder of "
                f"the label maps, and --instances {where / folder} for those of the same names."
            )


def _add(group: dict[str, Path], kind: str, path: Path) -> None:
    if kind in group:
        raise _twice(group[kind], path)
    group[kind] = path


def _best(name: str, group: dict[str, Path]) -> Input:
    kind = next(kind for kind in _KINDS if kind in group)
    return Input(name, group[kind], group.get("instanceIds") if kind == "labelIds" else None)


def _partner(path: Path) -> Path | None:
    """The instance map beside a file of label ids: of the same ending, else of another."""
    stem = f"{path.stem.removesuffix('labelIds')}instanceIds"
    candidates = (path.with_name(stem + ending) for ending in (path.suffix, *MAP_ENDINGS))
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _require_folder(where: Path) -> None:
    if not where.is_dir():
        raise ConfigurationError(
            f"{where}: no such file or folder. INPUT is a label map, a folder of them, or the root of a dataset."
        )


def _twice(one: Path, other: Path) -> ConfigurationError:
    return ConfigurationError(
        f"{one} and {other.name} would be written to files of one name. Rename or remove one of them."
    )
