"""Reading cached samples."""

import warnings
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch

from oasis.data.cache.container import Container
from oasis.data.sample import Sample
from oasis.data.samples import Samples

_OF_A_PROCESS = ("_arrays", "_checked")


class CachedSamples(Samples):
    """The samples of a `FileSamples`, bit-identical, hundreds of times faster.

    Each sample's checksum is compared when a process reads it for the first time. A sample that fails is decoded from
    the dataset's files, with a warning. A sample that could not be read or stored when it was cached is read from its
    files too, without a warning.

    Args:
        container: of the samples.

    Raises:
        DatasetError: the container is missing or invalid; or a sample cannot be read, and the tolerance does not allow
            that.
    """

    decodes = False

    def __init__(self, container: Container) -> None:
        self.container = container
        self.source = container.source
        self.dataset = self.source.dataset
        self.split = self.source.split
        self.label_space = self.source.label_space
        self.height = self.source.height
        self.width = self.source.width
        self.files = self.source.files
        self.tolerance = self.source.tolerance
        self._open()
        for index in sorted(() if self.tolerance.skips else self._refused):
            self.source[index]  # raises its error, if it cannot be read

    @classmethod
    def find(cls, container: Container) -> Self | None:
        """The cached samples if they are valid, else None; warns if they are invalid."""
        if not container.exists():
            return None
        reason = container.fault()
        if reason is None:
            return cls(container)
        warnings.warn(
            f"The cached samples cannot be used: {reason}. The files of the dataset are read instead, which is "
            "slow; `oasis prepare` with the settings of this run, or data.build_cache=true, caches them anew.",
            stacklevel=2,
        )
        return None

    def __getitem__(self, index: int) -> Sample:
        """A copy of one sample; see `Sample`."""
        sample = self._mapped(index)
        return Sample(
            image=sample["image"].clone(),
            label=sample["label"].clone(),
            instance=sample["instance"],
            name=sample["name"],
            index=index,
        )

    def __getitems__(self, indices: Sequence[int]) -> list[Sample]:
        """Samples for a batch as views of the mapped files; collating copies them."""
        return [self._mapped(index) for index in indices]

    def fingerprint(self) -> str:
        """The fingerprint of the source."""
        return self.source.fingerprint()

    def suspects(self) -> Sequence[int]:
        """The samples that could not be read or stored when they were cached."""
        return sorted(self._refused)

    def __getstate__(self) -> dict[str, Any]:
        """Without the arrays: each process maps the files itself."""
        return {name: value for name, value in self.__dict__.items() if name not in _OF_A_PROCESS}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()

    def _open(self) -> None:
        self._arrays = self.container.open()
        self._refused = frozenset(self._arrays.refused())
        self._checked = np.zeros(len(self), dtype=bool)

    def _mapped(self, index: int) -> Sample:
        arrays = self._arrays
        if index in self._refused:
            return self.source[index]
        if not self._checked[index]:
            if not arrays.is_sound(index):
                self.container.report_damage(index)
                return self.source[index]
            self._checked[index] = True
        return Sample(
            image=torch.from_numpy(arrays.image[index]),
            label=torch.from_numpy(arrays.label[index]),
            instance=torch.from_numpy(arrays.instance[index].astype(np.int32)),  # a copy; mostly 16 bits on disk
            name=self.files[index].name,
            index=index,
        )
