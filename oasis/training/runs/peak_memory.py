"""Measuring the peak memory of training."""

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
    """The peak memory of training, in MiB.

    On CUDA: what torch allocated on this process's device. Elsewhere: the increase of the process's resident memory
    since the start, with networks and data in place; on Linux the peak is reset at every start, so that the runs of a
    sweep in one process are measured separately, on other systems only a run that needs more than all before is.
    """

    def __init__(self) -> None:
        self.peak_mib: float | None = None
        self._cuda: torch.device | None = None
        self._base = 0.0

    @property
    def of(self) -> str:
        """The kind of memory: `cuda` or `process`."""
        return "process" if self._cuda is None else "cuda"

    def begin(self, device: torch.device) -> None:
        """Measure the baseline.

        Args:
            device: of training.
        """
        self._cuda = device if device.type == "cuda" else None
        if self._cuda is None:
            gc.collect()
            _trim()
            _reset_peak()
            self._base = _resident_peak()

    def resume(self) -> None:
        """Reset the peak."""
        if self._cuda is not None:
            torch.cuda.reset_peak_memory_stats(self._cuda)
        else:
            _trim()  # what was measured meanwhile may still be resident
            _reset_peak()

    def read(self) -> None:
        """Include the peak since `resume`."""
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


def _trim() -> None:
    """Return freed memory to the system."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
