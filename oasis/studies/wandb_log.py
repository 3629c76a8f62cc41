"""The records of a W&B run file, `run-ID.wandb`.

The messages in it are parsed by W&B's own classes. What frames them is a LevelDB log, a format that has not changed
between W&B 0.10 and 0.31; W&B's own Python code for it is gone since its reader moved into another program.
Source: https://github.com/google/leveldb/blob/main/doc/log_format.md
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from oasis.errors import ConfigurationError

_FILE_HEADER = struct.Struct("<4sHB")
_IDENTITY = (b":W&B", 0xBEE1, 0)
_HEADER = struct.Struct("<IHB")  # checksum, length, kind
_BLOCK = 32768
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


def read_records(path: Path) -> Iterator[Any]:
    """The records of a run file as far as they are whole: a killed run leaves a torn end.

    Args:
        path: of `run-ID.wandb`.

    Yields:
        `wandb.proto.wandb_internal_pb2.Record`, in the order in which they were written.

    Raises:
        ConfigurationError: not such a file.
    """
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped, unused-ignore]
    from wandb.proto import wandb_internal_pb2

    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror}).") from error
    if len(content) < _FILE_HEADER.size or _FILE_HEADER.unpack_from(content) != _IDENTITY:
        raise ConfigurationError(f"{path}: not the file of a W&B run: it does not begin as one.")
    for data in frames(content):
        record: Any = wandb_internal_pb2.Record()  # type: ignore[attr-defined, unused-ignore]
        try:
            record.ParseFromString(data)
        except DecodeError:
            return
        yield record


def frames(content: bytes) -> Iterator[bytes]:
    """The contents of all whole frames of a W&B file; ends at the first that is torn or spoilt."""
    position, parts = _FILE_HEADER.size, b""
    while True:
        left = _BLOCK - position % _BLOCK
        if left < _HEADER.size:  # a header never straddles two blocks
            position += left
            continue
        if position + _HEADER.size > len(content):
            return
        checksum, length, kind = _HEADER.unpack_from(content, position)
        data = content[position + _HEADER.size : position + _HEADER.size + length]
        if len(data) < length or zlib.crc32(data, zlib.crc32(bytes([kind]))) != checksum:
            return
        position += _HEADER.size + length
        if kind in (_FULL, _FIRST):
            parts = b""
        parts += data
        if kind in (_FULL, _LAST):
            yield parts
        elif kind not in (_FIRST, _MIDDLE):
            return
