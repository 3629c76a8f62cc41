"""Which checkpoint the app uses when none is named."""

from pathlib import Path

from oasis.run_names import CHECKPOINTS, LAST


def newest_demo(runs: Path) -> Path | None:
    """The newest checkpoint of a demo run.

    Args:
        runs: the folder of all runs, `paths.runs` of the configuration.

    Returns:
        `runs/demo*/RUN/checkpoints/last.ckpt`, the one written last; None if there is none.
    """
    found = [path for path in runs.glob(f"demo*/**/{CHECKPOINTS}/{LAST}") if path.is_file()]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)
