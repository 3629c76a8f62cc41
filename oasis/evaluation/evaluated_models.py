"""The compared models: generators, each with the dataset in its own encoding."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from operator import attrgetter
from pathlib import Path
from typing import Any, ClassVar

import torch
from hydra.utils import instantiate
from torch import Tensor

from oasis.batch import Batch
from oasis.checkpoint import Restored, find_checkpoint, restore
from oasis.checkpoint.clusters import read_clusters
from oasis.data import LabelMapDataModule
from oasis.data.sample import Sample, Split
from oasis.errors import ConfigurationError
from oasis.models import FeatureClusters, Generator
from oasis.models.building import build_network
from oasis.models.generating import generate
from oasis.randomness import Stream, sample_generators
from oasis.training import fixed_noise
from oasis.training.requirements import require_segments

DataFactory = Callable[[Restored, Path], LabelMapDataModule]


@dataclass(frozen=True)
class EvaluatedModel:
    """A generator and the dataset that it generates from; a `PictureSource`.

    Attributes:
        name: unique among the compared models.
        origin: the checkpoint's path.
        facts: further details.
        generator: in eval mode, on the CPU until `to`.
        data: the dataset with the generator's own encoding.
        generator_config: the generator's configuration.
        clusters: of a generator with a style per segment, which are drawn from them.
    """

    name: str
    origin: str
    facts: dict[str, str]
    generator: Generator
    data: LabelMapDataModule
    generator_config: dict[str, Any]
    clusters: FeatureClusters | None = None
    generates: ClassVar[bool] = True

    def numbers(self, seeds: Sequence[int]) -> Sequence[int]:
        """The seeds: each is a draw."""
        return seeds

    def maps(self, split: Split) -> Sequence[int]:
        """All label maps of the split."""
        return range(len(self.data.dataset(split)))

    def to(self, device: torch.device) -> None:
        """Move the generator to a device."""
        self.generator.to(device)

    def generate(self, samples: Sample, seed: int) -> tuple[Batch, Tensor]:
        """Generate one picture per label map; the noise depends on seed and sample alone.

        Args:
            samples: collated samples on the generator's device.
            seed: of the noise and of random encodings.

        Returns:
            The batch, and (B, 3, H, W) in [-1, 1].
        """
        batch = self.data.encode(samples, seed=seed)
        with torch.no_grad():
            fake = generate(self.generator, batch, self._noise(batch, seed))
        return batch, fake

    def _noise(self, batch: Batch, seed: int) -> Tensor | None:
        if self.clusters is None:
            return fixed_noise(self.generator, batch, seed)
        sources = sample_generators(seed, batch.index.tolist(), Stream.NOISE)
        return self.clusters.drawn(batch.label, batch.instance, sources)


def open_models(paths: Sequence[Path], make_data: DataFactory) -> list[EvaluatedModel]:
    """Restore the models of checkpoints.

    Args:
        paths: checkpoint files, run folders (their last.ckpt), or folders of runs (their newest).
        make_data: makes the dataset for a checkpoint, such as `own_data`.

    Raises:
        CheckpointError: see `oasis.checkpoint.restore`; or a generator with a style per segment has no clusters.
        ConfigurationError: the data has other classes than a checkpoint; checkpoints of different picture sizes.
        DatasetError: the dataset is missing or invalid.
    """
    files = [find_checkpoint(path) for path in paths]
    restored = [restore(path) for path in files]
    models = []
    for name, path, one in zip(_names(files, restored), files, restored, strict=True):
        data = make_data(one, path)
        data.prepare_data()
        require_same_classes(one, data, path)
        if one.generator.needs_segments:
            require_segments(one.generator, data.dataset("val"))
        clusters = read_clusters(one.encoding, one.generator, path) if one.generator.style_per_segment else None
        config = one.config["generator"]
        models.append(EvaluatedModel(name, str(path), _facts(one), one.generator, data, config, clusters))
    sizes = {model.name: f"{model.data.height}x{model.data.width}" for model in models}
    if len(set(sizes.values())) > 1:
        listing = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise ConfigurationError(
            f"The checkpoints generate pictures of different sizes ({listing}): their scores cannot be compared. "
            "Evaluate them one by one, or all at one size: data.height=256 data.width=512."
        )
    return models


def untrained(model: EvaluatedModel) -> EvaluatedModel:
    """The untrained baseline: the same generator before its first step."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        offered = {
            "condition_channels": model.data.encoding.channels,
            "num_classes": model.data.label_space.num_classes,
        }
        generator = build_network(instantiate(model.generator_config), Generator, offered)
    origin = f"a generator as that of {model.origin}, before its first step"
    return replace(model, name="untrained", origin=origin, facts={}, generator=generator.eval())


def require_same_classes(restored: Restored, data: LabelMapDataModule, path: Path) -> None:
    """Refuse a dataset of other classes than a checkpoint's.

    Raises:
        ConfigurationError: the message has the first difference.
    """
    ours, theirs = data.label_space, restored.label_space
    parts = attrgetter("names", "things", "ignore_index", "evaluated")  # raw ids are those of the files
    if parts(ours) != parts(theirs):
        unlike = ours.differences(theirs, "in the data", "in the checkpoint")
        raise ConfigurationError(
            f"{path} was trained on a label space of {theirs.num_classes} classes, the data has another one of "
            f"{ours.num_classes}: {unlike}. Leave label_space out, so that the data is read as the checkpoint knows it."
        )


def _facts(restored: Restored) -> dict[str, str]:
    config = restored.config
    return {
        "encoding": str(config["encoding"].get("_target_", "")).rsplit(".", 1)[-1],
        "discriminator": str(config.get("discriminator", {}).get("_target_", "")).rsplit(".", 1)[-1],
        "seed": str(config.get("seed", "")),
        "batches seen": str(restored.batches_seen),
    }


def _names(files: Sequence[Path], restored: Sequence[Restored]) -> list[str]:
    """The shortest names that are unique."""
    runs = [str(one.config.get("name", file.stem)) for one, file in zip(restored, files, strict=True)]
    seeds = [f"{run} seed {one.config.get('seed')}" for run, one in zip(runs, restored, strict=True)]
    folders = [f"{run} {file.absolute().parent.parent.name}" for run, file in zip(runs, files, strict=True)]
    stems = [f"{run} {file.stem}" for run, file in zip(runs, files, strict=True)]
    for names in (runs, seeds, folders, stems):
        if len(set(names)) == len(names):
            return names
    numbers = count(1)
    return [f"{run} #{next(numbers)}" for run in runs]
