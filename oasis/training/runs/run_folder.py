"""The folder of a run: its owner, its files, and messages before and after the run."""

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pytorch_lightning.utilities import rank_zero_only
from rich.console import Console
from yaml import YAMLError  # type: ignore[import-untyped, unused-ignore]

from oasis.errors import ConfigurationError
from oasis.files import replacing
from oasis.migration import migrated, stamped
from oasis.models import summarize
from oasis.run_names import BEST, LAST
from oasis.training.callbacks.run_summary import SUMMARY, read_summary
from oasis.training.callbacks.signals import Stopped
from oasis.training.distributed_errors import partner_advice
from oasis.training.memory import memory_advice
from oasis.training.module import GANModule
from oasis.training.runs.folder_lock import LOCK
from oasis.training.runs.identity import differences, essentials, listed
from oasis.training.runs.resumption import command_to_resume

CONFIG = "config.yaml"
SEARCHING = ("last", "auto")  # values of `resume` that are not paths


def finished_before(folder: Path, config: Mapping[str, Any], resume: str | None = None) -> bool:
    """Whether the run that is about to start is already complete in this folder.

    So an interrupted command can be repeated: finished runs are reported in one line and skipped.

    Args:
        folder: of the run.
        config: the resolved configuration, plain containers.
        resume: the setting of the run. If it is a checkpoint's path, nothing is refused or skipped.

    Raises:
        ConfigurationError: the folder belongs to another experiment.
        CheckpointError: its summary is corrupt.
    """
    if resume is not None and resume not in SEARCHING:
        return False
    summary = read_summary(folder)
    if summary is None and not any(folder.glob("checkpoints/*.ckpt")):
        return False  # nothing to lose
    found = list(differences(essentials(config), essentials(read_config(folder))))
    if found:
        raise ConfigurationError(
            f"{folder} holds a run of another experiment:\n{listed(found)}\nNothing there was touched. Start this one "
            f"under another name (name=...), with the settings that are there, or move that folder away."
        )
    if summary is None or summary.get("finished") is not True:
        return False
    print(f"Skipped: {folder} was finished before, after {summary.get('batches')} batches.")
    return True


def discard(folder: Path) -> None:
    """Remove the folder of a run that did not start, if it has only the notes and the log of that start."""
    if {path.name for path in folder.iterdir()} <= {".hydra", "train.log", LOCK}:
        shutil.rmtree(folder, ignore_errors=True)


def write_config(folder: Path, config: dict[str, Any]) -> None:
    """Write `config.yaml` atomically.

    Args:
        folder: of the run.
        config: the resolved configuration, plain containers.
    """
    with replacing(folder / CONFIG) as unfinished:  # all processes of a run write the same file
        OmegaConf.save(OmegaConf.create(stamped(config)), unfinished)


def final_metrics(folder: Path) -> dict[str, float | None]:
    """The scores of the last validation of a finished run, by name; empty if it wrote no summary.

    Args:
        folder: the run folder.
    """
    metrics: dict[str, float | None] = (read_summary(folder) or {}).get("metrics", {})
    return metrics


def read_config(folder: Path) -> dict[str, Any]:
    """The configuration in the folder of a run, migrated to the current format.

    Raises:
        ConfigurationError: it is missing or invalid.
        CheckpointError: it is of a later format.
    """
    path = folder / CONFIG
    try:
        content = OmegaConf.to_container(OmegaConf.load(path))
    except (OSError, UnicodeDecodeError, YAMLError, OmegaConfBaseException) as error:
        raise ConfigurationError(
            f"{path}: cannot be read ({str(error).splitlines()[0]}), so the run in this folder cannot be "
            "compared with this one. Move the folder away, or start under another name (name=...)."
        ) from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path}: not the configuration of a run. Move its folder away.")
    return migrated({str(name): value for name, value in content.items()}, path)


@rank_zero_only
def list_files(folder: Path) -> None:
    """Print the paths of a finished run's main files, once for all processes of the run.

    Args:
        folder: the run folder.
    """
    newest_grid = max(folder.glob("samples/*.png"), default=None)
    files = {
        "samples": newest_grid,
        "loss plot": folder / "losses.png",
        "checkpoint": folder / "checkpoints" / LAST,
        "best checkpoint": folder / "checkpoints" / BEST,
        "metrics": folder / "metrics.csv",
        "configuration": folder / CONFIG,
        "summary": folder / SUMMARY,
    }
    console = Console(soft_wrap=True)  # never break a path
    console.print("\nWritten by this run:")
    for name, path in files.items():
        if path is not None and path.is_file():
            console.print(f"  {name:16} {path}")


def print_networks(model: GANModule, height: int, width: int) -> None:
    """Print both networks layer by layer: output shape, parameters, multiply-adds.

    Args:
        model: has the networks.
        height: rows of a picture.
        width: columns of a picture.
    """
    condition = torch.empty(1, model.condition_channels, height, width, device="meta")
    image = torch.empty(1, 3, height, width, device="meta")
    noise = torch.empty(1, *model.generator.noise_shape, device="meta") if model.generator.noise_dim else None
    segments = torch.zeros(1, height, width, dtype=torch.int64, device="meta")
    console = Console()
    console.print(summarize(model.generator, condition, noise, segments))
    console.print(summarize(model.discriminator, *model.objective.discriminator_inputs(image, condition)))


@contextmanager
def advice(config: Mapping[str, Any], overrides: Sequence[str]) -> Iterator[None]:
    """Context manager that adds advice to errors, if known.

    Args:
        config: the resolved configuration, plain containers.
        overrides: the settings of the run.
    """
    with telling_how_to_go_on(overrides), memory_advice(config), partner_advice():
        yield


@contextmanager
def telling_how_to_go_on(overrides: Sequence[str]) -> Iterator[None]:
    """Context manager that, when a signal ends the run, prints the reason and the command to resume.

    Args:
        overrides: the settings of the run.
    """
    try:
        yield
    except Stopped as stopped:
        if stopped.code:  # only one of several processes prints
            advice = "It has written no checkpoint."
            if stopped.checkpoint is not None:
                advice = f"Resume with\n  {command_to_resume(stopped.checkpoint, overrides)}"
            print(f"{stopped.reason} {advice}", file=sys.stderr)
        raise
