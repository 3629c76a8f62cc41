"""Encodings of label maps for the networks: one class per file, chosen with `encoding=NAME`."""

from oasis.encodings.base import Encoding, OrderSensitivity
from oasis.encodings.boundary import Boundary
from oasis.encodings.center_offset import CenterOffset
from oasis.encodings.concat import Concat
from oasis.encodings.instance_ids import InstanceIds
from oasis.encodings.instance_noise import InstanceNoise
from oasis.encodings.one_hot_plus import OneHotPlus
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
    "OneHotPlus",
    "OrderSensitivity",
    "PerInstanceMasks",
    "Position",
    "Semantic",
]
