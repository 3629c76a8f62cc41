"""Datasets in the layout of Cityscapes, as batches that the networks can take."""

import os
from collections.abc import Sequence
from typing import Any, cast

import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Subset, default_collate

from oasis.batch import Batch
from oasis.data.cityscapes import CityscapesDataset, Sample, Split
from oasis.data.consistency import OnInconsistentIds
from oasis.data.prepared import Container, PreparedDataset, prepare
from oasis.data.sampler import StreamSampler
from oasis.data.transforms import compact_instances, flip_some, to_unit_range
from oasis.encodings import Encoding
from oasis.errors import ConfigurationError
from oasis.labels import LabelSpace
from oasis.randomness import Stream, sample_generator
from oasis.streets import SyntheticStreets

TRAINING_SPLITS: tuple[Split, ...] = ("train", "val")


class CityscapesDataModule(LightningDataModule):
    """Reads a dataset in the layout of Cityscapes and encodes each batch once, on the device.

    Args:
        encoding: how label maps are shown to the networks.
        label_space: what the raw ids in the files mean.
        root: the dataset's folder. A root that is named is always what is read.
        streets: synthetic streets, drawn on first use and read where no root is named.
        height: rows of a sample.
        width: columns of a sample.
        batch_size: samples a training or validation batch.
        num_workers: processes that read; 0 = the training process does; None = one a core, at most 8, for files; 0 for
            prepared samples, which are copied sooner than handed from process to process.
        pin_memory: page-locked batches; None = where there is a GPU.
        flip: mirror half of the training samples left to right.
        seed: of shuffling.
        on_inconsistent_ids: what becomes of thing pixels that have another class in the label map: `error`, or
            `trust_instances`; see `OnInconsistentIds`.
        use_prepared: read samples that `oasis prepare` decoded and resized, where there are; else the files.
        prepare: decode and resize all samples on first use, see `oasis.data.prepared.prepare`.
        prepared_folder: where prepared samples are kept; None = in the project's cache.

    Raises:
        ConfigurationError: neither root nor streets; batch_size above what the training split holds; no such policy.
        DatasetError: see `CityscapesDataset`.
    """

    def __init__(
        self,
        encoding: Encoding,
        label_space: LabelSpace,
        root: str | None = None,
        streets: SyntheticStreets | None = None,
        height: int = 256,
        width: int = 512,
        batch_size: int = 20,
        num_workers: int | None = None,
        pin_memory: bool | None = None,
        flip: bool = True,
        seed: int = 0,
        on_inconsistent_ids: str = OnInconsistentIds.ERROR,
        use_prepared: bool = True,
        prepare: bool = False,
        prepared_folder: str | None = None,
    ) -> None:
        super().__init__()
        if root is None and streets is None:
            raise ConfigurationError(
                "No dataset is named. Give data.root=FOLDER (Cityscapes: leftImg8bit and gtFine inside; get it "
                "with csDownload) or set CITYSCAPES_DATASET, or train on synthetic streets: data=synthetic."
            )
        if batch_size < 1:
            raise ConfigurationError(f"data.batch_size={batch_size}: at least 1 is needed.")
        if num_workers is not None and num_workers < 0:
            raise ConfigurationError(f"data.num_workers={num_workers}: 0 reads in the training process, null chooses.")
        if root is None and streets is not None and (streets.train < batch_size or streets.val < 1):
            counts = f"data.streets.train={streets.train} data.streets.val={streets.val}"
            raise ConfigurationError(f"{counts}: at least one batch ({batch_size}) and one street are needed.")
        if prepare and not use_prepared:
            raise ConfigurationError(
                "data.prepare=true data.use_prepared=false: prepared to be left unread; choose one."
            )
        self.encoding = encoding
        self.label_space = label_space
        self.root = root
        self.streets = streets
        self.height = height
        self.width = width
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.pin_memory = torch.cuda.is_available() if pin_memory is None else pin_memory
        self.flip = flip
        self.seed = seed
        self.on_inconsistent_ids = OnInconsistentIds(on_inconsistent_ids)
        self.use_prepared = use_prepared
        self.prepare = prepare
        self.prepared_folder = prepared_folder
        self.batches_served = 0
        self._datasets: dict[Split, CityscapesDataset | PreparedDataset] = {}

    def prepare_data(self) -> None:
        """Make what is wanted and not there yet: streets, prepared samples. Runs in one process a machine."""
        if self.root is None and self.streets is not None:
            self.streets.write()
        if self.prepare:
            for split in TRAINING_SPLITS:
                prepare(self.container(split))

    def setup(self, stage: str | None = None) -> None:
        """List and check the files of the splits that training reads."""
        if self.trainer is not None and self.trainer.world_size > 1:
            raise ConfigurationError(
                f"trainer.devices gives {self.trainer.world_size} processes: the order of the data and the random "
                "state are made for one so far. Use trainer.devices=1."
            )
        train = self.dataset("train")
        if len(train) < self.batch_size:
            raise ConfigurationError(
                f"data.batch_size={self.batch_size} is larger than the training split of {train.root}, "
                f"{len(train)} samples: lower it to data.batch_size={len(train)} or less."
            )
        self.dataset("val")

    def dataset(self, split: Split) -> CityscapesDataset | PreparedDataset:
        """The samples of one split, listed and checked on first use: prepared ones where there are good ones."""
        if split not in self._datasets:
            source = self._files(split)
            prepared = PreparedDataset.find(Container(source, self.prepared_folder)) if self.use_prepared else None
            self._datasets[split] = source if prepared is None else prepared
        return self._datasets[split]

    def container(self, split: Split) -> Container:
        """Where the prepared samples of a split belong, whether they are there or not."""
        return Container(self._files(split), self.prepared_folder)

    def _files(self, split: Split) -> CityscapesDataset:
        return CityscapesDataset(
            self.root if self.root is not None else cast(SyntheticStreets, self.streets).folder(),
            split,
            self.label_space,
            self.height,
            self.width,
            self.encoding.needs_instances,
            self.on_inconsistent_ids,
        )

    def train_dataloader(self) -> DataLoader[Sample]:
        """Shuffled batches, read on from where training stands; see `StreamSampler`."""
        dataset = self.dataset("train")
        sampler = StreamSampler(len(dataset), self.batch_size, self.seed, lambda: self.batches_served)
        return self._loader("train", lasting=True, sampler=sampler, drop_last=True)

    def val_dataloader(self) -> DataLoader[Sample]:
        """The validation split in order."""
        return self._loader("val", lasting=True)

    def statistics_dataloader(self, batches: int) -> DataLoader[Sample]:
        """The first `batches` of an own shuffling of the training split, the same at every call.

        For re-estimating BatchNorm statistics: reading it changes nothing about the order of training.
        """
        dataset = self.dataset("train")
        generator = torch.Generator().manual_seed(self.seed)
        size = min(len(dataset), batches * self.batch_size)
        chosen = torch.randperm(len(dataset), generator=generator)[:size].tolist()
        return self._loader("train", chosen, drop_last=True)

    def loader_of(self, split: Split, chosen: Sequence[int]) -> DataLoader[Sample]:
        """These samples of a split, in this order, each once."""
        return self._loader(split, chosen)

    def first_samples(self, split: Split, count: int, device: torch.device) -> Batch:
        """The first samples of a split as a batch on `device`, for pictures that can be compared over time."""
        dataset = self.dataset(split)
        samples = default_collate([dataset[i] for i in range(min(count, len(dataset)))])
        return self.encode(self.transfer_batch_to_device(samples, device, 0))

    def encode(
        self, sample: Sample, flip: Tensor | None = None, training: bool = False, seed: int | None = None
    ) -> Batch:
        """Integers of the files to what the networks take, on whatever device the integers are.

        Args:
            sample: collated samples, see `Sample`, with a leading batch dimension.
            flip: (B,) bool, the samples to mirror.
            training: whether random encodings may draw anew; else they draw the same at every call, for each sample
                its own, whatever batch it is in.
            seed: of what they draw when not training; None = the data module's.
        """
        image, label, instance = sample["image"], sample["label"], sample["instance"]
        if flip is not None:
            image, label, instance = flip_some(flip, image, label, instance)
        label = self.label_space.to_classes(label)
        instance = compact_instances(instance)
        self.encoding.train(training)
        index = torch.as_tensor(sample["index"])
        with torch.no_grad():
            condition = self.encoding(label, instance) if training else self._fixed(label, instance, index, seed)
        return Batch(to_unit_range(image), label, instance, condition, list(sample["name"]), index)

    def _fixed(self, label: Tensor, instance: Tensor, index: Tensor, seed: int | None) -> Tensor:
        """The condition of each sample with random numbers of its own, so that it is the same in any batch."""
        seed = self.seed if seed is None else seed
        sources = [sample_generator(seed, position, Stream.ENCODING) for position in index.tolist()]
        parts = zip(label.unsqueeze(1), instance.unsqueeze(1), sources, strict=True)  # batches of one
        return torch.cat([self.encoding(one_label, one_instance, source) for one_label, one_instance, source in parts])

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Batch:
        """Flip, normalise and encode, on the device. Lightning calls it for every batch."""
        training = self.trainer is not None and self.trainer.training
        flip = None
        if training:
            self.batches_served += 1
            if self.flip:
                flip = torch.rand(len(batch["name"]), device=batch["image"].device) < 0.5
        return self.encode(batch, flip, training)

    def state_dict(self) -> dict[str, Any]:
        """How far training is; Lightning puts it into the checkpoint."""
        return {"batches_served": self.batches_served}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where the checkpoint was written."""
        self.batches_served = state_dict["batches_served"]

    def _loader(
        self, split: Split, chosen: Sequence[int] | None = None, lasting: bool = False, **settings: Any
    ) -> DataLoader[Sample]:
        dataset = self.dataset(split)
        workers = self.num_workers
        if workers is None:
            workers = 0 if isinstance(dataset, PreparedDataset) else min(8, os.cpu_count() or 1)
        return DataLoader(
            dataset if chosen is None else Subset(dataset, chosen),
            batch_size=self.batch_size,
            num_workers=workers,
            persistent_workers=lasting and workers > 0,
            pin_memory=self.pin_memory,
            # its own generator, so that starting a loader leaves the global random state alone
            generator=torch.Generator().manual_seed(self.seed),
            **settings,
        )
