"""What decides the look of generated pictures: seeds, a style, or a photo to come near to."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from oasis.synthesis import LabelMap, Noise, Synthesizer
from oasis.synthesis.imitation import imitate
from oasis.synthesis.styling import Styling

OnStep = Callable[[float], None]


class Look(ABC):
    """Generates the picture of one sample."""

    @abstractmethod
    def generate(
        self, synthesizer: Synthesizer, label_map: LabelMap, noise: Noise, on_step: OnStep
    ) -> tuple[Image.Image, dict[str, str], str]:
        """Generate.

        Args:
            synthesizer: the model.
            label_map: the input.
            noise: of the sample.
            on_step: called after each step of a search.

        Returns:
            The picture, metadata for its file, and a remark for the user, empty for none.
        """


@dataclass(frozen=True)
class OfSeed(Look):
    """The noise decides."""

    def generate(
        self, synthesizer: Synthesizer, label_map: LabelMap, noise: Noise, on_step: OnStep
    ) -> tuple[Image.Image, dict[str, str], str]:
        """See `Look.generate`."""
        return synthesizer.synthesize(label_map, noise=noise), {}, ""


@dataclass(frozen=True)
class OfStyle(Look):
    """A style decides, see `Synthesizer.synthesize`, and the noise where it leaves something open.

    Attributes:
        style: the style.
        words: as the user gave it, without folders.
    """

    style: Styling
    words: str

    def generate(
        self, synthesizer: Synthesizer, label_map: LabelMap, noise: Noise, on_step: OnStep
    ) -> tuple[Image.Image, dict[str, str], str]:
        """See `Look.generate`."""
        picture = synthesizer.synthesize(label_map, noise=noise, style=self.style)
        return picture, {"style": self.words}, ""


@dataclass(frozen=True)
class LikePhoto(Look):
    """The noise with which the picture comes nearest to a photo."""

    photo: Path
    steps: int

    def generate(
        self, synthesizer: Synthesizer, label_map: LabelMap, noise: Noise, on_step: OnStep
    ) -> tuple[Image.Image, dict[str, str], str]:
        """See `Look.generate`."""
        found = imitate(synthesizer, label_map, self.photo, steps=self.steps, noise=noise, on_step=on_step)
        losses = f"{found.measure} {found.losses[0]:.4f} at the start, {found.loss:.4f} after {self.steps} steps"
        return found.picture, {"like": self.photo.name, "steps": str(self.steps)}, f"like {self.photo.name}: {losses}"
