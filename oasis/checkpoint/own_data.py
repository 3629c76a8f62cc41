"""The dataset that a checkpoint was trained on."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.utils import instantiate

from oasis.checkpoint.restoring import Restored
from oasis.checkpoint.safe_config import LABEL_SPACES, require_safe
from oasis.data import DATASETS
from oasis.errors import CheckpointError

if TYPE_CHECKING:
    from oasis.data import LabelMapDataModule

# Targets that a checkpoint's own configuration of the data may call.
_DATA_TARGETS = frozenset(
    {
        "oasis.data.build_data_module",
        *(f"oasis.data.{name}" for name in DATASETS),
        "oasis.streets.SyntheticCrowds",
        "oasis.streets.SyntheticStreets",
        *LABEL_SPACES,
    }
)


def own_data_config(restored: Restored, path: Path) -> dict[str, Any]:
    """The configuration of the dataset that a checkpoint was trained on; safe to instantiate.

    Raises:
        CheckpointError: its configuration has none, or one that would call something else.
    """
    config = restored.config.get("data")
    if not isinstance(config, dict):
        raise CheckpointError(f"{path}: its configuration names no data. Name some: data=cityscapes data.root=DIR.")
    require_safe(config, path, _DATA_TARGETS)
    # An untrusted checkpoint may name files to read, but must not cause any to be written.
    return {key: value for key, value in config.items() if key not in ("build_cache", "cache_folder")}


def own_data(restored: Restored, path: Path) -> "LabelMapDataModule":
    """The dataset that a checkpoint was trained on; see `own_data_config`."""
    data: LabelMapDataModule = instantiate(own_data_config(restored, path), encoding=restored.encoding)
    return data
