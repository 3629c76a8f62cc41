"""What a dataset must have, so that segmenters can be trained and tested on it."""

from collections.abc import Sequence

from oasis.data import LabelMapDataModule
from oasis.data.sample import Split
from oasis.errors import ConfigurationError
from oasis.evaluation import EvaluatedModel
from oasis.metrics.usefulness import MEASURES


def require_photos(models: Sequence[EvaluatedModel], split: Split) -> None:
    """Refuse what segmenters cannot be trained and tested on, before anything is generated.

    Raises:
        ConfigurationError: no checkpoint; the split of the training maps; no training split, or none to test on;
            checkpoints of different training maps.
        DatasetError: the files of a split are invalid, such as maps without photos.
    """
    if not models:
        raise ConfigurationError(
            "--train-on-fakes: name a checkpoint, whose generator makes pictures of the training maps."
        )
    if split == "train":
        raise ConfigurationError(
            "--train-on-fakes --split train: segmenters are tested on photos that none was trained on. Use --split val."
        )
    for model in models:
        lacking = [wanted for wanted in ("train", split) if wanted not in model.data.source.splits()]
        if lacking:
            raise ConfigurationError(
                f"--train-on-fakes: {model.data.source.root} has no split {lacking[0]!r}. Segmenters are trained on "
                f"pictures of the maps of 'train' and tested on the photos of {split!r}: name a dataset that has both, "
                "such as data=cityscapes data.root=DIR."
            )
    first, *others = models
    for model in others:
        if model.data.dataset("train").fingerprint() != first.data.dataset("train").fingerprint():
            raise ConfigurationError(
                f"--train-on-fakes: {first.name} and {model.name} were trained on different label maps, "
                f"{first.data.source.root} and {model.data.source.root}. Name the dataset for all: data=cityscapes "
                "data.root=DIR."
            )


def measures_of(data: LabelMapDataModule, split: Split) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The measures that a dataset allows, and notes about those that it does not."""
    space = data.label_space
    places = {name: all(files.instance is None for files in data.dataset(name).files) for name in ("train", split)}
    if not space.things & space.evaluated:
        without = "the label space has no things"
    elif any(places.values()):
        without = (
            f"{data.source.root} has no instance maps in {' and '.join(n for n, lacks in places.items() if lacks)}"
        )
    else:
        return MEASURES, ()
    return ("miou",), (f"Usefulness is measured by mIoU alone: {without}, so that no individuals can be found.",)
