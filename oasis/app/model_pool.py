"""The models in memory, shared by all visitors; they generate one picture at a time."""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from PIL import Image

from oasis.errors import ConfigurationError
from oasis.models import encodes_style
from oasis.synthesis import LabelMap, Noise, Synthesizer
from oasis.synthesis.styling import Styling, require_clusters


@dataclass(frozen=True)
class GeneratedPhoto:
    """A picture and how it was generated.

    Attributes:
        image: RGB, of the model's size.
        seconds: time to generate it, without waiting for others.
    """

    image: Image.Image
    seconds: float


class ModelPool:
    """Models by name, and a lock, so that only one picture is generated at a time.

    Args:
        synthesizers: at least one; the first is the default.
    """

    def __init__(self, synthesizers: Sequence[Synthesizer]) -> None:
        if not synthesizers:
            raise ConfigurationError("The app needs at least one checkpoint.")
        self._models: dict[str, Synthesizer] = {}
        for synthesizer in synthesizers:
            self._models[_unused(synthesizer.name, self._models)] = synthesizer
        self._lock = threading.Lock()

    @classmethod
    def from_checkpoints(cls, paths: Iterable[str | Path], device: str = "auto", bf16: bool = False) -> Self:
        """Load checkpoints, see `Synthesizer.from_checkpoint`; if there are none, the bundled model.

        Raises:
            CheckpointError: one of them cannot be used, or has no clusters of styles to draw from.
        """
        synthesizers = [Synthesizer.from_checkpoint(path, device=device, bf16=bf16) for path in paths]
        synthesizers = synthesizers or [Synthesizer.pretrained(device=device, bf16=bf16)]
        for synthesizer in synthesizers:
            require_clusters(synthesizer)
        return cls(synthesizers)

    @property
    def names(self) -> list[str]:
        """The names of all models, the default first."""
        return list(self._models)

    @property
    def encodes_style(self) -> bool:
        """Whether a model has a style encoder."""
        return any(encodes_style(model.generator) for model in self._models.values())

    def model(self, name: str | None = None) -> Synthesizer:
        """The model of this name, or the default.

        Raises:
            ConfigurationError: there is none.
        """
        name = self.names[0] if name is None else name
        if name not in self._models:
            raise ConfigurationError(f"There is no model {name!r} here; there are: {', '.join(self.names)}.")
        return self._models[name]

    def generate(
        self,
        name: str,
        label_map: LabelMap,
        noise: Noise | None = None,
        seed: int | None = None,
        style: Styling | None = None,
    ) -> GeneratedPhoto:
        """One photo of a map; waits while another photo is being generated.

        Args:
            name: of the model.
            label_map: opened for any model; its ids are looked up in this model's label space.
            noise: the noise; None = drawn from `seed`.
            seed: 0 or above.
            style: see `Synthesizer.synthesize`.

        Raises:
            OasisError: the model cannot use this map.
        """
        model = self.model(name)
        with self._lock:
            start = time.perf_counter()
            image = model.synthesize(label_map, seed=seed, noise=noise, style=style)
            return GeneratedPhoto(image, time.perf_counter() - start)


def _unused(name: str, taken: Iterable[str]) -> str:
    """The name, with a number appended if it is taken."""
    numbers = (name if count == 1 else f"{name} ({count})" for count in range(1, len(list(taken)) + 2))
    return next(each for each in numbers if each not in taken)
