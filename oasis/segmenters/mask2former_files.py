"""Checking the files of a Mask2Former checkpoint."""

from pathlib import Path

from oasis.errors import ConfigurationError
from oasis.hub_files import SETTINGS, find_checkpoint, settings_of
from oasis.hub_files import fingerprint as hashed
from oasis.labels import LabelSpace

__all__ = ["find_checkpoint", "fingerprint", "require_cityscapes"]

_PROTOCOL = "mask2former 1"  # changes when a prediction for the same picture does


def require_cityscapes(folder: Path) -> None:
    """Raise if a checkpoint is not for Cityscapes, before its large weights are read."""
    file = folder / SETTINGS
    settings = settings_of(folder, "Mask2Former", ["mask2former"])
    try:
        names = [settings["id2label"][str(i)] for i in range(len(settings["id2label"]))]
    except (KeyError, TypeError) as error:
        raise ConfigurationError(f"{file}: not the settings of a Mask2Former checkpoint ({error!r})") from error
    space = LabelSpace.cityscapes_train_ids()
    wanted = [space.names[i] for i in sorted(space.evaluated)]
    if names != wanted:
        at = next((i for i, (a, b) in enumerate(zip(names, wanted, strict=False)) if a != b), min(len(names), 19))
        found, needed = (f"{x[at]!r}" if at < len(x) else "nothing" for x in (names, wanted))
        raise ConfigurationError(
            f"{file}: {len(names)} classes, of which number {at} is {found} where Cityscapes has {needed}: take a "
            f"checkpoint whose name ends in -cityscapes-panoptic"
        )


def fingerprint(folder: Path) -> str:
    """A hash of weights, settings and preprocessing: 64 hexadecimal digits."""
    return hashed(folder, _PROTOCOL)
