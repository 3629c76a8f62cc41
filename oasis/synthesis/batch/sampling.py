"""The noise of the samples of one label map, which may differ in one class or instance only."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oasis.data.files.reading import nearest
from oasis.errors import ConfigurationError
from oasis.labels import LabelSpace
from oasis.synthesis import LabelMap, Noise, Synthesizer


class Part(ABC):
    """A part of a label map.

    Attributes:
        wanted: the user's name for it.
    """

    wanted: str

    @abstractmethod
    def is_in(self, label_map: LabelMap) -> bool:
        """Whether a map has it; True if that is unknown, so that `mask` raises."""

    @abstractmethod
    def mask(self, label_map: LabelMap) -> NDArray[np.bool_]:
        """Its pixels: (H, W) bool.

        Raises:
            ConfigurationError: this map has no such part.
        """


@dataclass(frozen=True)
class ClassPart(Part):
    """All pixels of a class."""

    wanted: str

    def is_in(self, label_map: LabelMap) -> bool:
        """See `Part.is_in`."""
        return self.wanted in label_map.class_names

    def mask(self, label_map: LabelMap) -> NDArray[np.bool_]:
        """See `Part.mask`."""
        return label_map.class_mask(self.wanted)


@dataclass(frozen=True)
class InstancePart(Part):
    """One instance, by its id in the instance map."""

    wanted: str

    def is_in(self, label_map: LabelMap) -> bool:
        """See `Part.is_in`."""
        return label_map.instance is None or int(self.wanted) in label_map.instance_ids

    def mask(self, label_map: LabelMap) -> NDArray[np.bool_]:
        """See `Part.mask`."""
        return label_map.instance_mask(int(self.wanted))


def parse_part(text: str, space: LabelSpace) -> Part:
    """The part of `--resample TEXT`: a class by its name, or an instance by its number.

    Raises:
        ConfigurationError: there is no such class.
    """
    if text.isascii() and text.isdecimal():
        return InstancePart(text)
    if text not in space.names:
        raise ConfigurationError(
            f"--resample {text}: the checkpoint knows no such class. Name one of {', '.join(space.names)}; or an "
            "instance by its number in the instance map, such as 26003."
        )
    return ClassPart(text)


@dataclass(frozen=True)
class Sampling:
    """The samples of each label map.

    Attributes:
        seed: of the first; each further one has the next.
        count: number of samples.
        part: the part in which they differ; None = everywhere.
    """

    seed: int
    count: int
    part: Part | None = None

    def noises(self, synthesizer: Synthesizer, label_map: LabelMap, least: int = 1) -> list[Noise]:
        """The noise of each sample.

        Args:
            synthesizer: the model.
            label_map: the input.
            least: least number of noises, even if `count` is lower.

        Raises:
            ConfigurationError: the map does not have the part.
        """
        seeds = range(self.seed, self.seed + max(self.count, least))
        if self.part is None:
            return [synthesizer.noise(seed) for seed in seeds]
        # Resized first: masks of 2048x1024 take a hundred times longer than those of the model's size.
        mask = nearest(self.part.mask(label_map), synthesizer.height, synthesizer.width)
        base = synthesizer.noise(self.seed)
        return [base, *(base.resampled(mask, seed) for seed in seeds[1:])]

    def fits(self, synthesizer: Synthesizer, label_map: LabelMap) -> bool:
        """Whether a map has a pixel of the part in which samples differ, at the size of the pictures."""
        return self.part is None or self.part.is_in(label_map.resized(synthesizer.height, synthesizer.width))

    def without_part(self) -> "Sampling":
        """The single sample of a map without a pixel of the part."""
        return Sampling(self.seed, 1)

    def caption(self, number: int) -> str:
        """The caption of a sample."""
        if self.part is None or number == 0:
            return f"seed {self.seed + number}"
        return f"{self.part.wanted}: seed {self.seed + number}"

    def facts(self, number: int) -> dict[str, str]:
        """Metadata for a sample's file, to reproduce it."""
        if self.part is None:
            return {"seed": str(self.seed + number)}
        resampled = {"resampled": self.part.wanted, "resampled seed": str(self.seed + number)} if number else {}
        return {"seed": str(self.seed)} | resampled
