"""The segmenter that `oasis generate --from-photos` reads photos with."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.errors import HydraException
from hydra.utils import instantiate

from oasis.checkpoint import find_checkpoint, restore
from oasis.cli.conf import load_config
from oasis.data import LabelMapDataModule
from oasis.errors import CheckpointError, ConfigurationError, MissingWeightsError
from oasis.evaluation import own_data
from oasis.metrics import Segmenter, UNetSegmenter
from oasis.scoring.metric_networks import segmenter_file
from oasis.synthesis import Synthesizer


def open_segmenter(weights: Path | None, settings: Sequence[str], checkpoint: Path) -> Segmenter:
    """The segmenter that is named; else the one that `oasis train-segmenter` trained on the checkpoint's own dataset.

    Args:
        weights: a file that `oasis train-segmenter` wrote; None = see the settings.
        settings: Hydra's, such as `segmenter=mask2former`; `segmenter=unet` unless they say otherwise.
        checkpoint: a file or a run folder; its dataset tells which segmenter is meant.

    Raises:
        ConfigurationError: the settings name no segmenter, or one that cannot be; none was trained.
        CheckpointError: the file is no segmenter.
    """
    if weights is not None:
        return UNetSegmenter.from_file(weights)
    config = load_config(["segmenter=unet", *settings])
    if not config.segmenter:
        raise ConfigurationError("segmenter=none: without a segmenter nobody can see what is in a photo. Leave it out.")
    source: Any = instantiate(config.segmenter)
    try:
        segmenter: Segmenter = source(_default_file(checkpoint))
    except MissingWeightsError as error:
        raise MissingWeightsError(f"{str(error).rstrip('.')}. Or name its file: --segmenter FILE.") from None
    return segmenter


def looking_size(segmenter: Segmenter, synthesizer: Synthesizer) -> tuple[int, int] | None:
    """(height, width) at which a segmenter looks best: where it was trained, if it says so; None = the photo's own."""
    if not isinstance(segmenter, UNetSegmenter):
        return None  # others resize for themselves
    trained = segmenter.facts.get("height"), segmenter.facts.get("width")
    if isinstance(trained[0], int) and isinstance(trained[1], int):
        return trained[0], trained[1]
    return synthesizer.height, synthesizer.width


def _default_file(checkpoint: Path) -> Path:
    """The segmenter of the checkpoint's dataset; `segmenter.pt` beside a checkpoint that names none."""
    file = find_checkpoint(checkpoint)
    beside = file.with_name("segmenter.pt")
    try:
        data: object = own_data(restore(file), file)
    except (CheckpointError, HydraException):  # imported and exported models know of no dataset
        return beside
    if not isinstance(data, LabelMapDataModule):
        return beside
    return segmenter_file(data.source.root, data.height, data.width, data.label_space)
