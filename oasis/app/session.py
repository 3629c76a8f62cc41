"""The state of one visitor."""

import numpy as np
from PIL import Image

from oasis.app.drawing import Drawing, Stroke
from oasis.errors import ConfigurationError, DatasetError
from oasis.synthesis import LabelMap, Noise, Segment, Synthesizer
from oasis.synthesis.fitting import usable
from oasis.synthesis.segment_styles import Part
from oasis.synthesis.style import Photo
from oasis.synthesis.variety import require_resamplable


class Session:
    """The map a visitor works on, which all tabs share, and the noise its photos are generated with.

    Attributes:
        label_map: None until one is chosen.
        resampled: names of the segments whose noise was resampled, in order.
        photo: whose style was chosen.
        styles: of single classes and instances; where there are any, the photo is not that of the whole map.
    """

    def __init__(self) -> None:
        self.label_map: LabelMap | None = None
        self.resampled: list[str] = []
        self.photo: Image.Image | None = None
        self.styles: dict[Part, Photo | int] = {}
        self._drawing: Drawing | None = None
        self._noise: tuple[str, int, Noise] | None = None  # of a model, from a seed

    def take(self, label_map: LabelMap) -> None:
        """Replace the map."""
        self.label_map = label_map
        self._drawing = None
        self.forget_styles()
        self.start_again()

    def forget_styles(self) -> None:
        """Reset the styles."""
        self.photo, self.styles = None, {}

    def require_map(self) -> LabelMap:
        """The map.

        Raises:
            ConfigurationError: none was chosen yet.
        """
        if self.label_map is None:
            raise ConfigurationError("There is no map yet: click a street in the first tab, or upload a label map.")
        return self.label_map

    def draw(self, stroke: Stroke, model: Synthesizer, undo: int) -> None:
        """Draw a stroke into the map, which first becomes one of the model's classes and size.

        Args:
            stroke: its class is one of the model's.
            model: whose classes the brushes have.
            undo: how many strokes can be undone.

        Raises:
            ConfigurationError: there is no map, or one with classes that the model does not have; or see
                `Drawing.draw`.
        """
        label_map = self.require_map()
        if self._drawing is None:
            self._drawing = _drawing(label_map, model, undo)
        self._drawing.draw(stroke)
        self._adopt(self._drawing)

    def undo(self) -> bool:
        """Undo the last stroke; False if there is none."""
        if self._drawing is None or not self._drawing.undo():
            return False
        self._adopt(self._drawing)
        return True

    @property
    def strokes(self) -> int:
        """How many strokes can be undone."""
        return self._drawing.strokes if self._drawing is not None else 0

    def noise(self, name: str, model: Synthesizer, seed: int) -> Noise:
        """The noise of a model from a seed, with all that was resampled since; fresh for another model or seed."""
        if self._noise is None or self._noise[:2] != (name, seed):
            self._noise = (name, seed, model.noise(seed))
            self.resampled = []
        return self._noise[2]

    def resample(self, name: str, model: Synthesizer, seed: int, segment: Segment, whole_class: bool) -> None:
        """Resample the noise under one segment, or under all pixels of its class; different each time.

        Args:
            name: of the model.
            model: the model.
            seed: of the noise elsewhere.
            segment: the clicked segment.
            whole_class: all pixels of its class instead of itself.

        Raises:
            ConfigurationError: no part of the model's pictures can change alone, see `require_resamplable`.
        """
        require_resamplable(model)
        where = self.require_map().class_mask(segment.name) if whole_class else segment.mask
        before = self.noise(name, model, seed)
        fresh = int(np.random.SeedSequence((seed, len(self.resampled) + 1)).generate_state(1)[0])
        self._noise = (name, seed, before.resampled(where, fresh))
        number = "" if whole_class or segment.instance_id is None else f" {segment.instance_id}"
        self.resampled.append(f"all of {segment.name}" if whole_class else f"{segment.name}{number}")

    def start_again(self) -> None:
        """Reset the resampled noise."""
        self._noise = None
        self.resampled = []

    def _adopt(self, drawing: Drawing) -> None:
        label, instance = drawing.label.copy(), drawing.instance.copy()
        self.label_map = LabelMap(label, instance, drawing.label_space, "your drawing", ())
        self.styles = {}  # a stroke may have taken an instance away
        self.start_again()


def _drawing(label_map: LabelMap, model: Synthesizer, undo: int) -> Drawing:
    """The map in the model's classes and size, to draw on; without an instance map, things have no instances."""
    try:
        small = usable(label_map, model.label_space, False, model.name).resized(model.height, model.width)
    except DatasetError as error:
        raise ConfigurationError(
            f"{label_map.source}: the brushes have the classes of {model.name}, which lacks some of this map: it shows "
            f"{', '.join(label_map.class_names)}. Start from a map above the canvas, or upload another."
        ) from error
    instance = small.label.astype(np.int32) if small.instance is None else small.instance
    return Drawing(small.label, instance, small.label_space, undo)
