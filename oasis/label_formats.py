"""Reading class files in the formats that datasets come with."""

import csv
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from oasis.errors import ConfigurationError

SUFFIXES = (".yaml", ".yml", ".json", ".csv", ".txt")
MAPILLARY_VERSIONS = ("v1.2", "v2.0")
_UNLABELED = "void--unlabeled"  # the ignored class of Mapillary Vistas
_OF_MAPILLARY = {"color": "color", "thing": "instances", "scored": "evaluate"}


def load_class_file(path: Path) -> object:
    """The contents of a class file, plain containers that are not checked yet.

    Returns:
        Whatever a YAML or JSON file holds; of the table of SceneParsing (.csv, .txt), its `ignore` and `classes`.

    Raises:
        ConfigurationError: no such file, or one that cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigurationError(f"{path}: not a class file by its name, which must end in {', '.join(SUFFIXES)}.")
    try:
        text = path.read_text(encoding="utf-8-sig")
        if suffix in (".csv", ".txt"):
            return _from_scene_parsing(text, path)
        return json.loads(text) if suffix == ".json" else load_yaml(text)
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path}: no such class file; looked for from {Path.cwd()}.") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError, json.JSONDecodeError, RecursionError, csv.Error) as error:
        raise ConfigurationError(f"{path}: not a class file that can be read ({error}).") from error


def load_yaml(text: str) -> object:
    """The contents of a YAML text, by the fast parser where there is one."""
    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _from_scene_parsing(text: str, path: Path) -> dict[str, Any]:
    """The table of SceneParsing: Idx is the raw id, Stuff is 1 or, for things, 0, and Name has synonyms.

    Without a column Stuff, as in earlier releases, no class is a thing. 0 is what no class was given to.
    """
    lines = text.splitlines()
    table = csv.DictReader(lines, delimiter="\t" if lines and "\t" in lines[0] else ",")
    for column in ("Idx", "Name"):
        if column not in (table.fieldnames or ()):
            raise ConfigurationError(
                f"{path}: its first line names no column {column}. A table of classes is that of SceneParsing, with "
                "the columns Idx, Stuff and Name; all else is written as YAML or JSON."
            )
    classes: list[dict[str, Any]] = [{"name": "unknown", "ids": [0]}]
    for row in table:
        index, stuff = (row.get("Idx") or "").strip(), (row.get("Stuff") or "1").strip()
        if not index.isdecimal() or stuff not in ("0", "1"):
            raise ConfigurationError(
                f"{path}: line {table.line_num}: Idx={index!r}, Stuff={stuff!r}, but Idx is a raw id, and Stuff 0 or 1."
            )
        name = re.split("[,;]", row["Name"] or "")[0].strip()
        classes.append({"name": name, "ids": [int(index)], "thing": stuff == "0"})
    return {"ignore": "unknown", "classes": classes}


def find_mapillary_config(root: Path, version: str) -> Path | None:
    """The configuration in the folder of Mapillary Vistas, which lists its classes; None if it is missing.

    Args:
        root: the dataset's folder.
        version: one of `MAPILLARY_VERSIONS`; that of the download of v1.2 alone is called `config.json`.
    """
    names = (f"config_{version}.json", *(("config.json",) if version == "v1.2" else ()))
    return next((root / name for name in names if (root / name).is_file()), None)


def mapillary_config(root: str | Path | None, version: str) -> Path:
    """The configuration in the folder of Mapillary Vistas; see `find_mapillary_config`.

    Raises:
        ConfigurationError: no folder is named, or there is none.
    """
    if root is None:
        raise ConfigurationError(
            "label_space=mapillary reads the classes from the dataset's folder: give data.root=FOLDER, or the file: "
            f"label_space=file label_space.path=config_{version}.json"
        )
    found = find_mapillary_config(Path(root).expanduser(), version)
    if found is None:
        raise ConfigurationError(
            f"data.root={root}: no config_{version}.json there, which lists the classes of Mapillary Vistas. Copy it "
            f"from the download, or name it: label_space=file label_space.path=config_{version}.json"
        )
    return found


def from_mapillary(labels: Sequence[Any], path: Path) -> dict[str, Any]:
    """The `labels` of `config_v1.2.json` or `config_v2.0.json` of Mapillary Vistas as `ignore` and `classes`.

    The raw id of a label is its position. Two that are called the same, and those without a `readable` name, get their
    full name, `object--vehicle--car`.

    Raises:
        ConfigurationError: a label without a name, or none is the unlabelled one.
    """
    for index, label in enumerate(labels):
        if not isinstance(label, dict) or not isinstance(label.get("name"), str):
            raise ConfigurationError(f"{path}: label {index} has no name, as all labels of Mapillary Vistas have.")
    readable = {each["name"]: each["readable"] for each in labels if isinstance(each.get("readable"), str)}
    counts = Counter([*readable.values(), *(each["name"] for each in labels if each["name"] not in readable)])
    names = {each["name"]: each["name"] for each in labels}
    names |= {name: short for name, short in readable.items() if counts[short] == 1}
    if _UNLABELED not in names:
        raise ConfigurationError(f"{path}: no label is called {_UNLABELED}, which is the ignored class of Mapillary.")
    classes = [
        {
            "name": names[label["name"]],
            "ids": [index],
            **{ours: label[theirs] for ours, theirs in _OF_MAPILLARY.items() if theirs in label},
        }
        for index, label in enumerate(labels)
    ]
    return {"ignore": names[_UNLABELED], "classes": classes}
