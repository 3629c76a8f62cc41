"""Generators for use elsewhere: safetensors, ONNX, `torch.export`."""

from oasis.export.exporting import Exported, export
from oasis.export.formats import FORMATS, Contents, Format

__all__ = ["FORMATS", "Contents", "Exported", "Format", "export"]
