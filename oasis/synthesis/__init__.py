"""Generating photos from label maps with a checkpoint."""

from oasis.synthesis.formats import MapKind
from oasis.synthesis.imitation import Imitation, imitate
from oasis.synthesis.label_map import LabelMap, Segment
from oasis.synthesis.loading import open_label_map
from oasis.synthesis.model import GeneratingModel
from oasis.synthesis.noise import Noise
from oasis.synthesis.synthesizer import Synthesizer

__all__ = [
    "GeneratingModel",
    "Imitation",
    "LabelMap",
    "MapKind",
    "Noise",
    "Segment",
    "Synthesizer",
    "imitate",
    "open_label_map",
]
