"""One sample: its files and what is read from them; the splits' names."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NotRequired, TypedDict, cast, get_args

from torch import Tensor

from oasis.data.faults import Refusal
from oasis.errors import ConfigurationError

Split = Literal["train", "val", "test"]


def as_split(name: str, option: str = "--split") -> Split:
    """The split of this name.

    Args:
        name: of the split.
        option: that a user gave it by, for the error.

    Raises:
        ConfigurationError: there is none.
    """
    if name not in get_args(Split):
        raise ConfigurationError(f"{option} {name}: choose one of {', '.join(get_args(Split))}.")
    return cast(Split, name)


class Sample(TypedDict):
    """One photo with its maps, as integers from the files.

    image: (3, H, W) uint8; label: (H, W) uint8 raw label ids; instance: (H, W) int32 raw instance ids, zeros
    if the dataset has none; name: the file stem; index: the position in the split; counted: see `Batch`, missing if
    all are; refused: the samples that this one replaces, passed from a worker process to the one that trains.
    """

    image: Tensor
    label: Tensor
    instance: Tensor
    name: str
    index: int
    counted: NotRequired[bool]
    refused: NotRequired[list[Refusal]]


@dataclass(frozen=True)
class SampleFiles:
    """The files of one sample; `instance` is None if the dataset has no instance map."""

    name: str
    photo: Path
    label: Path
    instance: Path | None
