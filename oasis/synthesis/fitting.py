"""Label maps and sizes as a model can use them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oasis.data.files.opening import MAX_PIXELS
from oasis.errors import CheckpointError, ConfigurationError, MissingInstancesError
from oasis.labels import LabelSpace
from oasis.models import Generator
from oasis.synthesis.label_map import LabelMap
from oasis.synthesis.translation import translated


def usable(label_map: LabelMap, label_space: LabelSpace, needs_instances: bool, name: str) -> LabelMap:
    """A map in the label space of a model.

    Args:
        label_map: of any label space.
        label_space: the model's.
        needs_instances: whether the model reads instances.
        name: of the model, for errors.

    Raises:
        DatasetError: it has classes that the model does not have.
        ConfigurationError: it has things, but no instances are given.
    """
    if label_map.label_space != label_space:
        label_map = translated(label_map, label_space)
    if needs_instances and label_map.instance is None and label_map.has_things:
        things = {label_space.names[index] for index in label_space.things}
        listing = ", ".join(each for each in label_map.class_names if each in things)
        raise MissingInstancesError(
            f"{label_map.source}: {name} wants to know which pixels of {listing} belong together.",
            "Give the instance map too: instance_map=*_gtFine_instanceIds.png, which may also stand alone in place "
            "of the label map. Models that see classes only, such as those of encoding=semantic, do without.",
        )
    return label_map


def trained_size(config: Mapping[str, Any], file: Path) -> tuple[int, int]:
    """(height, width) of the pictures that a checkpoint's configuration names.

    Raises:
        CheckpointError: it names none.
    """
    data = config.get("data")
    height, width = (data.get(key) if isinstance(data, Mapping) else None for key in ("height", "width"))
    if not isinstance(height, int) or not isinstance(width, int):
        raise CheckpointError(f"{file}: its configuration names no data.height and data.width to generate at.")
    return height, width


def require_size(generator: Generator, height: int, width: int, name: str) -> None:
    """Refuse a size of pictures that a generator does not support.

    Raises:
        ConfigurationError: the message names the divisor, and the most pixels.
    """
    divisor = generator.size_divisor
    if height < 1 or width < 1 or height % divisor or width % divisor or height * width > MAX_PIXELS:
        raise ConfigurationError(
            f"{name}: pictures of {height}x{width} (height x width) do not fit its generator, both must be multiples "
            f"of {divisor}, and no more than {MAX_PIXELS} pixels."
        )
