"""The export formats of generators; each can be read back and compared."""

import importlib.util
import json
import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from oasis.checkpoint import Restored, restore
from oasis.checkpoint.exported import METADATA_KEY, SUFFIX, VERSION, write_exported
from oasis.errors import ConfigurationError
from oasis.export.program import capture, made_up_inputs

_OPSET = 18  # of ONNX: the one that torch's exporter writes without converting


@dataclass(frozen=True)
class Contents:
    """The contents of an export.

    Attributes:
        restored: the restored checkpoint.
        facts: `config`, `classes` and `progress`, plain containers: the metadata of the file.
        height: of the pictures.
        width: of the pictures.
        half: the weights become float16.
    """

    restored: Restored
    facts: dict[str, Any]
    height: int
    width: int
    half: bool = False

    @property
    def text(self) -> str:
        """The facts as JSON, for formats that keep text."""
        return json.dumps({"version": VERSION, **self.facts})


class Format(ABC):
    """An export format.

    Attributes:
        packages: required packages.
        can_be_half: whether weights can be stored as float16.
    """

    packages: ClassVar[tuple[str, ...]] = ()
    can_be_half: ClassVar[bool] = False

    def require_packages(self) -> None:
        """Raise unless all packages are installed.

        Raises:
            ConfigurationError: the message names the missing ones and how to install them.
        """
        missing = [name for name in self.packages if importlib.util.find_spec(name) is None]
        if missing:
            raise ConfigurationError(
                f"This export needs {', '.join(missing)}, not installed here: pip install 'panoptic-oasis[export]'"
            )

    @abstractmethod
    def write(self, contents: Contents, path: Path) -> None:
        """Write the file."""

    @abstractmethod
    def generate(self, path: Path, inputs: dict[str, Tensor]) -> Tensor:
        """Read the file back and run it.

        Args:
            path: a file of `write`.
            inputs: see `made_up_inputs`.

        Returns:
            (B, 3, H, W) float32 in [-1, 1].
        """


class Safetensors(Format):
    """The weights, and in the header everything to rebuild the generator; see `oasis.checkpoint.exported`."""

    can_be_half = True

    def write(self, contents: Contents, path: Path) -> None:
        """See `Format`."""
        write_exported(path, contents.restored.generator.state_dict(), contents.facts, contents.half)

    def generate(self, path: Path, inputs: dict[str, Tensor]) -> Tensor:
        """See `Format`."""
        with torch.no_grad():
            image: Tensor = restore(path).generator(**inputs)
        return image


class Program(Format):
    """A program of `torch.export`; run it with `torch.export.load(path).module()(condition=..., noise=...)`."""

    def write(self, contents: Contents, path: Path) -> None:
        """See `Format`."""
        program = capture(contents.restored, _example(contents))
        program.example_inputs = None  # at full width, a quarter of the file
        torch.export.save(program, path, extra_files={f"{METADATA_KEY}.json": contents.text})

    def generate(self, path: Path, inputs: dict[str, Tensor]) -> Tensor:
        """See `Format`."""
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch 2.11 about a buffer that it then copies
            image: Tensor = torch.export.load(path).module()(**inputs)
        return image


class Onnx(Format):
    """An ONNX model: inputs as of `capture`, output `image`, any number of pictures at once."""

    packages = ("onnx", "onnxscript", "onnxruntime")

    def write(self, contents: Contents, path: Path) -> None:
        """See `Format`."""
        inputs = _example(contents)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the exporter about its own parts; the result is compared
            exported = torch.onnx.export(
                capture(contents.restored, inputs),
                input_names=list(inputs),
                output_names=["image"],
                dynamic_shapes={name: {0: "batch"} for name in inputs},
                opset_version=_OPSET,
                dynamo=True,
                verbose=False,
            )
        if exported is None:
            raise RuntimeError("torch.onnx gave no program")
        exported.model.metadata_props[METADATA_KEY] = contents.text
        exported.save(path, external_data=False)

    def generate(self, path: Path, inputs: dict[str, Tensor]) -> Tensor:
        """See `Format`."""
        import onnxruntime

        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        (image,) = session.run(["image"], {name: value.numpy() for name, value in inputs.items()})
        return torch.from_numpy(image)


def _example(contents: Contents) -> dict[str, Tensor]:
    """Two pictures: with one, the batch size would be traced as constant."""
    return made_up_inputs(contents.restored, 2, contents.height, contents.width)


FORMATS: dict[str, Format] = {SUFFIX: Safetensors(), ".onnx": Onnx(), ".pt2": Program()}
