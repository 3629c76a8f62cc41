"""Several processes that train together: what the others do when one of them dies."""

import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch.distributed as dist

from oasis.errors import LostProcessError, OasisError

_LAUNCHER = "PANOPTIC_OASIS_LAUNCHER"  # number of the process that started the others of this machine
_PLACE = re.compile(r"^\[\S*\.cc:\d+\] ")  # in the source of gloo
_LOOK = 1.0  # seconds between looks at it
_GRACE = 10.0  # seconds for a process to find out by itself, and to say so


@contextmanager
def partner_advice() -> Iterator[None]:
    """Turn what a process meets when another one of its run is gone into an error that says so.

    Raises:
        LostProcessError: another process is gone, or hangs for longer than the process group's timeout.
    """
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, OasisError) or not _lost(error):
            raise
        said = _PLACE.sub("", next(iter(str(error).strip().splitlines()), "")).split(". ")[0] or type(error).__name__
        raise LostProcessError(
            f"Another process of this run is gone ({said}). If it has left a message, it is above or in its own "
            "log; without one it was killed, for want of memory perhaps (see `dmesg`). Go on from the last checkpoint "
            "with resume=last."
        ) from error


def _lost(error: RuntimeError) -> bool:
    """Whether this is what talking to a dead process gives: gloo has no class of errors for it."""
    return dist.is_available() and (isinstance(error, dist.DistError) or "gloo" in str(error))


def lead() -> None:
    """Let the processes that this one is about to start know whom to follow."""
    os.environ[_LAUNCHER] = str(os.getpid())


def follow() -> None:
    """End soon after the process that started this one for training together, should that one die.

    Otherwise a process whose launcher is killed before the two have met waits for it for half an hour. torchrun and
    SLURM look after their processes themselves.
    """
    launcher = os.environ.get(_LAUNCHER)
    if launcher is not None and os.environ.get("LOCAL_RANK", "0") != "0":
        threading.Thread(target=_follow, args=(int(launcher),), name="follow-launcher", daemon=True).start()


def _follow(launcher: int) -> None:
    while os.getppid() == launcher:
        time.sleep(_LOOK)
    time.sleep(_GRACE)
    print("error: the process that started this one is gone. Go on with resume=last.", file=sys.stderr, flush=True)
    os._exit(1)
