"""The data module: datasets as encoded batches."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.utils.data
from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader, Subset, default_collate

from oasis.batch import Batch
from oasis.data.batch_transform import BatchTransform
from oasis.data.cache import Container, build_cache
from oasis.data.consistency import OnInconsistentIds
from oasis.data.dataset import Dataset
from oasis.data.faults import OnBadSample, Tolerance
from oasis.data.file_samples import FileSamples
from oasis.data.files.opening import MAX_PIXELS
from oasis.data.loading import make_loader, require_timeout, worker_failure
from oasis.data.sample import Sample, Split
from oasis.data.sampler import StreamSampler
from oasis.data.samples import Samples
from oasis.data.scaling import Preparation
from oasis.data.settings import (
    require_batch_size,
    require_even_split,
    require_full_batch,
    require_pixels,
    require_use,
    require_workers,
    skip_validation,
)
from oasis.data.sharing import Share
from oasis.data.sized_maps import SizedMaps
from oasis.data.splits import Splits
from oasis.encodings import Encoding
from oasis.labels import LabelSpace


class LabelMapDataModule(LightningDataModule):
    """Reads the samples of a dataset and encodes each batch once, on the device.

    Args:
        dataset: lists and reads the files.
        encoding: encodes the label maps.
        label_space: maps the raw ids to classes.
        height: rows of a sample.
        width: columns of a sample.
        resize: (height, width) of training samples before a random crop; see `Preparation`.
        short_side: pixels of the shorter side before a crop; see `Preparation`.
        batch_size: samples per training or validation batch, over all processes.
        num_workers: processes that read; 0 = the training process does; None = one per core, at most 8, for files; 0
            for cached samples, which are copied faster than passed between processes.
        pin_memory: page-locked batches; None = if there is a GPU.
        flip: mirror half of the training samples left to right.
        seed: of shuffling.
        on_inconsistent_ids: how to handle thing pixels that have another class in the label map: `error`, or
            `trust_instances`; see `OnInconsistentIds`.
        on_bad_sample: how to handle a sample that cannot be read: `error`, or `skip`; see `OnBadSample`.
        max_bad_share: under `skip`, the share of a split that may be bad.
        max_pixels: the most pixels that a file's header may claim.
        worker_timeout: seconds to wait for a batch of the processes that read; 0 = no timeout.
        use_cache: read samples that `oasis prepare` decoded and resized, if there are any; else the files.
        build_cache: decode and resize all samples on first use, see `oasis.data.cache.build_cache`.
        cache_folder: the folder of cached samples; None = in the project's cache.

    Attributes:
        source: the dataset.

    Raises:
        ConfigurationError: batch_size below 1, or above the size of the training split; no such policy.
        DatasetError: see `FileSamples`.
    """

    def __init__(
        self,
        dataset: Dataset,
        encoding: Encoding,
        label_space: LabelSpace,
        height: int = 256,
        width: int = 512,
        resize: Sequence[int] | None = None,
        short_side: int | None = None,
        batch_size: int = 20,
        num_workers: int | None = None,
        pin_memory: bool | None = None,
        flip: bool = True,
        seed: int = 0,
        on_inconsistent_ids: str = OnInconsistentIds.ERROR,
        on_bad_sample: str = OnBadSample.ERROR,
        max_bad_share: float = 0.05,
        max_pixels: int = MAX_PIXELS,
        worker_timeout: float = 300.0,
        use_cache: bool = True,
        build_cache: bool = False,
        cache_folder: str | None = None,
    ) -> None:
        super().__init__()
        dataset.require_batch(require_batch_size(batch_size))
        require_use(build_cache, use_cache)
        self.source = dataset
        self.encoding, self.label_space = encoding, label_space
        self.height, self.width = height, width
        self.preparation = Preparation(height, width, resize, short_side)
        self.batch_size = batch_size
        self.num_workers = require_workers(num_workers)
        self.pin_memory = torch.cuda.is_available() if pin_memory is None else pin_memory
        self.flip, self.seed = flip, seed
        self.on_inconsistent_ids = OnInconsistentIds(on_inconsistent_ids)
        self.max_pixels = require_pixels(max_pixels)
        self.worker_timeout = require_timeout(worker_timeout)
        self.build_cache = build_cache
        self.batches_served = 0
        self.batch_transform = BatchTransform(encoding, label_space, flip)
        files = partial(
            FileSamples,
            dataset,
            label_space=label_space,
            height=height,
            width=width,
            needs_instances=encoding.needs_instances,
            on_inconsistent_ids=self.on_inconsistent_ids,
            tolerance=Tolerance(on_bad_sample, max_bad_share),
            max_pixels=self.max_pixels,
            scaling=self.preparation.scoring,
        )
        self._splits = Splits(files, self.preparation, use_cache, cache_folder, self.num_workers)

    def prepare_data(self) -> None:
        """Make the dataset and the cached samples if requested and missing. Runs in one process per machine."""
        self.source.prepare()
        if self.build_cache:
            for split in self.cached_splits:
                build_cache(self.container(split))

    def setup(self, stage: str | None = None) -> None:
        """List and check the files of the splits that training reads. Without validation samples, nothing is scored."""
        require_even_split(self.batch_size, self._share[1])
        if self.trainer is not None:
            self._splits.run_folder = Path(self.trainer.default_root_dir)
        require_full_batch(self._splits.all("train"), self.batch_size)
        if self.has_validation:
            len(self.dataset("val"))  # finds bad samples now, if they are left out
        elif self.trainer is not None:
            skip_validation(self.trainer, self.source.root)

    @property
    def has_validation(self) -> bool:
        """Whether there are samples to validate on."""
        return "val" in self.source.splits()

    @property
    def training_splits(self) -> tuple[Split, ...]:
        """The splits that training reads."""
        return ("train", "val") if self.has_validation else ("train",)

    def dataset(self, split: Split) -> Samples:
        """The samples of one split, listed and checked on first use: cached ones if they are valid.

        With `on_bad_sample=skip`, only those that can be read.
        """
        return self._splits.scored(split)

    def listed(self, split: Split) -> Samples:
        """All samples of one split: with `on_bad_sample=skip` also the bad ones, which are not looked for."""
        return self._splits.all(split)

    def maps_at(self, split: Split, height: int, width: int) -> SizedMaps:
        """Reads the label maps of a split's batches at another size; see `SizedMaps`, `Splits.maps`."""
        return SizedMaps(self._splits.maps(split, height, width), self.label_space)

    def container(self, split: Split) -> Container:
        """The container of a split's cached samples, as training reads them; it need not exist."""
        return self._splits.container(split)

    @property
    def cached_splits(self) -> tuple[Split, ...]:
        """The splits that training reads and whose samples can be cached: they have one size."""
        return tuple(split for split in self.training_splits if self.preparation.of(split).shape is not None)

    def train_dataloader(self) -> DataLoader[Sample]:
        """Shuffled batches from the current position of training on; see `StreamSampler`."""
        dataset = self._splits.trained(self.seed)
        return self._loader("train", dataset, lasting=True, sampler=self._stream(len(dataset)), drop_last=True)

    def val_dataloader(self) -> DataLoader[Sample]:
        """The validation split in order; of several processes each reads an equal part.

        If the split is not divisible, some samples are read twice; `Batch.counted` marks each once.
        """
        return self._loader("val", Share(self.dataset("val"), *self._share), lasting=True)

    def statistics_dataloader(self, batches: int) -> DataLoader[Sample]:
        """The first `batches` of a separate shuffling of the training split, the same at every call.

        For re-estimating BatchNorm statistics: reading it does not change the order of training.
        """
        dataset = self._splits.trained(self.seed)
        size = min(len(dataset), batches * self.batch_size)
        chosen = torch.randperm(len(dataset), generator=torch.Generator().manual_seed(self.seed))[:size].tolist()
        return self._loader("train", Subset(dataset, chosen), drop_last=True)

    def loader_of(self, split: Split, chosen: Sequence[int]) -> DataLoader[Sample]:
        """These samples of a split, in this order, each once."""
        return self._loader(split, Subset(self.dataset(split), chosen))

    def first_samples(self, split: Split, count: int, device: torch.device) -> Batch:
        """The first samples of a split as a batch on `device`."""
        dataset = self.dataset(split)
        samples = default_collate([dataset[i] for i in range(min(count, len(dataset)))])
        return self.encode(self.transfer_batch_to_device(samples, device, 0))

    def encode(self, sample: Sample, positions: list[int] | None = None, seed: int | None = None) -> Batch:
        """Transform samples to a batch, see `BatchTransform`; `seed` None = the data module's."""
        return self.batch_transform(sample, positions, self.seed if seed is None else seed)

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Batch:
        """Flip, normalise and encode, on the device. Lightning calls it for every batch."""
        if self.trainer is None or not self.trainer.training:
            return self.encode(batch)
        positions = list(self._stream().positions(self.batches_served))
        self.batches_served += 1
        return self.encode(batch, positions)

    @property
    def _share(self) -> tuple[int, int]:
        """Rank and number of the processes."""
        return (0, 1) if self.trainer is None else (self.trainer.global_rank, self.trainer.world_size)

    def _stream(self, size: int = 0) -> StreamSampler:
        return StreamSampler(size, self.batch_size, self.seed, lambda: self.batches_served, *self._share)

    def state_dict(self) -> dict[str, Any]:
        """The position of training; Lightning puts it into the checkpoint."""
        return {"batches_served": self.batches_served}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the position of training."""
        self.batches_served = state_dict["batches_served"]

    def on_exception(self, exception: BaseException) -> None:
        """Explain the death of a worker process, wherever torch raised the error."""
        failure = worker_failure(exception)
        if failure is not None:
            exception.__cause__ = failure

    def _loader(
        self, split: Split, dataset: torch.utils.data.Dataset[Sample], lasting: bool = False, **more: Any
    ) -> DataLoader[Sample]:
        return make_loader(
            dataset,
            self._splits.workers(split),
            self.worker_timeout,
            self._splits.reporter(split),
            lasting,
            self.seed,
            batch_size=self.batch_size // self._share[1],
            pin_memory=self.pin_memory,
            **more,
        )
