"""Handling the death of one of several processes that train together."""

import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch.distributed as dist

from oasis.errors import LostProcessError, OasisError

LAUNCHERS = ("submitit.", "joblib.")
"""How the modules are called that run the jobs of a sweep in processes of their own."""

_LAUNCHER = "PANOPTIC_OASIS_LAUNCHER"  # PID of the process that started the others on this machine
_PLACE = re.compile(r"^\[\S*\.cc:\d+\] ")  # a location in gloo's source
_LOOK = 1.0  # seconds between checks of it
_GRACE = 10.0  # seconds for a process to notice and report it by itself


@contextmanager
def partner_advice() -> Iterator[None]:
    """Turn errors of communication with a dead process into one that says so.

    Raises:
        LostProcessError: another process died, or hangs for longer than the process group's timeout.
    """
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, OasisError) or not _lost(error):
            raise
        said = _PLACE.sub("", next(iter(str(error).strip().splitlines()), "")).split(". ")[0] or type(error).__name__
        raise LostProcessError(
            f"Another process of this run is gone ({said}). If it has left a message, it is above or in its own "
            "log; without one it was killed, perhaps because memory ran out (see `dmesg`). Resume from the last "
            "checkpoint with resume=last."
        ) from error


def _lost(error: RuntimeError) -> bool:
    """Whether this is an error of communication with a dead process, for which gloo has no class."""
    return dist.is_available() and (isinstance(error, dist.DistError) or "gloo" in str(error))


def lead() -> None:
    """Export this process's PID to the processes that it starts; see `follow`."""
    os.environ[_LAUNCHER] = str(os.getpid())


def follow() -> None:
    """End soon after the process that started this one for distributed training, if that one dies.

    Otherwise a process whose launcher is killed before the rendezvous waits for half an hour. torchrun and SLURM
    monitor their processes themselves.
    """
    launcher = os.environ.get(_LAUNCHER)
    if launcher is not None and os.environ.get("LOCAL_RANK", "0") != "0":
        threading.Thread(target=_follow, args=(int(launcher),), name="follow-launcher", daemon=True).start()


def _follow(launcher: int) -> None:
    while os.getppid() == launcher:
        time.sleep(_LOOK)
    time.sleep(_GRACE)
    print("error: the process that started this one is gone. Continue with resume=last.", file=sys.stderr, flush=True)
    os._exit(1)
