"""Label maps at another size than that of the samples."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import torch
from torch import Tensor

from oasis.batch import Batch
from oasis.data.file_samples import Maps
from oasis.data.transforms import compact_instances
from oasis.labels import LabelSpace

_THREADS = 8  # decoding PNG files does not hold Python's lock


class SizedMaps:
    """Reads the label maps of batches at another size, from the files.

    Some scores are published at the size of the dataset's files, whatever size was generated.

    Args:
        read: position in the split -> raw maps at that size; see `LabelMapDataModule.maps_at`.
        label_space: maps the raw ids to classes.
    """

    def __init__(self, read: Callable[[int], Maps], label_space: LabelSpace) -> None:
        self.read = read
        self.label_space = label_space
        self._latest: tuple[list[int], Tensor, Tensor] | None = None

    def __call__(self, batch: Batch) -> Batch:
        """The batch with `label` and `instance` at the other size; everything else stays.

        Args:
            batch: of the split, neither mirrored nor cropped.

        Raises:
            DatasetError: a file has become unreadable.
        """
        index = batch.index.tolist()
        # Several draws of the same maps are scored one after the other: these are read once.
        if self._latest is None or self._latest[0] != index:
            self._latest = index, *self._read(index, batch.label.device)
        _, label, instance = self._latest
        return replace(batch, label=label, instance=instance)

    def _read(self, index: list[int], device: torch.device) -> tuple[Tensor, Tensor]:
        """Classes and numbered instances, (B, H, W) int64 both, as `BatchTransform` makes them."""
        with ThreadPoolExecutor(_THREADS) as pool:
            maps = list(pool.map(self.read, index))
        labels, instances = (
            torch.stack([torch.from_numpy(each) for each in kind]).to(device) for kind in zip(*maps, strict=True)
        )
        return self.label_space.to_classes(labels), compact_instances(instances)
