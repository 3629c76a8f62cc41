"""Exporting a checkpoint's generator, and comparing the file with it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from oasis.checkpoint import Restored, find_checkpoint, restore
from oasis.checkpoint.exported import SUFFIX
from oasis.errors import CheckpointError, ConfigurationError, NoRoomError, no_room
from oasis.export.formats import FORMATS, Contents, Format
from oasis.export.program import made_up_inputs
from oasis.files import replacing
from oasis.models.sizes import require_divisible

_MOST_DIFFERENCE = 1e-3  # of pictures in [-1, 1]: an eighth of the smallest step of 8 bits
_MOST_DIFFERENCE_OF_HALF = 0.1  # of its weights' rounding; of single pixels, on average it is far less
_SETTINGS = ("format", "name", "label_space", "encoding", "generator")
_STREETS, _CITYSCAPES = "oasis.data.Streets", "oasis.data.Cityscapes"
_EXPORTER = 2  # earlier ones, whose files do not say it, named Cityscapes as the dataset of every model
# Settings of a dataset, of few known values, by which the numbers in its maps mean other classes.
_NUMBERING = {"oasis.data.BDD100K": ("annotations",), "oasis.data.Mapillary": ("version",)}


@dataclass(frozen=True)
class Exported:
    """The exported file.

    Attributes:
        path: the file.
        bytes: its size.
        inputs: name -> shape, the first dimension of which is free.
        types: name of an input -> `float32` or `int64`.
        difference: the largest difference between its picture and the generator's, both in [-1, 1].
    """

    path: Path
    bytes: int
    inputs: dict[str, tuple[int, ...]]
    types: dict[str, str]
    difference: float


def export(
    checkpoint: str | Path,
    output: str | Path,
    *,
    height: int | None = None,
    width: int | None = None,
    half: bool = False,
    force: bool = False,
) -> Exported:
    """Export a checkpoint's generator, the averaged one if there is one, in the format of the suffix.

    Args:
        checkpoint: a file, or a run's folder.
        output: ends in `.safetensors`, `.onnx` or `.pt2`.
        height: rows of the pictures, fixed in `.onnx` and `.pt2`; None = those of training.
        width: their columns.
        half: store the weights as float16, in half the space; for `.safetensors`. Pictures then differ slightly.
        force: overwrite a file.

    Raises:
        CheckpointError: see `restore`; or its picture size is unknown.
        ConfigurationError: another suffix; the file exists; a package is missing; a size that the generator does not
            support; float16 in another format, or weights that are too large for it; or the exported file generates
            other pictures than the checkpoint.
        NoRoomError: the disk is full.
    """
    target = Path(output)
    if target.suffix not in FORMATS:
        raise ConfigurationError(
            f"--output {target}: the name must end in {', '.join(FORMATS)}, which says the format."
        )
    if target.exists() and not force:
        raise ConfigurationError(f"{target} is there already. Give another --output, or --force to overwrite it.")
    form = FORMATS[target.suffix]
    form.require_packages()
    if half and not form.can_be_half:
        raise ConfigurationError(f"--half {target}: float16 is for .safetensors. Leave it out.")
    source = find_checkpoint(checkpoint)
    contents = replace(_contents(restore(source), source, height, width), half=half)
    try:
        with replacing(target) as unfinished:
            difference = _write_and_compare(form, contents, unfinished)
            size = unfinished.stat().st_size
    except OSError as error:
        if full := no_room(error):
            raise NoRoomError(f"{target}: could not be written, {str(full.strerror).lower()}. Make room.") from full
        raise ConfigurationError(f"--output {target}: cannot be written ({error}).") from error
    inputs = _inputs(contents)
    shapes = {name: tuple(value.shape) for name, value in inputs.items()}
    types = {name: str(value.dtype).removeprefix("torch.") for name, value in inputs.items()}
    return Exported(target, size, shapes, types, difference)


def _contents(restored: Restored, path: Path, height: int | None, width: int | None) -> Contents:
    data = restored.config.get("data")
    known = data if isinstance(data, dict) else {}
    size = []
    for name, wanted in (("height", height), ("width", width)):
        found = known.get(name) if wanted is None else wanted
        if not isinstance(found, int) or found < 1:
            raise CheckpointError(f"{path}: its configuration has no data.{name}; give --{name}.")
        size.append(found)
    generator = restored.generator
    require_divisible(torch.empty(1, 3, *size, device="meta"), generator.size_divisor, type(generator).__name__)
    config: dict[str, Any] = {name: restored.config[name] for name in _SETTINGS if name in restored.config}
    if path.suffix != SUFFIX or "exporter" in restored.config:
        config["exporter"] = _EXPORTER
    config["data"] = {
        **_dataset(known),
        "label_space": config["label_space"],
        "height": size[0],
        "width": size[1],
        "batch_size": 1,
    }
    progress = {"batches_seen": restored.batches_seen, "images_seen": 0}
    facts = {"config": config, "classes": list(restored.label_space.names), "progress": progress}
    return Contents(restored, facts, size[0], size[1])


def _dataset(data: Mapping[str, Any]) -> dict[str, Any]:
    """The class of the dataset of training, and what its numbers mean; empty if the checkpoint does not say.

    All else stays private, such as paths of the training machine.
    """
    dataset = data.get("dataset")
    target = dataset.get("_target_") if isinstance(dataset, dict) else None
    if not isinstance(target, str):
        return {}
    if target == _STREETS:  # written to disk, they are a dataset in the layout of Cityscapes, with its ids
        target = _CITYSCAPES
    return {
        "_target_": "oasis.data.build_data_module",
        "dataset": {"_target_": target, "_partial_": True},
        "root": None,
        **{name: data[name] for name in _NUMBERING.get(target, ()) if name in data},
    }


def _write_and_compare(form: Format, contents: Contents, path: Path) -> float:
    """Write, read back and generate; returns the largest difference in [-1, 1]."""
    form.write(contents, path)
    inputs = _inputs(contents)
    with torch.no_grad():
        expected = contents.restored.generator(**inputs)
    generated = form.generate(path, inputs)
    difference = float((generated - expected).abs().max()) if generated.shape == expected.shape else float("inf")
    if not difference <= (_MOST_DIFFERENCE_OF_HALF if contents.half else _MOST_DIFFERENCE):
        advice = (
            "Export without --half."
            if contents.half
            else f"Other releases of {', '.join(form.packages) or 'torch'} may do."
        )
        raise ConfigurationError(
            f"{path.suffix}: the exported file generates other pictures than the checkpoint, by up to {difference:.2g} "
            f"in [-1, 1]; it was deleted. {advice}"
        )
    return difference


def _inputs(contents: Contents) -> dict[str, torch.Tensor]:
    """Inputs for one picture: another batch size than the file was made with."""
    return made_up_inputs(contents.restored, 1, contents.height, contents.width)
