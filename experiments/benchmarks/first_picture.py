"""How long does a newcomer wait for the first picture, everything being installed?

    python -m experiments.benchmarks.first_picture [--rounds 3] [--json FILE]

Measured from the start of a process: `oasis generate LABELMAP` until it ends, and `oasis app` until the photo of the
first example is in a browser that is already open. Both use the bundled model, in an empty folder, without
this user's settings and runs. Wants chromium, playwright and gradio (the extra `app`). The last line is
`ratio first_picture VALUE`, the goal over the slower median.
"""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median

from rich.console import Console
from rich.table import Table

from experiments.benchmarks.app import browser_page, click_for_photo
from experiments.benchmarks.measuring import ROOT, arguments, report

GOAL = 10.0  # seconds
OASIS = (sys.executable, "-c", "from oasis.cli import app; app()")
LABEL_MAP = ROOT / "docs" / "maps" / "green_cars_instanceIds.png"


def main(arguments_given: Sequence[str] | None = None) -> None:
    """Measure and print."""
    options = arguments(__doc__, rounds=3).parse_args(arguments_given)
    times: dict[str, list[float]] = {"oasis generate": [], "oasis app": []}
    with browser_page() as page:
        for _ in range(options.rounds):
            times["oasis generate"].append(_seconds_of_generate())
            start = time.perf_counter()
            with _app() as address:
                page.goto(address)
                click_for_photo(page, 0, shown="")
                times["oasis app"].append(time.perf_counter() - start)
    rows = [{"what": name, "median": median(each), "slowest": max(each)} for name, each in times.items()]
    table = Table("", "median s", "slowest s", title="from the command to the first picture")
    for row in rows:
        table.add_row(str(row["what"]), f"{row['median']:.1f}", f"{row['slowest']:.1f}")
    Console().print(table)
    report("first_picture", GOAL / max(map(median, times.values())), rows, options)


def _seconds_of_generate() -> float:
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        subprocess.run(
            [*OASIS, "generate", LABEL_MAP, "--output", "photos"], cwd=folder, check=True, capture_output=True
        )
        return time.perf_counter() - start


@contextmanager
def _app() -> Iterator[str]:
    """The app's address, while it runs."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [*OASIS, "app"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            assert process.stdout is not None
            printed = []
            for line in process.stdout:
                printed.append(line)
                if found := re.search(r"http://\S+", line):
                    yield found[0]
                    break
            else:
                raise RuntimeError(f"oasis app ended without an address:\n{''.join(printed)}")
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
