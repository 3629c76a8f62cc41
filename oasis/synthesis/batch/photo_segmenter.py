"""The segmenter of `oasis generate --from-photos`."""

from pathlib import Path

from hydra.errors import HydraException

from oasis.checkpoint.own_data import own_data
from oasis.errors import CheckpointError, ConfigurationError, MissingWeightsError
from oasis.segmenters import Segmenter, SegmenterSource, UNetSegmenter
from oasis.synthesis import Synthesizer


def open_segmenter(source: SegmenterSource, synthesizer: Synthesizer) -> Segmenter:
    """Make a segmenter, by default the one that `oasis train-segmenter` trained on the checkpoint's own dataset.

    Args:
        source: called with the path of that default.
        synthesizer: that of the checkpoint, whose dataset determines the default.

    Raises:
        ConfigurationError: the source's weights cannot be used.
        MissingWeightsError: no weights are given, and none were trained.
        CheckpointError: the file is not a segmenter.
    """
    try:
        return source(_default_file(synthesizer))
    except MissingWeightsError as error:
        raise MissingWeightsError(f"{str(error).rstrip('.')}. Or name its file: --segmenter FILE.") from None


def require_instances(segmenter: Segmenter, synthesizer: Synthesizer) -> None:
    """Refuse a segmenter that finds classes only for a model that reads instances.

    Raises:
        ConfigurationError: it is one.
    """
    if synthesizer.needs_instances and not segmenter.finds_instances:
        raise ConfigurationError(
            f"{synthesizer.name} wants to know which pixels of a thing belong together, but {type(segmenter).__name__} "
            "finds classes only. Use segmenter=unet or segmenter=mask2former; models of encoding=semantic do without."
        )


def native_size(segmenter: Segmenter, synthesizer: Synthesizer) -> tuple[int, int] | None:
    """(height, width) of the segmenter's training pictures, if known; None = the photo's own."""
    if not isinstance(segmenter, UNetSegmenter):
        return None  # others resize photos themselves
    trained = segmenter.facts.get("height"), segmenter.facts.get("width")
    if isinstance(trained[0], int) and isinstance(trained[1], int):
        return trained[0], trained[1]
    return synthesizer.height, synthesizer.width


def _default_file(synthesizer: Synthesizer) -> Path:
    """The segmenter of the checkpoint's dataset; `segmenter.pt` beside a checkpoint without a dataset."""
    from oasis.data import LabelMapDataModule  # both take seconds to load, which label maps need not wait for
    from oasis.scoring import segmenter_file

    file = synthesizer.checkpoint
    assert file is not None
    beside = file.with_name("segmenter.pt")
    try:
        data: object = own_data(synthesizer.restored, file)
    except (CheckpointError, HydraException):  # imported and exported models have no dataset
        return beside
    if not isinstance(data, LabelMapDataModule):
        return beside
    return segmenter_file(data.source.root, data.height, data.width, data.label_space)
