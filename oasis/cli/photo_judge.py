"""The judge that `oasis generate --from-photos` reads photos with."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.errors import HydraException
from hydra.utils import instantiate

from oasis.checkpoint import find_checkpoint, restore
from oasis.cli.conf import load_config
from oasis.comparison import own_data
from oasis.data import CityscapesDataModule
from oasis.errors import CheckpointError, ConfigurationError, MissingWeightsError
from oasis.evaluation.instruments import judge_file
from oasis.metrics import Judge, UNetJudge
from oasis.synthesis import Synthesizer


def open_judge(weights: Path | None, settings: Sequence[str], checkpoint: Path) -> Judge:
    """The judge that is named; else the one that `oasis train-judge` trained on the checkpoint's own dataset.

    Args:
        weights: a file that `oasis train-judge` wrote; None = see the settings.
        settings: Hydra's, such as `judge=mask2former`; `judge=unet` unless they say otherwise.
        checkpoint: a file or a run folder; its dataset tells which judge is meant.

    Raises:
        ConfigurationError: the settings name no judge, or one that cannot be; none was trained.
        CheckpointError: the file is no judge.
    """
    if weights is not None:
        return UNetJudge.from_file(weights)
    config = load_config(["judge=unet", *settings])
    if not config.judge:
        raise ConfigurationError("judge=none: without a judge nobody can see what is in a photo. Leave it out.")
    source: Any = instantiate(config.judge)
    try:
        judge: Judge = source(_default_file(checkpoint))
    except MissingWeightsError as error:
        raise MissingWeightsError(f"{str(error).rstrip('.')}. Or name its file: --judge FILE.") from None
    return judge


def looking_size(judge: Judge, synthesizer: Synthesizer) -> tuple[int, int] | None:
    """(height, width) at which a judge looks best: where it was trained, if it says so; None = the photo's own."""
    if not isinstance(judge, UNetJudge):
        return None  # others resize for themselves
    trained = judge.facts.get("height"), judge.facts.get("width")
    if isinstance(trained[0], int) and isinstance(trained[1], int):
        return trained[0], trained[1]
    return synthesizer.height, synthesizer.width


def _default_file(checkpoint: Path) -> Path:
    """Where the judge of the checkpoint's own dataset lies; `judge.pt` beside a checkpoint that names no dataset."""
    file = find_checkpoint(checkpoint)
    beside = file.with_name("judge.pt")
    try:
        data: object = own_data(restore(file), file)
    except (CheckpointError, HydraException):  # imported and exported models know of no dataset
        return beside
    if not isinstance(data, CityscapesDataModule):
        return beside
    if data.root is None and data.streets is not None:
        return judge_file(data.streets.folder(), data.height, data.width, data.label_space)
    return judge_file(Path(str(data.root)), data.height, data.width, data.label_space)
