"""Finding, checking and restoring checkpoints.

`resuming` and `starting`, which need the training code, are imported by what trains.
"""

from oasis.checkpoint.finding import find_checkpoint
from oasis.checkpoint.reading import load
from oasis.checkpoint.restoring import Restored, restore
from oasis.checkpoint.safe_config import require_safe

__all__ = [
    "Restored",
    "find_checkpoint",
    "load",
    "require_safe",
    "restore",
]
