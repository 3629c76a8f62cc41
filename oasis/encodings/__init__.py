"""How a label map is shown to the networks: one class a file, swapped with `encoding=NAME`."""

from oasis.encodings.base import Encoding, Renumbering
from oasis.encodings.boundary import Boundary
from oasis.encodings.center_offset import CenterOffset
from oasis.encodings.concat import Concat
from oasis.encodings.instance_ids import InstanceIds
from oasis.encodings.instance_noise import InstanceNoise
from oasis.encodings.layered import Layered
from oasis.encodings.per_instance_masks import PerInstanceMasks
from oasis.encodings.position import Position
from oasis.encodings.semantic import Semantic

__all__ = [
    "Boundary",
    "CenterOffset",
    "Concat",
    "Encoding",
    "InstanceIds",
    "InstanceNoise",
    "Layered",
    "PerInstanceMasks",
    "Position",
    "Renumbering",
    "Semantic",
]
