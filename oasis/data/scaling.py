"""How photos and maps are brought to the size of a sample."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from oasis.data.faults import WrongSizeError
from oasis.data.settings import is_whole
from oasis.errors import ConfigurationError

Size = tuple[int, int]
"""(height, width) in pixels."""


class Scaling(ABC):
    """The size a picture is resized to, and the window of it that becomes the sample.

    Attributes:
        shape: (height, width) of all samples; None = they differ.
    """

    shape: Size | None

    @abstractmethod
    def size(self, height: int, width: int) -> Size:
        """The (height, width) that a picture of this size is resized to.

        Raises:
            DatasetError: the window does not fit into it.
        """

    def window(self, height: int, width: int) -> tuple[slice, slice]:
        """Rows and columns of a resized picture that become the sample: all of them by default."""
        return slice(height), slice(width)


@dataclass(frozen=True)
class Stretch(Scaling):
    """Resizes every picture to one size, whatever its aspect ratio."""

    height: int
    width: int

    @property
    def shape(self) -> Size:  # type: ignore[override]
        """(height, width) of all samples."""
        return self.height, self.width

    def size(self, height: int, width: int) -> Size:
        """(height, width), the same for all pictures."""
        return self.shape


@dataclass(frozen=True)
class ShortSide(Scaling):
    """Resizes the shorter side to a number of pixels and keeps the aspect ratio.

    Args:
        pixels: of the shorter side.
        height: rows of the window that will be cut out.
        width: columns of it.
    """

    pixels: int
    height: int
    width: int
    shape = None

    def size(self, height: int, width: int) -> Size:
        """(height, width) with a shorter side of `pixels`; the longer side is rounded down, as torchvision does.

        Raises:
            DatasetError: the window does not fit into it.
        """
        short = min(height, width)
        resized = (self.pixels * height // short, self.pixels * width // short)
        if resized[0] < self.height or resized[1] < self.width:
            raise WrongSizeError(
                f"a picture of {width}x{height} (width x height) becomes {resized[1]}x{resized[0]} with "
                f"data.short_side={self.pixels}, smaller than the crop of {self.width}x{self.height}: raise "
                "data.short_side, lower data.height and data.width, or stretch with data.resize instead."
            )
        return resized


class ShortSideCenter(ShortSide):
    """`ShortSide`, of which the window in the middle becomes the sample."""

    @property
    def shape(self) -> Size:  # type: ignore[override]
        """(height, width) of all samples."""
        return self.height, self.width

    def window(self, height: int, width: int) -> tuple[slice, slice]:
        """The middle `self.height` rows and `self.width` columns."""
        top, left = (height - self.height) // 2, (width - self.width) // 2
        return slice(top, top + self.height), slice(left, left + self.width)


@dataclass(frozen=True)
class Preparation:
    """The scaling of samples for training and for scoring.

    Args:
        height: rows of a sample.
        width: columns of a sample.
        resize: (height, width) that training pictures are stretched to before a window of height x width is cut out at
            random; for scoring they are stretched to height x width, as SPADE and OASIS do. None = no crop.
        short_side: pixels of the shorter side before a window is cut out, at random in training and in the middle for
            scoring. None = no crop.

    Raises:
        ConfigurationError: both are given; one that is no number of pixels; a window larger than the picture it is cut
            out of.
    """

    height: int
    width: int
    resize: Sequence[int] | None = None
    short_side: int | None = None

    def __post_init__(self) -> None:
        sides = {"height": self.height, "width": self.width}
        if self.short_side is not None:
            sides["short_side"] = self.short_side
        for name, pixels in sides.items():
            if not is_whole(pixels, 1):
                raise ConfigurationError(f"data.{name}={pixels}: give a whole number of pixels, 1 or more.")
        if self.resize is not None and self.short_side is not None:
            raise ConfigurationError(
                f"data.resize={self.resize} and data.short_side={self.short_side} are two ways to prepare a "
                "crop. Choose one."
            )
        if self.resize is not None:
            self._require_resize(self.resize)
        if self.short_side is not None and self.short_side < min(self.height, self.width):
            raise ConfigurationError(
                f"data.short_side={self.short_side} is smaller than the shorter side of the crop, {self._crop}. Raise "
                "it, or lower data.height and data.width."
            )

    @property
    def crops(self) -> bool:
        """Whether windows are cut out of training pictures at random."""
        return self.resize is not None or self.short_side is not None

    @property
    def training(self) -> Scaling:
        """The scaling of training pictures, before the random crop."""
        if self.resize is not None:
            return Stretch(*self.resize)
        if self.short_side is not None:
            return ShortSide(self.short_side, self.height, self.width)
        return self.scoring

    @property
    def scoring(self) -> Scaling:
        """The scaling of samples that are scored; they are all of height x width."""
        if self.short_side is not None:
            return ShortSideCenter(self.short_side, self.height, self.width)
        return Stretch(self.height, self.width)

    def of_whole(self, height: int, width: int) -> Stretch:
        """The scaling of the same pictures as those that are scored, at another size.

        Raises:
            ConfigurationError: those that are scored are windows.
        """
        if self.short_side is not None:
            raise ConfigurationError(
                f"data.short_side={self.short_side} cuts a window out of each picture that is scored, but label maps "
                f"at {height}x{width} (height x width) are read whole. Leave it out, or leave out that size: "
                "segmenter.height=null segmenter.width=null."
            )
        return Stretch(height, width)

    def of(self, split: str) -> Scaling:
        """The scaling of a split's samples in training."""
        return self.training if split == "train" else self.scoring

    @property
    def _crop(self) -> str:
        return f"data.height={self.height} data.width={self.width}"

    def _require_resize(self, resize: Sequence[int]) -> None:
        given = list(resize) if isinstance(resize, Sequence) and not isinstance(resize, str) else resize
        if not isinstance(given, list) or len(given) != 2 or not all(is_whole(side, 1) for side in given):
            raise ConfigurationError(f"data.resize={given}: give [height, width], such as data.resize=[286,286].")
        if given[0] < self.height or given[1] < self.width:
            raise ConfigurationError(
                f"data.resize={given} is smaller than the crop, {self._crop}. Raise it, or lower data.height and "
                "data.width."
            )
