"""Prints the losses of three CPU steps with all their bits: `python tests/loss_fingerprint.py`.

A refactoring that means to change nothing prints the same before and after on the same machine. The test suite compares
with `tests/golden/losses.json` loosely, since other machines round otherwise; `--write` renews that file.
"""

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "golden" / "losses.json"
OVERRIDES = [
    "experiment=smoke",
    "speed=oasis/reference",
    "data.streets.train=8",
    "data.streets.val=2",
    "trainer.max_epochs=1",
    "trainer.limit_train_batches=3",
    "trainer.limit_val_batches=0",
]


def losses() -> list[dict[str, float]]:
    """The loss terms of each step, float32."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "train.py", *OVERRIDES, f"paths.output_dir={folder}/run"]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with (Path(folder) / "run" / "metrics.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
    terms = sorted(name for name in rows[0] if name.startswith(("generator/", "discriminator/")))
    return [{name: float(row[name]) for name in terms} for row in rows]


if __name__ == "__main__":
    found = losses()
    for step in found:
        print({name: value.hex() for name, value in step.items()})
    if "--write" in sys.argv:
        GOLDEN.write_text(json.dumps(found, indent=2) + "\n")
