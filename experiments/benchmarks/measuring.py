"""Common code of the benchmarks: interleaving, medians, peak memory, provenance.

options = arguments(__doc__)                       # an ArgumentParser with --json, --device, --rounds
seconds = interleaved(contenders, rounds, device)  # {name: median seconds}
peak = peak_memory(contenders["fast"], device)     # bytes beyond what was there before
report("train_step", ratio, rows, options)         # the JSON, and the last line: `ratio train_step 1.93`
"""

import argparse
import ctypes
import json
import platform
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch

ROOT = Path(__file__).parents[2]
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def arguments(description: str | None, *, rounds: int = 5) -> argparse.ArgumentParser:
    """A parser with what every benchmark takes: `--json`, `--device`, `--rounds`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result there")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=rounds, help="turns of each contender (default: %(default)s)")
    return parser


def surroundings(device: torch.device | str = "cpu") -> dict[str, str | int]:
    """Provenance: commit (with `+changes` if there are any), device, and versions."""
    return {
        "commit": _commit(),
        "device": device_name(torch.device(device)),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def device_name(device: torch.device) -> str:
    """What the device calls itself."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    found = re.search(r"model name\s*:\s*(.+)", _read(Path("/proc/cpuinfo")))
    return f"CPU ({found[1] if found else platform.processor() or platform.machine()})"


def seconds_of(act: Callable[[], object], device: torch.device | str = "cpu") -> float:
    """How long one call takes, until the device has done all that it was told to."""
    synchronize(device)
    start = time.perf_counter()
    act()
    synchronize(device)
    return time.perf_counter() - start


def interleaved(
    contenders: Mapping[str, Callable[[], object]],
    rounds: int,
    device: torch.device | str = "cpu",
    *,
    warm_up: int = 1,
) -> dict[str, float]:
    """Let the contenders take turns, so that whatever else the machine does hits them alike.

    Args:
        contenders: what to call, by name.
        rounds: turns of each that count.
        device: that they work on.
        warm_up: turns of each before, which do not count.

    Returns:
        The median of each one's seconds.
    """
    for _ in range(warm_up):
        for act in contenders.values():
            act()
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, act in contenders.items():
            times[name].append(seconds_of(act, device))
    return {name: median(each) for name, each in times.items()}


def peak_memory(act: Callable[[], object], device: torch.device | str = "cpu") -> int:
    """How many bytes one call takes at its peak, beyond those in use before.

    On a GPU what torch has allocated; else what is resident of this process. Outside Linux the peak of the process is
    never forgotten: call it for the smallest first.
    """
    device = torch.device(device)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        act()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before
    before = _reset_resident_peak()
    act()
    return _resident_peak() - before


def synchronize(device: torch.device | str) -> None:
    """Wait until the device has done what it was told to."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)


def report(name: str, ratio: float, rows: Sequence[Mapping[str, Any]], options: argparse.Namespace) -> None:
    """Write the JSON where one was asked for, and print the last line, `ratio NAME VALUE`.

    Args:
        name: of the benchmark.
        ratio: how many times the reference.
        rows: of its table.
        options: what it was called with.
    """
    if options.json is not None:
        settings = {key: value for key, value in vars(options).items() if key != "json"}
        if settings.get("root"):
            settings["root"] = Path(settings["root"]).name  # the path on this machine is private
        content = {
            "name": name,
            "ratio": ratio,
            **surroundings(options.device),
            "settings": settings,
            "rows": [dict(row) for row in rows],
        }
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")
    print(f"ratio {name} {ratio:.2f}", flush=True)


def _commit() -> str:
    def git(*command: str) -> str:
        done = subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    return (git("rev-parse", "--short", "HEAD") or "unknown") + ("+changes" if git("status", "--porcelain") else "")


def _reset_resident_peak() -> int:
    """What is resident now, in bytes, the allocator's leftovers given back; the peak counts from here on."""
    if not sys.platform.startswith("linux"):
        return _resident_peak()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
    if trim is not None:
        trim(0)
    try:
        _CLEAR.write_text("5")
    except OSError:  # where a container forbids it, the peak is that of the process's whole life
        return _resident_peak()
    return _status("VmRSS")


def _resident_peak() -> int:
    if _STATUS.exists():
        return _status("VmHWM")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _status(field: str) -> int:
    found = re.search(rf"{field}:\s+(\d+) kB", _read(_STATUS))
    return int(found[1]) * 1024 if found else 0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
