"""Generators for use elsewhere: safetensors, ONNX, `torch.export`."""

from oasis.export.exporting import export

__all__ = ["export"]
