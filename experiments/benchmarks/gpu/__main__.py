"""All figures of a GPU in one go; `experiments/benchmarks/gpu.sh` says what for, and is how to start it.

Stages have their share of the seconds, and begin earlier if those before end earlier. What would run over is cut; each
row is in the stage's JSON as soon as it is known, and all of them end up in `table.md`.
"""

import argparse
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from experiments.benchmarks.gpu.beforehand import missing, notes

IN_ALL = 480.0  # what the stages' seconds add up to
_KEPT = 2.0  # seconds for the table
_GIGABYTES = {False: 5.0, True: 0.5}  # streets, and what torch.compile keeps


def main(given: Sequence[str] | None = None) -> None:
    """Look for what is missing; then go through the agenda."""
    started = time.monotonic()
    options = _parser().parse_args(given)
    found = missing([options.out.absolute()], _GIGABYTES[options.tiny])
    if found:
        sys.exit("\n".join(found))
    for note in notes():
        print(f"Note: {note}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # the table is still written
    _run(options, started)


def _run(options: argparse.Namespace, started: float) -> None:
    # Packages that were looked for. Whatever uses the GPU does so in a child.
    from experiments.benchmarks.gpu import lines
    from experiments.benchmarks.gpu.sizes import TINY, Sizes
    from experiments.benchmarks.gpu.table import compared, page, write
    from experiments.benchmarks.gpu.tracks import Row, run_tracks

    out, ends = options.out.absolute(), started + options.seconds - _KEPT
    sizes = TINY if options.tiny else Sizes()
    stages = lines.agenda(sizes, options.device, out, ends)
    _clear(out, [stage.name for stage in stages])
    where = _surroundings(options.device, ends, out / "log.txt")
    figures: dict[str, list[Row]] = {}
    try:
        for stage in stages:
            rows = figures[stage.name] = []
            seconds = options.seconds if stage.seconds is None else stage.seconds * options.seconds / IN_ALL

            def tell(row: Row, name: str = stage.name, rows: list[Row] = rows) -> None:
                rows.append(row)
                print(f"{time.monotonic() - started:5.0f} s  {name}: {_short(row)}", flush=True)
                write(out / f"{name}.json", compared(name, rows), where)

            run_tracks(stage.tracks, min(ends, time.monotonic() + seconds), out / "log.txt", tell)
    finally:
        shown = {name: compared(name, rows) for name, rows in figures.items()}
        table = page(shown, where, time.monotonic() - started)
        (out / "table.md").write_text(table, encoding="utf-8")
        print(f"\n{table}", flush=True)


def _surroundings(device: str, ends: float, log: Path) -> dict[str, object]:
    """Commit, device and versions; ends the program where there is no such device."""
    from experiments.benchmarks.gpu.tracks import Line, Row, run_tracks

    def look() -> list[Row]:
        import torch

        from experiments.benchmarks.measuring import surroundings

        torch.empty(1, device=device)
        return [{"name": "device", **surroundings(device), "tf32_convolutions": torch.backends.cudnn.allow_tf32}]

    found: list[Row] = []
    run_tracks([[Line("device", look)]], ends, log, found.append)
    if reason := found[0].get("error", found[0].get("cut")):
        sys.exit(
            f"No {device} device that torch can use: {reason}. Does `nvidia-smi` show a GPU, and was torch built for "
            "it? A dry run without one: TINY=1 DEVICE=cpu experiments/benchmarks/gpu.sh"
        )
    return {name: value for name, value in found[0].items() if name != "name"}


def _clear(out: Path, stages: Sequence[str]) -> None:
    """Remove what an earlier run has left: only figures of one run are compared."""
    out.mkdir(parents=True, exist_ok=True)
    for name in ("log.txt", "table.md", *(f"{stage}.json" for stage in stages)):
        (out / name).unlink(missing_ok=True)
    shutil.rmtree(out / "training", ignore_errors=True)


def _short(row: dict[str, object]) -> str:
    shown = (f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in row.items())
    return ", ".join(shown).removeprefix("name ")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=IN_ALL, help="for everything (default: %(default)g)")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where all files go")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"), help="default: %(default)s")
    parser.add_argument("--tiny", action="store_true", help="tiny networks and pictures: is everything connected?")
    return parser


if __name__ == "__main__":
    main()
