"""Label maps for models of another label space."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from oasis.data.files.meaning import has_cityscapes_ids
from oasis.data.panoptic.base import class_of
from oasis.data.panoptic.class_names import Occurring, correspondence, void_id
from oasis.data.panoptic.coco_segments import Segments
from oasis.label_files import INSTANCES_PER_CLASS, RAW_IDS
from oasis.labels import LabelSpace
from oasis.synthesis.label_map import LabelMap


def translated(
    label_map: LabelMap, label_space: LabelSpace, replaced: Mapping[str, str] = MappingProxyType({})
) -> LabelMap:
    """The same map in another label space, such as Cityscapes' train ids instead of all of its ids.

    Classes are found by their names, see `oasis.data.panoptic.class_names`; pixels of the ignored class become those
    of the other ignored class. Between label spaces of Cityscapes, raw ids stay the same. Instances stay apart; those
    of another class there are numbered anew, in their order.

    Args:
        label_map: of any label space.
        label_space: the other one.
        replaced: class here -> class there, for classes that do not exist there, or to read as another.

    Raises:
        DatasetError: it has classes that the other label space does not have.
    """
    here, source = label_map.label_space, label_map.source
    alike = has_cityscapes_ids(here) and has_cityscapes_ids(label_space)
    table = np.arange(RAW_IDS, dtype=np.int32)
    others = []
    for raw, pixels in enumerate(np.bincount(label_map.label.reshape(-1)).tolist()):
        name = here.names[here.raw_to_class[raw]]
        if not pixels or (name not in replaced and alike and label_space.raw_to_class[raw] >= 0):
            continue
        if name not in replaced and here.raw_to_class[raw] == here.ignore_index:
            table[raw] = void_id(label_space, pixels, source)
        else:
            others.append(Occurring(name, raw, pixels))
    found, renamed = correspondence(others, label_space, replaced, source)
    for raw, there in found.items():
        table[raw] = there
    instance = None
    if label_map.instance is not None:
        instance = _instances(label_map.instance, table, label_space, source)
    return replace(
        label_map,
        label=table[label_map.label].astype(np.uint8),
        instance=instance,
        label_space=label_space,
        replaced={**label_map.replaced, **renamed},
    )


def _instances(
    instance: NDArray[np.int32], table: NDArray[np.int32], space: LabelSpace, source: str
) -> NDArray[np.int32]:
    """Raw instance ids of a label space; table: (256,) int32, the raw class id there of each one here."""
    ids, place = np.unique(instance, return_inverse=True)
    single = ids >= INSTANCES_PER_CLASS
    raw = table[np.where(single, class_of(ids), ids)]
    # Void things of Cityscapes, such as caravans among train ids, keep their numbers: they are no instances there.
    same = raw == class_of(ids)
    has_instances = np.isin(np.asarray(space.raw_to_class)[raw], list(space.things))
    nothing = np.zeros_like(ids)
    segments = Segments(ids, nothing, nothing, single, np.arange(len(ids), dtype=np.int32))
    return segments.instance_ids(raw, single & (has_instances | same), source)[place.reshape(instance.shape)]
