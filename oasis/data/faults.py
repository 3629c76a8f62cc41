"""Faults of samples, and how a run handles them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, NamedTuple

from oasis.errors import ConfigurationError, DatasetError


class OnBadSample(StrEnum):
    """How to handle a sample that cannot be read; `data.on_bad_sample`."""

    ERROR = "error"
    """End the run."""

    SKIP = "skip"
    """Train on another sample instead, leave it out of scores, and list it in the run folder."""

    @classmethod
    def _missing_(cls, value: object) -> "OnBadSample":
        raise ConfigurationError(f"data.on_bad_sample={value}: no such policy; choose one of {', '.join(cls)}.")


class Refusal(NamedTuple):
    """A sample that cannot be read. Plain values, so that batches can pass it between processes.

    position: in the split; name: the sample's; reason: the error, naming the file.
    """

    position: int
    name: str
    reason: str


@dataclass(frozen=True)
class Tolerance:
    """How many bad samples are accepted.

    Attributes:
        policy: `error`, or `skip`; see `OnBadSample`.
        max_share: under `skip`, the share of a split that may be bad, in [0, 1].

    Raises:
        ConfigurationError: no such policy, no such share.
    """

    policy: str = OnBadSample.ERROR
    max_share: float = 0.05

    def __post_init__(self) -> None:
        OnBadSample(self.policy)
        if not 0 <= self.max_share <= 1:
            raise ConfigurationError(
                f"data.max_bad_share={self.max_share}: a share of the samples of a split, 0 (none) to 1 (all)."
            )

    @property
    def skips(self) -> bool:
        """Whether bad samples are skipped."""
        return self.policy == OnBadSample.SKIP

    def require_few(self, bad: int, size: int, split: str, example: str) -> None:
        """Raise if a split has more bad samples than are accepted.

        Args:
            bad: number of known bad samples.
            size: samples of the split.
            split: its name.
            example: the reason of one of them.

        Raises:
            DatasetError: too many.
        """
        if bad > self.max_share * size:
            raise DatasetError(
                f"{bad} of {size} samples of the split {split!r} cannot be read, more than data.max_bad_share="
                f"{self.max_share:g} of them. `oasis data-check` lists them all; fix them, or raise "
                f"data.max_bad_share. One of them: {example}"
            )


class FileError(DatasetError):
    """A fault of one file of a dataset.

    Attributes:
        kind: the kind of fault, for counting.
    """

    kind: ClassVar[str] = "other faults"


class UnreadableFileError(FileError):
    """A file that is missing, corrupt, or not a picture."""

    kind: ClassVar[str] = "cannot be decoded"


class OversizedFileError(FileError):
    """A picture whose header claims more pixels than are allowed."""

    kind: ClassVar[str] = "too many pixels"


class WrongModeError(FileError):
    """A picture of another mode: colours instead of ids, 8 bits instead of 16."""

    kind: ClassVar[str] = "wrong mode"


class WrongSizeError(FileError):
    """A map of another size than its photo."""

    kind: ClassVar[str] = "wrong size"


class ForeignIdsError(FileError):
    """Ids that are not in the label space."""

    kind: ClassVar[str] = "ids outside the label space"


class ContradictionError(FileError):
    """A label map and an instance map that contradict each other."""

    kind: ClassVar[str] = "label and instance map disagree"


class PartnerError(FileError):
    """A file without its partner, or two files for one sample."""

    kind: ClassVar[str] = "missing partner"
