"""Writing cached samples."""

import io
import os
import shutil
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np

from oasis.data.cache.container import INDEX, Container, Field, checksum, refusal_of
from oasis.data.faults import Refusal
from oasis.data.sample import Sample
from oasis.files import sync


class Draft:
    """A folder beside a container, filled row by row, that replaces the container when it is complete.

    A draft of a killed process is continued if it has the same files and settings, after its rows are compared with
    their checksums. Rows are appended to plain files instead of memory maps: a full disk is an `OSError` for the
    former, and kills the process (SIGBUS) for the latter.

    Args:
        container: the container to write.

    Attributes:
        done: how many samples are written.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """

    def __init__(self, container: Container) -> None:
        self.container = container
        self.folder = draft_folder(container)
        self.done = 0
        self._files: dict[str, BinaryIO] = {}
        self._headers = {name: _header(field, len(container)) for name, field in container.fields.items()}

    def __enter__(self) -> Self:
        index = self.folder / INDEX
        if not index.is_file() or index.read_text(encoding="utf-8") != self.container.index:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            for name, header in self._headers.items():
                (self.folder / f"{name}.npy").write_bytes(header)
            index.write_text(self.container.index, encoding="utf-8")
        self._files = {name: (self.folder / f"{name}.npy").open("r+b") for name in self.container.fields}
        self.done = self._good_rows()
        for name, field in self.container.fields.items():
            self._files[name].truncate(len(self._headers[name]) + self.done * field.row_bytes)
            self._files[name].seek(0, os.SEEK_END)
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()

    def append(self, sample: Sample | Refusal) -> None:
        """Write the next sample, or zeros for one that cannot be read, or has a void instance with too high an id."""
        fields = self.container.fields
        if isinstance(sample, Refusal) or sample["instance"].max() > np.iinfo(fields["instance"].dtype).max:
            image, label, instance = (
                np.zeros(fields[n].shape, fields[n].dtype) for n in ("image", "label", "instance")
            )
            crc = np.uint32(refusal_of(checksum(image, label, instance)))
        else:
            image, label = sample["image"].numpy(), sample["label"].numpy()
            instance = sample["instance"].numpy().astype(fields["instance"].dtype)
            crc = np.uint32(checksum(image, label, instance))
        for name, row in {"image": image, "label": label, "instance": instance, "checksum": crc}.items():
            self._files[name].write(row.tobytes())
            self._files[name].flush()  # to the system, so that it survives this process
        self.done += 1

    def publish(self) -> None:
        """Sync the draft to disk, and replace the container with it."""
        for file in self._files.values():
            os.fsync(file.fileno())
            file.close()
        sync(self.folder / INDEX)
        sync(self.folder)
        folder = self.container.folder
        old = folder.with_name(f"{folder.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.rename(old)  # processes that have it open can still read it
        self.folder.rename(folder)
        sync(folder.parent)
        shutil.rmtree(old, ignore_errors=True)

    def _good_rows(self) -> int:
        """The number of leading rows that match their checksums; does not restore the file positions."""
        fields = self.container.fields
        for name, header in self._headers.items():
            if self._files[name].read(len(header)) != header:
                self._rewrite_headers()
                return 0
        for row in range(len(self.container)):
            read = {name: self._files[name].read(field.row_bytes) for name, field in fields.items()}
            if any(len(read[name]) != field.row_bytes for name, field in fields.items()):
                return row
            image, label, instance, crc = (np.frombuffer(read[name], fields[name].dtype) for name in fields)
            found = checksum(image, label, instance)
            if crc[0] not in (found, refusal_of(found)):
                return row
        return len(self.container)

    def _rewrite_headers(self) -> None:
        for name, header in self._headers.items():
            self._files[name].seek(0)
            self._files[name].write(header)


def draft_folder(container: Container) -> Path:
    """The folder of a container's draft."""
    return container.folder.with_name(f"{container.folder.name}.part")


def _header(field: Field, rows: int) -> bytes:
    buffer = io.BytesIO()
    descr = np.lib.format.dtype_to_descr(np.dtype(field.dtype))
    shape = (rows, *field.shape)
    np.lib.format.write_array_header_1_0(buffer, {"descr": descr, "fortran_order": False, "shape": shape})
    return buffer.getvalue()
