"""What a run prints before it starts and after it ends."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from rich.console import Console

from oasis.models import summarize
from oasis.training.checkpoints import BEST, LAST
from oasis.training.module import OASIS
from oasis.training.resumption import command_to_resume
from oasis.training.signals import Stopped


def list_files(folder: Path) -> None:
    """Print where the files of a finished run are that people look for.

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
        "configuration": folder / "config.yaml",
    }
    console = Console(soft_wrap=True)  # never break a path
    console.print("\nWritten by this run:")
    for name, path in files.items():
        if path is not None and path.is_file():
            console.print(f"  {name:16} {path}")


def print_networks(model: OASIS, height: int, width: int) -> None:
    """Print both networks layer by layer: output shape, parameters, multiply-adds. Computes nothing.

    Args:
        model: holds the networks.
        height: rows of a picture.
        width: columns of a picture.
    """
    condition = torch.empty(1, model.generator.condition_channels, height, width, device="meta")
    image = torch.empty(1, 3, height, width, device="meta")
    console = Console()
    console.print(summarize(model.generator, condition))
    console.print(summarize(model.discriminator, image))


@contextmanager
def telling_how_to_go_on(overrides: Sequence[str]) -> Iterator[None]:
    """Where a signal ends the run within, print why, and the command that goes on with it.

    Args:
        overrides: the settings the run was started with.
    """
    try:
        yield
    except Stopped as stopped:
        if stopped.code:  # of several processes, one says so
            advice = "It has written no checkpoint."
            if stopped.checkpoint is not None:
                advice = f"Go on with\n  {command_to_resume(stopped.checkpoint, overrides)}"
            print(f"{stopped.reason} {advice}", file=sys.stderr)
        raise
