"""What can go wrong while a checkpoint is taken up again, and what to say to go on from it later."""

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
    """Give an error its cause, if what raised it was the taking up of a checkpoint.

    Args:
        error: raised between the reading of the checkpoint and the first batch.
        path: the checkpoint's.
    """
    if isinstance(error, UNREADABLE) and not isinstance(error, OasisError) and not ran_out(error):
        said = (str(error).splitlines() or [""])[0]
        error.__cause__ = CheckpointError(
            f"{path}: a run cannot go on from it ({type(error).__name__}: {said}). Use another one from the same "
            "folder. HYDRA_FULL_ERROR=1 shows where it failed."
        )


def require_fitting_state(optimizers: Iterable[Optimizer], path: str | Path) -> None:
    """Refuse what an optimizer remembers of other weights: it would be noticed in the middle of a batch, if at all.

    Raises:
        CheckpointError: with the shapes.
    """
    for optimizer in optimizers:
        if not optimizer.state:
            raise CheckpointError(
                f"{path}: a run cannot go on from it: it holds the state of too few optimizers. Use another one from "
                "the same folder."
            )
        names = {name for state in optimizer.state.values() for name in state}
        for parameter, state in optimizer.state.items():
            for name in names:
                value = state.get(name)
                if not isinstance(value, Tensor) or (value.dim() and value.shape != parameter.shape):
                    found = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
                    raise CheckpointError(
                        f"{path}: a run cannot go on from it: an optimizer's {name} is {found}, its weight "
                        f"{tuple(parameter.shape)}. Use another one from the same folder."
                    )


def mark_validation_due(checkpoint: dict[str, Any]) -> None:
    """Have a run that goes on from this checkpoint validate first, from the first batch on.

    Lightning does so where it finds that a validation batch was started and not finished; what is written between
    training and validation, it takes for validated.

    Args:
        checkpoint: on its way to the disk, written before a validation.
    """
    progress = checkpoint["loops"]["fit_loop"]["epoch_loop.val_loop.batch_progress"]
    done = progress["total"]["completed"]
    progress["total"] = {"ready": done + 1, "started": done + 1, "processed": done, "completed": done}
    progress["current"] = {"ready": 1, "started": 1, "processed": 0, "completed": 0}


def _program() -> list[str]:
    """What was called: a checkout's `train.py`, or `oasis train`, which does the same."""
    return ["python", sys.argv[0]] if Path(sys.argv[0]).name == "train.py" else ["oasis", "train"]


def command_to_resume(checkpoint: Path, overrides: Sequence[str]) -> str:
    """The command line that goes on from a checkpoint with the settings of this run.

    Args:
        checkpoint: what to go on from.
        overrides: the settings this run was started with.
    """
    kept = [override for override in overrides if not override.startswith("resume=")]
    return shlex.join([*_program(), *kept, f"resume={quoted_value(str(checkpoint))}"])
