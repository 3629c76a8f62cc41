"""How a label map is shown to the networks: one class a file, swapped with `encoding=NAME`."""

from oasis.encodings.base import Encoding
from oasis.encodings.semantic import Semantic

__all__ = ["Encoding", "Semantic"]
