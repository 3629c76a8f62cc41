"""The datasets that published networks were trained on, by their number of classes."""

from dataclasses import dataclass
from pathlib import Path

from oasis.errors import CheckpointError


@dataclass(frozen=True)
class Dataset:
    """The dataset that a network with this number of classes was trained on."""

    name: str
    reader: str  # class of `oasis.data`
    label_space: str  # constructor of `LabelSpace`
    height: int
    width: int


# Pictures as in section 4 of Sushko et al. 2021 and Park et al. 2019. 20 classes: Cityscapes' train ids with void, not
# in any release.
DATASETS = {
    20: Dataset("cityscapes_train_ids", "Cityscapes", "cityscapes_train_ids", 256, 512),
    35: Dataset("cityscapes", "Cityscapes", "cityscapes_ids", 256, 512),
    151: Dataset("ade20k", "ADE20K", "ade20k", 256, 256),
    183: Dataset("coco_stuff", "COCOStuff", "coco_stuff", 256, 256),
}


def known_classes() -> str:
    """The known numbers of classes, in words."""
    return ", ".join(f"{count} ({dataset.name})" for count, dataset in DATASETS.items())


def split_condition(channels: int, path: Path) -> tuple[int, str]:
    """Tell classes from the channel of edges.

    Args:
        channels: of the condition.
        path: of the generator's file, for the error.

    Returns:
        The number of classes, which is one of `DATASETS`, and the encoding: a class of `oasis.encodings`.

    Raises:
        CheckpointError: another number of channels.
    """
    if channels in DATASETS:
        return channels, "Semantic"
    if channels - 1 in DATASETS:
        return channels - 1, "Boundary"
    raise CheckpointError(
        f"{path}: its generator reads label maps of {channels} channels. Label spaces are known for {known_classes()} "
        "classes, with one channel of edges or without."
    )
