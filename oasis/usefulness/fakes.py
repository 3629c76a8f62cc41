"""The pictures that a generator makes of the training label maps, kept on disk as bytes.

A draw of a generator is a file of rows of one size: a picture and its checksum. It is filled row by row, and complete
when all rows are sound: an interrupted call continues behind the last sound one. Pictures are read through a memory
map, so that memory does not grow with their number.
"""

import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from oasis.checkpoint.fingerprint import fingerprint
from oasis.errors import DatasetError
from oasis.evaluation import EvaluatedModel
from oasis.files import cache_folder, locked
from oasis.scoring.scorer import require_finite
from oasis.visualize import to_bytes

_VERSION = 1  # changes with what is written for the same key
_SPARE = 64 * 2**20  # bytes of the disk that are left free


@dataclass(frozen=True)
class Draw:
    """The file of the pictures that a generator makes of all training maps with one noise seed.

    Attributes:
        path: the file; it need not exist.
        size: number of pictures.
        height: rows of a picture.
        width: columns of a picture.
    """

    path: Path
    size: int
    height: int
    width: int

    @property
    def row(self) -> np.dtype[Any]:
        """A picture, (3, H, W) uint8, and its CRC-32."""
        return np.dtype([("image", np.uint8, (3, self.height, self.width)), ("checksum", np.uint32)])

    def sound(self) -> int:
        """The number of leading rows that match their checksums."""
        if not self.path.is_file():
            return 0
        with self.path.open("rb") as file:
            for number in range(self.size):
                read = file.read(self.row.itemsize)
                if len(read) < self.row.itemsize or zlib.crc32(read[:-4]) != int.from_bytes(read[-4:], "little"):
                    return number
        return self.size

    def pictures(self) -> NDArray[np.uint8]:
        """The pictures of a complete file as a memory map: (N, 3, H, W) uint8, in the order of the training split."""
        rows = np.memmap(self.path, self.row.newbyteorder("<"), mode="r", shape=(self.size,))
        images: NDArray[np.uint8] = rows["image"]
        return images

    def rows(self, pictures: Tensor) -> bytes:
        """Rows of the file from pictures, (B, 3, H, W) uint8."""
        each = (picture.contiguous().cpu().numpy().tobytes() for picture in pictures)
        return b"".join(one + zlib.crc32(one).to_bytes(4, "little") for one in each)


def identity(model: EvaluatedModel) -> str:
    """A hash of everything that a model's pictures depend on, except the label maps and the noise seed."""
    hashed = hashlib.sha256(fingerprint(model.data.encoding, model.generator).encode())
    hashed.update(json.dumps(model.generator_config, sort_keys=True, default=str).encode())
    if model.clusters is not None:
        for tensor in (model.clusters.centers, model.clusters.counts):
            hashed.update(tensor.cpu().contiguous().numpy().tobytes())
    return hashed.hexdigest()[:32]


@dataclass(frozen=True, eq=False)
class Source:
    """A generator, and the files of its pictures.

    Attributes:
        model: the generator and its dataset.
        identity: see `identity`.
        draws: noise seed -> file.
    """

    model: EvaluatedModel
    identity: str
    draws: dict[int, Draw]

    @classmethod
    def of(cls, model: EvaluatedModel, seeds: Sequence[int], device: torch.device) -> "Source":
        """Find the files of a model's pictures of its training maps.

        Args:
            model: its batch size may change how pictures are rounded.
            seeds: of the noise.
            device: where they are generated, which may change how they are rounded.
        """
        data = model.data
        maps = data.dataset("train")
        own = identity(model)
        key = {
            "what": "fakes of the training maps",
            "version": _VERSION,
            "maps": maps.fingerprint(),
            "model": own,
            "batch size": data.batch_size,
            "device": device.type,
        }

        def draw(seed: int) -> Draw:
            name = hashlib.sha256(json.dumps({**key, "seed": seed}, sort_keys=True).encode()).hexdigest()[:32]
            return Draw(cache_folder() / "fakes" / f"{name}.rows", len(maps), data.height, data.width)

        return cls(model, own, {seed: draw(seed) for seed in seeds})

    def missing(self) -> int:
        """Number of pictures that are not generated yet."""
        return sum(draw.size - draw.sound() for draw in self.draws.values())

    def complete(self, device: torch.device, advance: Callable[[int], object]) -> None:
        """Generate what is missing; `advance` is called with numbers of pictures that are there.

        Raises:
            DatasetError: no room on the disk.
            MetricError: NaN or infinity in a picture.
        """
        self.model.generator.to(device)
        for seed, draw in self.draws.items():
            generate_draw(self.model, draw, seed, device, advance)
        self.model.generator.cpu()


def generate_draw(
    model: EvaluatedModel, draw: Draw, seed: int, device: torch.device, advance: Callable[[int], object]
) -> None:
    """Generate the pictures that a draw lacks; of several processes, one does, and the others wait.

    Args:
        model: the generator, on `device`.
        draw: the file.
        seed: of the noise.
        device: where to generate.
        advance: called with the number of new pictures, also of those that were there.

    Raises:
        DatasetError: no room on the disk.
        MetricError: NaN or infinity in a picture.
    """
    with locked(draw.path.with_suffix(".lock"), lambda: None):
        there = draw.sound()
        if there < draw.size:
            there -= there % model.data.batch_size  # the same batches, and so the same bits, as without interruption
        advance(there)
        if there == draw.size:
            return
        _require_room(draw, there)
        with draw.path.open("r+b" if draw.path.exists() else "wb") as file:
            file.truncate(there * draw.row.itemsize)
            file.seek(0, os.SEEK_END)
            for pictures in generated(model, range(there, draw.size), seed, device):
                file.write(draw.rows(pictures))
                file.flush()  # to the system, so that it survives this process
                advance(len(pictures))
            os.fsync(file.fileno())


def generated(model: EvaluatedModel, chosen: range, seed: int, device: torch.device) -> Iterator[Tensor]:
    """The pictures of some training maps, batch by batch: (B, 3, H, W) uint8 on the device."""
    for samples in model.data.loader_of("train", chosen):
        batch, fake = model.generate(model.data.transfer_batch_to_device(samples, device, 0), seed)
        require_finite(batch, fake)
        yield to_bytes(fake)


def _require_room(draw: Draw, there: int) -> None:
    needed = (draw.size - there) * draw.row.itemsize + _SPARE
    free = shutil.disk_usage(draw.path.parent).free
    if needed > free:
        raise DatasetError(
            f"{draw.path.parent} has room for {free / 1e9:.2f} GB, but the {draw.size} generated pictures need "
            f"{needed / 1e9:.2f} GB. Make room, use fewer draws (--fakes-draws), or choose another place by the "
            "environment variable PANOPTIC_OASIS_CACHE."
        )
