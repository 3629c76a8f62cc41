"""The summary of a run, `summary.json`."""

import json
import math
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn

import oasis
from oasis.data import LabelMapDataModule
from oasis.errors import CheckpointError
from oasis.files import write_json
from oasis.metrics import split_class
from oasis.migration import migrated_metrics
from oasis.training.base import data_of, find_callback
from oasis.training.callbacks.checkpoints import ConfigInCheckpoint
from oasis.training.callbacks.metrics import REAL, UNTRAINED, Metrics
from oasis.training.callbacks.progress import reached_end, total_batches
from oasis.training.module import as_gan_module
from oasis.training.preregistration import Preregistration
from oasis.training.runs.identity import fingerprint
from oasis.training.runs.peak_memory import PeakMemory
from oasis.training.runs.provenance import commit, device_name
from oasis.training.runs.throughput import Pace

SUMMARY = "summary.json"
VERSION = 1
_SCORES = ("metrics", REAL, UNTRAINED)
# Groups of the configuration that name a part of the model or its data, in the order in which reports list them.
PARTS = ("encoding", "discriminator", "model", "generator", "objective", "schedule", "data", "label_space")


class RunSummary(Callback):
    """Writes `summary.json` when training ends: configuration, scores and costs.

    It covers all batches that the final weights were trained on, including those before resuming, each counted once.
    The file is written atomically; an interrupted run has none, or `finished: false`.

    Args:
        path: the file.
        name: of the experiment.
        choices: group -> chosen option in conf/; those of groups outside `PARTS` are left out.
        seed: of the run.
        preregistration: the plan that it belongs to, if any.

    Raises:
        ConfigurationError: the plan has no such seed.
    """

    def __init__(
        self,
        path: str,
        name: str,
        choices: Mapping[str, str | None],
        seed: int,
        preregistration: Preregistration | None = None,
    ) -> None:
        self.path = Path(path)
        self.name = name
        self.choices = choices_of_parts(choices)
        self.seed = seed
        self._plan = preregistration.record(seed) if preregistration else None
        self._pace = Pace()
        self._memory = PeakMemory()
        self._scores: dict[str, dict[str, float]] = {}  # of the last validation, and references
        self._protocols: dict[str, str] = {}  # of the last validation's scores
        self._seconds = 0.0  # before this process
        self._began: float | None = None
        self._ended: float | None = None
        self._commit: str | None = None

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Records state that may change during the run."""
        self._commit = commit() if trainer.is_global_zero else None
        self._memory.begin(pl_module.device)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Starts the clock."""
        self._began, self._ended = time.monotonic(), None
        self._pace.start(as_gan_module(pl_module).images_seen)
        self._memory.resume()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Updates the speed, without waiting for the device."""
        self._pace.tick(as_gan_module(pl_module).images_seen)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Excludes validation from the peak memory of training."""
        self._memory.read()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stores the scores."""
        self._memory.resume()
        if trainer.sanity_checking:
            return
        losses = {
            name: float(value) for name, value in trainer.callback_metrics.items() if name.startswith("val/")
        }  # read here, since validation has just synchronised the device
        metrics = find_callback(trainer, Metrics)
        self._scores = {"metrics": losses | (metrics.latest if metrics else {})}
        self._protocols = metrics.protocols if metrics else {}
        for reference in (REAL, UNTRAINED):
            known = metrics.references.get(reference, {}) if metrics else {}
            self._scores[reference] = {name: value for name, value in known.items() if split_class(name)[1] is None}

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stops the clock."""
        self._memory.read()
        self._ended = time.monotonic()

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Writes the summary, even if a resumed run has nothing left to train."""
        if trainer.is_global_zero:
            write_json(self.path, self.content(trainer, pl_module))

    def content(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        """The content of the file: plain containers, with None for unknown or non-finite values."""
        module, total = as_gan_module(pl_module), total_batches(trainer)
        config = find_callback(trainer, ConfigInCheckpoint)
        return {
            "version": VERSION,
            "name": self.name,
            "choices": self.choices,
            "preregistration": self._plan,
            "dataset": _dataset(data_of(trainer)),
            "seed": self.seed,
            "batches": module.batches_seen,
            "images": module.images_seen,
            "batch_size": data_of(trainer).batch_size,
            "max": {"epochs": trainer.max_epochs, "batches": int(total) if math.isfinite(total) else None},
            "finished": reached_end(trainer),
            **{group: _finite(self._scores.get(group, {})) for group in _SCORES},
            "protocols": self._protocols,
            "parameters": {"generator": _count(module.generator), "discriminator": _count(module.discriminator)},
            "images_per_second": self._pace.median(),
            "peak_memory_mib": self._memory.peak_mib,
            "peak_memory_of": self._memory.of,
            "seconds": self._elapsed(),
            "device": device_name(pl_module.device),
            "devices": trainer.world_size,
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "panoptic_oasis": _own_version(),
            "commit": self._commit,
            "fingerprint": fingerprint(config.config) if config else None,
        }

    def state_dict(self) -> dict[str, Any]:
        """The counters."""
        if self._began is not None and self._ended is None:
            self._memory.read()
        return {
            "pace": self._pace.state_dict(),
            "peak_mib": self._memory.peak_mib,
            "seconds": self._elapsed(),
            "scores": self._scores,
            "protocols": self._protocols,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores the counters."""
        self._pace.load_state_dict(state_dict["pace"])
        self._memory.peak_mib = state_dict["peak_mib"]
        self._seconds = state_dict["seconds"]
        self._scores = {group: migrated_metrics(scores) for group, scores in state_dict["scores"].items()}
        self._protocols = state_dict.get("protocols", {})

    def _elapsed(self) -> float:
        if self._began is None:
            return self._seconds
        return self._seconds + (time.monotonic() if self._ended is None else self._ended) - self._began


def choices_of_parts(choices: Mapping[str, Any]) -> dict[str, str]:
    """The chosen options of the groups in `PARTS`, and of groups below them, such as `generator/panoptic`.

    Args:
        choices: Hydra's `runtime.choices`.
    """
    below = sorted(group for group in choices if "/" in group and group.split("/")[0] in PARTS)
    return {group: str(choices[group]) for group in (*PARTS, *below) if choices.get(group) is not None}


def read_summary(folder: Path) -> dict[str, Any] | None:
    """The summary of the run in a folder; None if there is none.

    Args:
        folder: the run folder.

    Raises:
        CheckpointError: an invalid file.
    """
    path = folder / SUMMARY
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error}). Delete it; the run is then resumed.") from error
    if not isinstance(content, dict) or content.get("version") != VERSION:
        raise CheckpointError(f"{path}: not a summary of version {VERSION}. Move its folder out of the way.")
    groups = {name: migrated_metrics(content[name]) for name in _SCORES if isinstance(content.get(name), dict)}
    return {**content, **groups}


def _dataset(data: LabelMapDataModule) -> dict[str, Any]:
    """Machine-independent identification of the dataset."""
    return {
        **data.source.identity(),
        "height": data.height,
        "width": data.width,
        "photos": len(data.dataset("train")),
    }


def _finite(scores: Mapping[str, float]) -> dict[str, float | None]:
    values = {name: float(value) if isinstance(value, Tensor) else value for name, value in scores.items()}
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _own_version() -> str:
    try:
        return version("panoptic-oasis")
    except PackageNotFoundError:  # not installed
        return oasis.__version__
