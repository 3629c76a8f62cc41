"""The classes of one label space among those of another, by their names."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from oasis.errors import ConfigurationError, DatasetError
from oasis.labels import LabelSpace

MERGED: Mapping[str, tuple[str, ...]] = {
    "tree-merged": ("tree", "branch", "bush", "leaves"),
    "fence-merged": ("fence", "cage", "railing"),
    "ceiling-merged": ("ceiling-other", "ceiling-tile"),
    "sky-other-merged": ("sky-other", "clouds", "fog"),
    "cabinet-merged": ("cabinet", "cupboard"),
    "table-merged": ("table", "desk-stuff"),
    "floor-other-merged": ("floor-other", "floor-marble", "floor-tile"),
    "pavement-merged": ("pavement", "floor-stone"),
    "mountain-merged": ("mountain", "hill"),
    "grass-merged": ("grass", "moss", "straw"),
    "dirt-merged": ("dirt", "mud"),
    "paper-merged": ("paper", "napkin"),
    "food-other-merged": ("food-other", "salad", "vegetable"),
    "building-other-merged": ("building-other", "skyscraper"),
    "rock-merged": ("rock", "stone"),
    "wall-other-merged": ("wall-other", "wall-concrete", "wall-panel"),
    "rug-merged": ("rug", "carpet", "mat"),
}
"""Classes of COCO panoptic, and those of COCO-Stuff that they were merged from; the first stands for all of them.

Source: "new stuff categories", cocodataset.org/#panoptic-eval.
"""

ALL_OTHERS = "*"
"""Instead of a class to replace: all that are not found."""

_MOST_NAMED = 12
_MOST_KNOWN = 40


class Occurring(NamedTuple):
    """A class of a map: its name; its number there, a raw id or a category; and its number of pixels."""

    name: str
    number: int
    pixels: int


def correspondence(
    classes: Sequence[Occurring], space: LabelSpace, replaced: Mapping[str, str], source: str
) -> tuple[dict[int, int], dict[str, int]]:
    """Find classes of a map in a label space.

    A class is the one of its name there; or a merged one of COCO panoptic, for what it was merged from, and the other
    way round; or the one that `replaced` has for it, or for `*`, all that are not found.

    Args:
        classes: those of the map.
        space: the label space.
        replaced: name of a class of the map -> name of a class of the label space; goes before all else.
        source: name of the map, for the error.

    Returns:
        Number -> raw id in the label space; and, of the classes with another name there, `NAME as OTHER` -> pixels.

    Raises:
        DatasetError: classes without any; the message has their pixels.
    """
    found, renamed = {}, {}
    missing = []
    for each in classes:
        other = replaced.get(each.name) or find_class(each.name, space) or replaced.get(ALL_OTHERS)
        if other is None:
            missing.append(f"{each.name} ({each.pixels} pixels)")
            continue
        found[each.number] = raw_id(space, other, each.number)
        if other != each.name:
            renamed[f"{each.name} as {other}"] = each.pixels
    if missing:
        more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
        name = missing[0].rpartition(" (")[0]
        raise DatasetError(
            f"{source}: no classes of this model: {', '.join(missing[:_MOST_NAMED])}{more}. Its classes: "
            f"{_known(space)}. Name one for each: --replace '{name}=CLASS' (in Python, "
            f"replaced={{{name!r}: 'CLASS'}}); or one for all of them: "
            f"--replace '{ALL_OTHERS}={space.names[space.ignore_index]}'."
        )
    return found, renamed


def require_classes(replaced: Mapping[str, str], space: LabelSpace, given: Collection[str] | None) -> None:
    """Raise unless the classes of `replaced` exist.

    Args:
        replaced: see `correspondence`.
        space: the label space that has its values.
        given: names of the classes of the maps, among them its keys; None = not known before a map is read.

    Raises:
        ConfigurationError: a class does not exist.
    """
    for name, other in replaced.items():
        if given is not None and name not in (*given, ALL_OTHERS):
            raise ConfigurationError(
                f"--replace {name}={other}: {name!r} is no class of the maps, such as {', '.join([*given][:8])}."
            )
        if not _has(space, other):
            raise ConfigurationError(
                f"--replace {name}={other}: {other!r} is no class of the model. Its classes: {_known(space)}."
            )


def find_class(name: str, space: LabelSpace) -> str | None:
    """The class of a label space for one of another: that of its name, or its merged or unmerged one; None without."""
    merged = (whole for whole, parts in MERGED.items() if name in parts)
    candidates = (name, *MERGED.get(name, ())[:1], *merged)
    return next((each for each in candidates if _has(space, each)), None)


def raw_id(space: LabelSpace, name: str, near: int) -> int:
    """The raw id of a class: this number if it is one of its raw ids, else the lowest."""
    index = space.names.index(name)
    fits = near < len(space.raw_to_class) and space.raw_to_class[near] == index
    return near if fits else space.raw_to_class.index(index)


def void_id(space: LabelSpace, pixels: int, source: str) -> int:
    """The raw id for pixels of nothing: the lowest ignored one.

    Args:
        space: the label space.
        pixels: how many such pixels there are.
        source: name of the map, for the error.

    Raises:
        DatasetError: there are such pixels, but no raw id is ignored.
    """
    if space.ignore_index in space.raw_to_class:
        return space.raw_to_class.index(space.ignore_index)
    if pixels:
        raise DatasetError(f"{source}: {pixels} pixels are of no class, but no id of the label space means that.")
    return 0


def _known(space: LabelSpace) -> str:
    """The names of the scored classes, then those of the others that maps can have."""
    names = [name for name in space.names if _has(space, name)]
    scored = {space.names[index] for index in space.evaluated}
    names.sort(key=lambda name: name not in scored)
    more = f" and {len(names) - _MOST_KNOWN} more" if len(names) > _MOST_KNOWN else ""
    return ", ".join(names[:_MOST_KNOWN]) + more


def _has(space: LabelSpace, name: str) -> bool:
    return name in space.names and space.names.index(name) in space.raw_to_class
