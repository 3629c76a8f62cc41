"""What an experiment's run.sh would train, without training it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def dry_run(experiment: str, script: str = "run.sh", **settings: str) -> tuple[int, list[str], str]:
    """Exit code, lines, and errors of `DRY=1 SCRIPT trainer.max_epochs=2` with these environment variables."""
    done = subprocess.run(
        [ROOT / "experiments" / experiment / script, "trainer.max_epochs=2"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "BIN": str(Path(sys.executable).parent), "DRY": "1", **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.splitlines(), done.stderr
