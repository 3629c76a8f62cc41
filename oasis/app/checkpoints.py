"""Which checkpoint the app uses when none is named."""

from pathlib import Path

from oasis.errors import CheckpointError
from oasis.training.callbacks.checkpoints import LAST


def newest_demo(runs: Path) -> Path:
    """The newest checkpoint of a demo run.

    Args:
        runs: the folder of all runs, `paths.runs` of the configuration.

    Returns:
        `runs/demo*/RUN/checkpoints/last.ckpt`, the one written last.

    Raises:
        CheckpointError: there is none; the message says how to make one.
    """
    found = [path for path in runs.glob(f"demo*/**/checkpoints/{LAST}") if path.is_file()]
    if not found:
        raise CheckpointError(
            f"No checkpoint is named, and no demo run is in {runs}/demo*. Make one: `make demo` (7 minutes on 2 CPU "
            "cores), or within a minute, only to see the app at work, `oasis train experiment=smoke name=demo`. "
            "Or name one: `oasis app RUN`."
        )
    return max(found, key=lambda path: path.stat().st_mtime)
