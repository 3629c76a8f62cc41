"""The files of a split's cached samples, and their validation.

A folder of four plain `.npy` files, one row per sample, and an index. Rows have a fixed size and are read by one copy
from the page cache, which all processes of a machine share. LMDB, HDF5 and zarr would add a library, locks or chunks
without a benefit; WebDataset's archives can only be read sequentially, and a stream of samples that resumes within an
epoch needs random access.
"""

import hashlib
import json
import math
import warnings
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from oasis.data.file_samples import FileSamples
from oasis.data.scaling import Stretch
from oasis.errors import DatasetError
from oasis.files import cache_folder
from oasis.label_files import INSTANCES_PER_CLASS, first_instance
from oasis.labels import LabelSpace

VERSION = 3
"""Incremented whenever the arrays made of the same source files, or their layout, change."""

INDEX = "index.json"
_DAMAGED = "damaged.txt"  # written by the process that found a wrong checksum


@dataclass(frozen=True)
class Field:
    """One array: its dtype, and the shape of one sample's row."""

    dtype: DTypeLike
    shape: tuple[int, ...]

    @property
    def row_bytes(self) -> int:
        """Bytes of one sample."""
        return np.dtype(self.dtype).itemsize * math.prod(self.shape)


@dataclass(frozen=True)
class Arrays:
    """The arrays of N samples, memory-mapped copy-on-write.

    Attributes:
        image: (N, 3, H, W) uint8.
        label: (N, H, W) uint8 raw label ids.
        instance: (N, H, W) raw instance ids, uint16, or int32 if class 0 or one above 64 has instances.
        checksum: (N,) uint32, see `checksum`.
    """

    image: NDArray[np.uint8]
    label: NDArray[np.uint8]
    instance: NDArray[np.uint16 | np.int32]
    checksum: NDArray[np.uint32]

    def is_sound(self, index: int) -> bool:
        """Whether a sample matches its checksum."""
        found = checksum(self.image[index], self.label[index], self.instance[index])
        return int(self.checksum[index]) in (found, refusal_of(found))

    def refused(self) -> list[int]:
        """The rows of samples that could not be read or stored when they were cached."""
        if not len(self.checksum):
            return []
        blank = checksum(*(np.zeros_like(rows[0]) for rows in (self.image, self.label, self.instance)))
        return np.flatnonzero(self.checksum == refusal_of(blank)).tolist()


class Container:
    """The cached samples of one split, which need not exist yet.

    Args:
        source: the dataset that is cached, with its current files.
        base: the folder of all containers; None = `samples` in the project's cache.

    Attributes:
        source: as given.
        folder: of this container, unique for each root, class of the dataset, split, size and label settings.
        index: the text of its index: version, settings, and every source file with its size and modification time.
    """

    def __init__(self, source: FileSamples, base: str | Path | None = None) -> None:
        self.source = source
        root = source.root.resolve()
        settings = _settings(source)
        parent = (cache_folder() / "samples") if base is None else Path(base).expanduser().absolute()
        name = f"{source.split}-{source.height}x{source.width}-{_digest(settings)}"
        self.folder = parent / f"{root.name}-{_digest(str(root))}" / name
        states = source.file_states()
        content = {
            "format": "oasis cached samples",
            "version": VERSION,
            "root": str(root),
            "settings": {**settings, **{f"dataset.{key}": value for key, value in source.dataset.identity().items()}},
            "sources": {path.relative_to(source.root).as_posix(): list(state) for path, state in states.items()},
            "names": [files.name for files in source.files],
        }
        self.index = json.dumps(content, indent=0) + "\n"

    def __len__(self) -> int:
        return len(self.source)

    @property
    def fields(self) -> dict[str, Field]:
        """The layout of each array; the checksum is written last, so that a row with a checksum is complete."""
        size = (self.source.height, self.source.width)
        return {
            "image": Field(np.uint8, (3, *size)),
            "label": Field(np.uint8, size),
            "instance": Field(_instance_type(self.source.label_space), size),
            "checksum": Field(np.uint32, ()),
        }

    @property
    def bytes(self) -> int:
        """The size of all samples."""
        return len(self) * sum(field.row_bytes for field in self.fields.values())

    def exists(self) -> bool:
        """Whether the folder exists, valid or not."""
        return self.folder.exists()

    def fault(self) -> str | None:
        """Why the container cannot be used, or None. Cheap: checksums are compared as samples are read."""
        try:
            self.open()
        except DatasetError as error:
            return str(error)
        return None

    def open(self) -> Arrays:
        """Map the arrays.

        Raises:
            DatasetError: made from other files, settings or by another version; corrupt; or known to be damaged.
        """
        reason = self._difference()
        if reason is None and (self.folder / _DAMAGED).exists():
            reason = f"a checksum was wrong ({(self.folder / _DAMAGED).read_text(encoding='utf-8').strip()})"
        if reason is not None:
            raise DatasetError(f"{self.folder}: {reason}")
        return Arrays(**{name: self._map(name, field) for name, field in self.fields.items()})

    def report_damage(self, index: int) -> None:
        """Warn of a sample with a wrong checksum, and mark the container as damaged."""
        name = self.source.files[index].name
        with suppress(OSError):  # a read-only folder cannot be marked, but its samples are checked
            (self.folder / _DAMAGED).write_text(f"sample {index}, {name}\n", encoding="utf-8")
        warnings.warn(
            f"{self.folder}: the checksum of sample {index} ({name}) is wrong: it is read from the dataset's files "
            "instead. Is the disk failing? Cache the samples anew: oasis prepare with the settings of this run.",
            stacklevel=2,
        )

    def _map(self, name: str, field: Field) -> NDArray[Any]:
        path = self.folder / f"{name}.npy"
        shape = (len(self), *field.shape)
        try:
            # copy-on-write: the page cache is shared, and a careless write cannot reach the file
            array = np.lib.format.open_memmap(path, mode="c")
        except (OSError, ValueError, EOFError) as error:
            raise DatasetError(f"{path}: corrupt ({error})") from error
        if array.shape != shape or array.dtype != field.dtype:
            raise DatasetError(f"{path}: holds {array.dtype} {array.shape}, not {np.dtype(field.dtype)} {shape}")
        if path.stat().st_size != array.offset + array.nbytes:
            raise DatasetError(f"{path}: corrupt ({path.stat().st_size} bytes, not {array.offset + array.nbytes})")
        return np.asarray(array)

    def _difference(self) -> str | None:
        """How the index differs from the source, or None."""
        try:
            text = (self.folder / INDEX).read_text(encoding="utf-8")
            if text == self.index:
                return None
            found = json.loads(text)
        except (OSError, ValueError) as error:
            return f"its {INDEX} cannot be read ({error})"
        wanted = json.loads(self.index)
        if not isinstance(found, dict) or found.get("format") != wanted["format"]:
            return f"its {INDEX} is not one of cached samples"
        if found.get("version") != VERSION:
            return f"written by version {found.get('version')} of this format, but this is version {VERSION}"
        if found.get("settings") != wanted["settings"]:
            return f"cached with other settings: {_changes(found.get('settings'), wanted['settings'])}"
        return f"the source files changed since: {_changes(found.get('sources'), wanted['sources'])}"


def checksum(image: NDArray[np.uint8], label: NDArray[np.uint8], instance: NDArray[np.uint16 | np.int32]) -> int:
    """CRC-32 of one sample's bytes: image, label, instance. A tenth of a millisecond at 256x512.

    Args:
        image: (3, H, W) uint8.
        label: (H, W) uint8.
        instance: (H, W) uint16 or int32.
    """
    return zlib.crc32(instance.data, zlib.crc32(label.data, zlib.crc32(image.data)))


def refusal_of(crc: int) -> int:
    """The checksum value of a placeholder row for a sample that cannot be read or stored.

    The row has zeros and a checksum that does not match: a reader without support for refusals takes it for damaged
    and reads the sample's files, as one with support does.
    """
    return crc ^ 0xFFFFFFFF


def _settings(source: FileSamples) -> dict[str, str | int]:
    """All settings, but for the dataset's own, that affect a sample or whether it is refused."""
    settings: dict[str, str | int] = {
        "dataset": type(source.dataset).__name__,
        "split": source.split,
        "height": source.height,
        "width": source.width,
        "on_inconsistent_ids": source.on_inconsistent_ids.value,
        "label_space": _digest(repr(source.label_space)),
    }
    is_stretched = source.scaling == Stretch(source.height, source.width)
    return settings if is_stretched else {**settings, "scaling": repr(source.scaling)}


def _instance_type(space: LabelSpace) -> DTypeLike:
    """16 bits if they hold every raw instance id, as in the files of Cityscapes.

    Void may have instances too. At its usual id 0 they would take 32 bits; samples with such are read from their files.
    """
    with_instances = {*space.things, space.ignore_index}
    raw_ids = [raw for raw, index in enumerate(space.raw_to_class) if index in with_instances]
    first = max((first_instance(raw) for raw in raw_ids if raw or space.raw_to_class[raw] in space.things), default=0)
    return np.uint16 if first + INSTANCES_PER_CLASS - 1 <= np.iinfo(np.uint16).max else np.int32


def _digest(value: object) -> str:
    return hashlib.sha256(str(value).encode()).hexdigest()[:8]


def _changes(found: object, wanted: dict[str, object]) -> str:
    """The first few differences between two tables, as text."""
    if not isinstance(found, dict):
        return f"its {INDEX} is damaged"
    words = [
        f"{key} is {_value(value)}, was {_value(found[key])}"
        for key, value in wanted.items()
        if found.get(key, value) != value
    ]
    words += [f"{key} is new" for key in wanted if key not in found]
    words += [f"{key} is gone" for key in found if key not in wanted]
    return "; ".join(words[:3]) + (f"; and {len(words) - 3} more" if len(words) > 3 else "") or "their order"


def _value(value: object) -> object:
    return f"{value[0]} bytes of time {value[1]}" if isinstance(value, list) and len(value) == 2 else value
