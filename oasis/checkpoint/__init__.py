"""Finding, checking and restoring checkpoints."""

from oasis.checkpoint.finding import find_checkpoint
from oasis.checkpoint.reading import load
from oasis.checkpoint.restoring import Restored, restore
from oasis.checkpoint.resuming import find_to_resume, require_something_left
from oasis.checkpoint.safe_config import require_safe
from oasis.checkpoint.starting import start_from

__all__ = [
    "Restored",
    "find_checkpoint",
    "find_to_resume",
    "load",
    "require_safe",
    "require_something_left",
    "restore",
    "start_from",
]
