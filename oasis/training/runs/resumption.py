"""Errors of resuming, and the command line to resume."""

import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from oasis.errors import UNREADABLE, CheckpointError, OasisError
from oasis.training.memory import ran_out
from oasis.training.runs.quoting import quoted_value


def explain_failure(error: BaseException, path: str | Path) -> None:
    """Add a cause to an error that was raised by restoring a checkpoint.

    Args:
        error: raised between reading the checkpoint and the first batch.
        path: of the checkpoint.
    """
    if isinstance(error, UNREADABLE) and not isinstance(error, OasisError) and not ran_out(error):
        said = (str(error).splitlines() or [""])[0]
        error.__cause__ = CheckpointError(
            f"{path}: a run cannot resume from it ({type(error).__name__}: {said}). Use another one from the same "
            "folder. HYDRA_FULL_ERROR=1 shows where it failed."
        )


def require_fitting_state(optimizers: Iterable[Optimizer], path: str | Path) -> None:
    """Refuse an optimizer state of other weights, which would fail within a batch, if at all.

    Raises:
        CheckpointError: the message has the shapes.
    """
    for optimizer in optimizers:
        if not optimizer.state:
            raise CheckpointError(
                f"{path}: a run cannot resume from it: it has the state of too few optimizers. Use another one from "
                "the same folder."
            )
        names = {name for state in optimizer.state.values() for name in state}
        for parameter, state in optimizer.state.items():
            for name in names:
                value = state.get(name)
                if not isinstance(value, Tensor) or (value.dim() and value.shape != parameter.shape):
                    found = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
                    raise CheckpointError(
                        f"{path}: a run cannot resume from it: an optimizer's {name} is {found}, its weight "
                        f"{tuple(parameter.shape)}. Use another one from the same folder."
                    )


def mark_validation_due(checkpoint: dict[str, Any]) -> None:
    """Make a run that resumes from this checkpoint validate first.

    Lightning does so if a validation batch was started and not finished; a checkpoint between training and validation
    counts as validated.

    Args:
        checkpoint: about to be written, before a validation.
    """
    progress = checkpoint["loops"]["fit_loop"]["epoch_loop.val_loop.batch_progress"]
    done = progress["total"]["completed"]
    progress["total"] = {"ready": done + 1, "started": done + 1, "processed": done, "completed": done}
    progress["current"] = {"ready": 1, "started": 1, "processed": 0, "completed": 0}


def _program() -> list[str]:
    """The program: a checkout's `train.py`, or `oasis train`."""
    return ["python", sys.argv[0]] if Path(sys.argv[0]).name == "train.py" else ["oasis", "train"]


def command_to_resume(checkpoint: Path, overrides: Sequence[str]) -> str:
    """The command line that resumes from a checkpoint with the settings of this run.

    Args:
        checkpoint: to resume from.
        overrides: the settings of this run.
    """
    kept = [override for override in overrides if not override.startswith("resume=")]
    return shlex.join([*_program(), *kept, f"resume={quoted_value(str(checkpoint))}"])
