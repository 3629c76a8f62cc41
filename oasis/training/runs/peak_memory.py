"""The memory that a run takes."""

import ctypes
import gc
import resource
import sys
from contextlib import suppress
from pathlib import Path

import torch

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # of the resident memory; see proc_pid_clear_refs(5)
_MIB = 2**20


class PeakMemory:
    """The most memory that training takes, in MiB.

    On CUDA: what torch allocated on this process's device. Elsewhere: the process's resident memory beyond what it had
    at the start, with networks and data in place; on Linux the peak is reset at every start, so that the runs of a
    sweep in one process are told apart, on other systems it is known only for a run that needs more than all before.
    """

    def __init__(self) -> None:
        self.peak_mib: float | None = None
        self._cuda: torch.device | None = None
        self._base = 0.0

    @property
    def of(self) -> str:
        """What it is the memory of: `cuda` or `process`."""
        return "process" if self._cuda is None else "cuda"

    def begin(self, device: torch.device) -> None:
        """Take the measure that later ones are compared with.

        Args:
            device: trained on.
        """
        self._cuda = device if device.type == "cuda" else None
        if self._cuda is None:
            _give_back()
            _reset_peak()
            self._base = _resident_peak()

    def resume(self) -> None:
        """Look at what comes, and no longer at what was."""
        if self._cuda is not None:
            torch.cuda.reset_peak_memory_stats(self._cuda)
        else:
            _reset_peak()

    def read(self) -> None:
        """Take in the peak since `resume`."""
        if self._cuda is not None:
            peak = torch.cuda.max_memory_allocated(self._cuda) / _MIB
        else:
            peak = _resident_peak() - self._base
        if peak > 0:
            self.peak_mib = max(peak, self.peak_mib or 0.0)


def _resident_peak() -> float:
    """The process's peak of resident memory, in MiB."""
    with suppress(OSError, ValueError, StopIteration):
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (_MIB if sys.platform == "darwin" else 1024)


def _reset_peak() -> None:
    with suppress(OSError):
        _CLEAR_REFS.write_text(_RESET_PEAK)


def _give_back() -> None:
    """Return what runs before have left unused to the system: it would be part of what this run starts with."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
