"""The cache: synthetic streets, features of real photos, trained segmenters."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """`$PANOPTIC_OASIS_CACHE`, else `$XDG_CACHE_HOME/panoptic-oasis`, else `~/.cache/panoptic-oasis`."""
    own = os.environ.get("PANOPTIC_OASIS_CACHE")
    if own:
        return Path(own).expanduser().absolute()
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache").absolute() / "panoptic-oasis"
