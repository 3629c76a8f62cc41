"""Label spaces as files."""

import colorsys
import math
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

from oasis.errors import ConfigurationError
from oasis.label_formats import from_mapillary, load_class_file, load_yaml

RAW_IDS = 256
"""The number of raw ids: label maps are 8-bit pictures."""

INSTANCES_PER_CLASS = 1000
"""Raw instance ids of Cityscapes: label id * 1000 + k for the k-th thing, the plain label id elsewhere."""

RAW_INSTANCES = (RAW_IDS + 1) * INSTANCES_PER_CLASS
"""The number of raw instance ids; those of classes above 65 do not fit into 16 bits.

Things of class 0, such as the persons of COCO-Stuff, are 256 * 1000 + k, since 0 * 1000 + k would be a plain id.
"""

_PARTS = ("ignore", "classes")
_KEYS = ("name", "ids", "color", "thing", "scored")
_GOLDEN_RATIO = (1 + math.sqrt(5)) / 2


def first_instance(raw: int) -> int:
    """The raw instance id of number 0 of a class; the further ones follow it."""
    return (raw or RAW_IDS) * INSTANCES_PER_CLASS


@lru_cache(maxsize=16)
def read_built_in(path: Path) -> Mapping[str, Any]:
    """The arguments of `LabelSpace` in a file of this package."""
    return parse_classes(load_yaml(path.read_text(encoding="utf-8")), path)


def read_classes(path: Path) -> dict[str, Any]:
    """`ignore` and `classes` of a class file, checked; see `LabelSpace.from_file` for the formats.

    Unlike in published class lists, no two scored classes may have one colour: they could not be told apart.

    Returns:
        Plain containers, as `LabelSpace.from_classes` and YAML files take them.

    Raises:
        ConfigurationError: no such file, or an invalid one.
    """
    content: Any = load_class_file(path)
    labels = content.get("labels") if isinstance(content, dict) else None
    if isinstance(labels, list):
        content = from_mapillary(labels, path)
    evaluated = parse_classes(content, path)["evaluated"]
    if labels is None:
        _require_distinct_colors(path, [entry for i, entry in enumerate(content["classes"]) if i in evaluated])
    return {"ignore": content["ignore"], "classes": content["classes"]}


def parse_classes(content: object, path: str | Path) -> Mapping[str, Any]:
    """The arguments of `LabelSpace`, from the contents of its file.

    Args:
        content: `classes` and `ignore`, plain containers.
        path: of the file, for the error.

    Raises:
        ConfigurationError: the content is invalid.
    """
    classes, ignore = _parts(content, path)
    names = [entry.get("name") for entry in classes]
    for index, entry in enumerate(classes):
        _check_class(path, entry, names[:index])
    if ignore not in names:
        raise ConfigurationError(
            f"{path}: ignore={ignore!r} is the name of no class; it must be one.{_nearest(ignore, names)}"
        )
    ignored = names.index(ignore)
    evaluated = frozenset(i for i, entry in enumerate(classes) if entry.get("scored", True) and i != ignored)
    if not evaluated:
        raise ConfigurationError(
            f"{path}: no class is scored. At least one besides {ignore!r}, which is ignored, must not be scored: false."
        )
    if not any(entry["ids"] for entry in classes):
        raise ConfigurationError(f"{path}: no class has a raw id, so that no map can be read. List them: ids: [7].")
    return {
        "names": tuple(names),
        "palette": _palette(classes),
        "things": frozenset(index for index, entry in enumerate(classes) if entry.get("thing", False)),
        "ignore_index": ignored,
        "raw_to_class": _table(path, classes),
        "evaluated": evaluated,
    }


def _palette(classes: Sequence[Mapping[str, Any]]) -> tuple[tuple[int, ...], ...]:
    """The colour of each class: the given one, or one generated for its index; none that is given is generated."""
    given = {tuple(entry["color"]) for entry in classes if "color" in entry}
    by_index = generated_palette(len(classes))
    others = (color for color in generated_palette(2 * RAW_IDS) if color not in given and color not in by_index)
    return tuple(
        tuple(entry["color"]) if "color" in entry else by_index[index] if by_index[index] not in given else next(others)
        for index, entry in enumerate(classes)
    )


def generated_palette(count: int) -> tuple[tuple[int, int, int], ...]:
    """Distinct colours: black, then hues a golden angle apart in three shades.

    Args:
        count: number of colours, including black; at most 512.

    Returns:
        `count` colours, RGB in 0..255; deterministic.
    """
    shades = ((0.85, 0.95), (0.55, 0.75), (0.95, 0.6))  # saturation and value
    colors = [(0, 0, 0)]
    for position in range(count - 1):
        saturation, value = shades[position % len(shades)]
        red, green, blue = colorsys.hsv_to_rgb(position / _GOLDEN_RATIO % 1, saturation, value)
        colors.append((round(255 * red), round(255 * green), round(255 * blue)))
    return tuple(colors)


def _parts(content: object, path: str | Path) -> tuple[list[Mapping[str, Any]], object]:
    """`classes` and `ignore` of a file's contents."""
    unknown = [key for key in content if key not in _PARTS] if isinstance(content, dict) else []
    if unknown:
        raise ConfigurationError(
            f"{path}: {unknown[0]!r} is none of {', '.join(_PARTS)}.{_nearest(unknown[0], _PARTS)}"
        )
    classes = content.get("classes") if isinstance(content, dict) else None
    if (
        not isinstance(content, dict)
        or not isinstance(classes, list)
        or not all(isinstance(entry, dict) for entry in classes)
    ):
        raise ConfigurationError(f"{path}: a label space has a list `classes`, each with a `name` and its raw `ids`.")
    if len(classes) > RAW_IDS:
        raise ConfigurationError(f"{path}: {len(classes)} classes, but label maps of 8 bits have at most {RAW_IDS}.")
    return classes, content.get("ignore")


def _check_class(path: str | Path, entry: Mapping[str, Any], before: Sequence[object]) -> None:
    name, color = entry.get("name"), entry.get("color", [0, 0, 0])
    unknown = [key for key in entry if key not in _KEYS]
    unclear = [key for key in ("thing", "scored") if not isinstance(entry.get(key, False), bool)]
    problem = None
    if not isinstance(name, str) or not name:
        problem = "each class needs a name (in quotes, where YAML takes it for something else)."
    elif name in before:
        problem = "this name is given twice; rename one of them."
    elif unknown:
        problem = f"{unknown[0]!r} is none of {', '.join(_KEYS)}.{_nearest(unknown[0], _KEYS)}"
    elif not isinstance(entry.get("ids"), list) or not all(_is_byte(raw) for raw in entry["ids"]):
        problem = f"ids={entry.get('ids')!r} must be a list of raw ids, 0 to {RAW_IDS - 1}."
    elif not isinstance(color, list) or len(color) != 3 or not all(_is_byte(value) for value in color):
        problem = f"color={color!r} must be three numbers, 0 to 255."
    elif unclear:
        problem = f"{unclear[0]}={entry[unclear[0]]!r} must be true or false."
    if problem is not None:
        raise ConfigurationError(f"{path}: class {len(before)}, {name!r}: {problem}")


def _nearest(word: object, known: Sequence[object]) -> str:
    """Which of the known words was probably meant, as a sentence; empty if none is similar."""
    found = get_close_matches(str(word), [str(each) for each in known], 1)
    return f" Is {found[0]!r} meant?" if found else ""


def _require_distinct_colors(path: Path, classes: Sequence[Mapping[str, Any]]) -> None:
    owners: dict[tuple[int, ...], str] = {}
    for entry in classes:
        if "color" not in entry:
            continue
        other = owners.setdefault(tuple(entry["color"]), entry["name"])
        if other != entry["name"]:
            raise ConfigurationError(
                f"{path}: color={entry['color']} is {other!r} and {entry['name']!r}; change one, or leave it out to "
                "have one generated."
            )


def _is_byte(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < RAW_IDS


def _table(path: str | Path, classes: Sequence[Mapping[str, Any]]) -> tuple[int, ...]:
    """The class index of each raw id, -1 if it has none."""
    table = [-1] * RAW_IDS
    for index, entry in enumerate(classes):
        for raw in entry["ids"]:
            if table[raw] >= 0:
                if table[raw] == index:
                    raise ConfigurationError(f"{path}: class {index}, {entry['name']!r}: raw id {raw} is given twice.")
                other = classes[table[raw]]["name"]
                raise ConfigurationError(f"{path}: raw id {raw} is {other!r} and {entry['name']!r}; it can be but one.")
            table[raw] = index
    return tuple(table)
