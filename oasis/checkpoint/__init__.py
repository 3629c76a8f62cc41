"""From a checkpoint file back to a run: finding it, trusting it, rebuilding what it holds."""

from oasis.checkpoint.finding import find_checkpoint
from oasis.checkpoint.reading import load
from oasis.checkpoint.restoring import Restored, restore
from oasis.checkpoint.resuming import find_to_resume
from oasis.checkpoint.safe_config import require_safe
from oasis.checkpoint.starting import start_from

__all__ = ["Restored", "find_checkpoint", "find_to_resume", "load", "require_safe", "restore", "start_from"]
