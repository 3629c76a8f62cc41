"""The maps of one sample of a dataset, read and compared: the same for training and for generating."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from oasis.data.consistency import Maps, OnInconsistentIds, consistent_label
from oasis.data.dataset import Dataset, require_size
from oasis.data.files.meaning import check_label_file
from oasis.data.files.opening import MAX_PIXELS
from oasis.labels import LabelSpace


def read_maps(
    dataset: Dataset,
    label: Path,
    instance: Path | None,
    label_space: LabelSpace,
    on_inconsistent_ids: OnInconsistentIds = OnInconsistentIds.ERROR,
    max_pixels: int = MAX_PIXELS,
) -> tuple[NDArray[np.uint8], NDArray[np.int32] | None]:
    """Read a label map and its instance map at the size of their files.

    Args:
        dataset: the dataset that they are of.
        label: the label map's file.
        instance: the instance map's file; None = there is none.
        label_space: which raw ids may occur.
        on_inconsistent_ids: see `OnInconsistentIds`.
        max_pixels: the most pixels that a file's header may claim.

    Returns:
        (H, W) uint8 raw label ids; and (H, W) int32 raw instance ids, see `Dataset.instance_ids`.

    Raises:
        DatasetError: a file that cannot be decoded, ids outside the label space, or maps that contradict each other.
    """
    raw = dataset.read_label(label, max_pixels)
    check_label_file(raw, label, label_space)
    if instance is None:
        return raw, None
    numbers = dataset.read_instance(instance, max_pixels)
    require_size(instance, numbers.shape[::-1], label, raw.shape[::-1])
    ids = dataset.instance_ids(raw, numbers, label_space)
    return consistent_label(Maps(raw, ids, label, instance), label_space, on_inconsistent_ids), ids
