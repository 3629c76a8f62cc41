"""Consistency of a sample's label map and instance map."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from oasis.data.faults import ContradictionError, ForeignIdsError
from oasis.errors import ConfigurationError
from oasis.instances import MAX_INSTANCES
from oasis.label_files import INSTANCES_PER_CLASS, RAW_IDS, RAW_INSTANCES
from oasis.labels import LabelSpace


class OnInconsistentIds(StrEnum):
    """How to handle a thing pixel that has another class in the label map; `data.on_inconsistent_ids`."""

    ERROR = "error"
    """Refuse the sample: the maps probably do not belong together."""

    TRUST_INSTANCES = "trust_instances"
    """Take the class from the instance map, `id // 1000`."""

    @classmethod
    def _missing_(cls, value: object) -> "OnInconsistentIds":
        choices = ", ".join(cls)
        raise ConfigurationError(f"data.on_inconsistent_ids={value}: no such policy; choose one of {choices}.")


@dataclass(frozen=True)
class Maps:
    """The two maps of one sample, as in their files.

    Attributes:
        label: (H, W) uint8 raw label ids, all within the label space.
        instance: (H, W) int32 raw instance ids.
        label_file: where `label` is from.
        instance_file: where `instance` is from.
    """

    label: NDArray[np.uint8]
    instance: NDArray[np.int32]
    label_file: Path
    instance_file: Path


_ADVICE = (
    "restore the originals, or let the instance map decide with "
    f"data.on_inconsistent_ids={OnInconsistentIds.TRUST_INSTANCES}."
)


def consistent_label(
    maps: Maps, space: LabelSpace, policy: OnInconsistentIds, advice: str = _ADVICE
) -> NDArray[np.uint8]:
    """The label map, checked against the instance map; 2 ms for two million pixels.

    Maps are constant over long runs, so each check is made once per run instead of once per pixel.

    Args:
        maps: the two maps, of one shape.
        space: which classes have instances.
        policy: how to handle thing pixels of another class.
        advice: what to do about them, for the error.

    Returns:
        (H, W) uint8: `maps.label` itself, or a copy that follows the instance map.

    Raises:
        DatasetError: an instance of a class that has none, more than `MAX_INSTANCES` instances, or things that are
            merely numbered; or, under `OnInconsistentIds.ERROR`, a thing pixel that has another class in the label map.
    """
    label, instance, pixels = _stretches(maps.label, maps.instance)
    is_thing = instance >= INSTANCES_PER_CLASS
    if not is_thing.any():
        _require_plain_ids(maps, label, instance, pixels, space)
        return maps.label
    label, instance, pixels = label[is_thing], instance[is_thing], pixels[is_thing]
    thing = _class_of(instance)
    _require_thing_classes(maps.instance_file, instance, pixels, space)
    count = len(np.unique(instance))
    if count > MAX_INSTANCES:
        raise ForeignIdsError(
            f"{maps.instance_file}: {count} instances, more than the {MAX_INSTANCES} that one image may have. Is it "
            "noise, or a map of another kind? Otherwise merge the smallest into group regions (their plain class id)."
        )
    wrong = thing != label
    if not wrong.any():
        return maps.label
    if policy is OnInconsistentIds.ERROR:
        raise ContradictionError(
            f"{maps.instance_file}: {pixels[wrong].sum()} thing pixels have another class in {maps.label_file}: "
            f"{_listing(instance[wrong], label[wrong], pixels[wrong], space)}. The two maps do not belong together, or "
            f"one was edited: {advice}"
        )
    return np.where(maps.instance >= INSTANCES_PER_CLASS, _class_of(maps.instance), maps.label).astype(np.uint8)


def _class_of(instance: NDArray[np.int32]) -> NDArray[np.int32]:
    """The raw label id of each instance id of a thing."""
    return instance // INSTANCES_PER_CLASS % RAW_IDS


def _stretches(
    label: NDArray[np.uint8], instance: NDArray[np.int32]
) -> tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.intp]]:
    """Both values of each run of equal pixels in reading order, and the run's length."""
    labels, instances = label.reshape(-1), instance.reshape(-1)
    changes = labels[1:] != labels[:-1]
    changes |= instances[1:] != instances[:-1]
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1])
    return labels[starts], instances[starts], np.diff(starts, append=labels.size)


def _require_thing_classes(
    path: Path, instance: NDArray[np.int32], pixels: NDArray[np.intp], space: LabelSpace
) -> None:
    # The ignored class is allowed: with train ids, caravans and trailers are void, but have instance numbers.
    allowed = np.isin(space.raw_to_class, [*space.things, space.ignore_index])
    bad = ~allowed[_class_of(instance)] | (instance >= RAW_INSTANCES)
    if not bad.any():
        return
    ids = np.unique(instance[bad])
    listing = ", ".join(f"{i} ({pixels[instance == i].sum()} pixels)" for i in ids[:8].tolist())
    things = [raw for raw, c in enumerate(space.raw_to_class) if c in space.things]
    raise ForeignIdsError(
        f"{path}: instance ids outside the label space: {listing}{', ...' if len(ids) > 8 else ''}. An id of 1000 or "
        f"more is class id * 1000 + k, and only the classes {', '.join(map(str, things))} have instances; all else "
        "has its plain class id. If every pixel holds class id * 1000 + instance, these are panoptic ids: `oasis "
        "convert IN OUT --from panoptic_ids --to cityscapes` converts them."
    )


def _require_plain_ids(
    maps: Maps, label: NDArray[np.uint8], instance: NDArray[np.int32], pixels: NDArray[np.intp], space: LabelSpace
) -> None:
    """Raise if the things of a map without any instance have other ids than that of their class: plain numbers.

    0 is none in most formats, and stands for no instance here too.
    """
    is_thing = np.isin(space.raw_to_class, [*space.things])[label]
    strange = is_thing & (instance != label) & (instance > 0)
    if strange.any():
        raise ContradictionError(
            f"{maps.instance_file}: no id is 1000 or more, as those of instances are, but {pixels[strange].sum()} "
            f"pixels of things have other ids than their class in {maps.label_file}: "
            f"{_listing(instance[strange], label[strange], pixels[strange], space)}. If each object has a number of "
            "its own, say so with --instance-format numbers (data=folder data.instance_format=numbers for training, "
            "instance_format=INSTANCE_FORMATS['numbers'] in Python); else the two maps do not belong together."
        )


def _listing(instance: NDArray[np.int32], label: NDArray[np.uint8], pixels: NDArray[np.intp], space: LabelSpace) -> str:
    """The pairs of instance and label id that occur, in words: those of most pixels first."""
    pairs, which = np.unique(np.stack([instance, label.astype(np.int32)]), axis=1, return_inverse=True)
    counts = np.bincount(which.reshape(-1), weights=pixels).astype(int)
    largest = np.argsort(-counts, kind="stable")[:4]
    listing = ", ".join(
        f"instance {pairs[0, i]} on label id {pairs[1, i]} ({_name(space, pairs[1, i])}, {counts[i]} pixels)"
        for i in largest
    )
    return listing + (", ..." if len(counts) > len(largest) else "")


def _name(space: LabelSpace, raw: int) -> str:
    return space.names[space.raw_to_class[raw]]
