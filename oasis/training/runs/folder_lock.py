"""A lock of run folders, so that two processes do not overwrite each other's checkpoints."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pytorch_lightning.utilities import rank_zero_only

from oasis.errors import ConfigurationError

LOCK = ".lock"


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Context manager that locks the folder of a run.

    The operating system releases the lock when the process ends. Child processes do not inherit it; of the processes
    of one run, the first one holds it. Does nothing if the file system does not support locks, or the folder is
    read-only.

    Args:
        folder: of the run; created if missing.

    Raises:
        ConfigurationError: another process holds the folder.
    """
    handle = _open(folder) if getattr(rank_zero_only, "rank", 0) == 0 else None
    if handle is None:
        yield
        return
    with handle:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            handle.seek(0)
            raise ConfigurationError(
                f"{folder} is in use: {handle.read().strip() or 'another process'} is training there. Wait until "
                "it has ended, or start under another name (name=...). A sweep may be started again then; it goes on "
                "with what is not finished."
            ) from error
        except OSError:
            pass  # no locks on this file system
        else:
            handle.truncate(0)
            handle.write(f"process {os.getpid()} of {socket.gethostname()}\n")
            handle.flush()
        yield


def _open(folder: Path) -> IO[str] | None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / LOCK).open("a+", encoding="utf-8")
    except OSError:
        return None
