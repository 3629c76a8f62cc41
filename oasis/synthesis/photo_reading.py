"""Label maps from photos by a segmenter."""

from collections import Counter
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from oasis.data.files.opening import MAX_PIXELS
from oasis.data.files.photos import upright_rgb
from oasis.data.files.reading import decode_photo, nearest
from oasis.data.transforms import to_unit_range
from oasis.errors import ConfigurationError
from oasis.label_files import INSTANCES_PER_CLASS, first_instance
from oasis.labels import LabelSpace
from oasis.segmenters import Segmenter
from oasis.synthesis.label_map import LabelMap


class PhotoReader:
    """Turns photos into label maps to generate from.

    The segmenter gets a photo at the size it was trained at, or at the photo's own, and its prediction is resized to
    the photo's own size. Classes are matched by their names; the instances of each class get the ids
    `class id * 1000`, `class id * 1000 + 1`, ... (256 for class 0) in the order of the segmenter's own numbers. Things
    without an instance keep the plain class id, like the group regions of Cityscapes. Of a segmenter that finds classes
    only, instances are unknown.

    Args:
        segmenter: any; it stays on its device.
        label_space: of the label maps.
        size: (height, width) of the segmenter's input; None = each photo's own.
        max_pixels: the most pixels that a photo's header may claim.

    Raises:
        ConfigurationError: the segmenter predicts a class that the label space does not have.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        label_space: LabelSpace,
        size: tuple[int, int] | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self.segmenter = segmenter
        self.label_space = label_space
        self.size = size
        self.max_pixels = max_pixels
        self._raw_ids = _raw_ids(segmenter.label_space, label_space)
        shared = {segmenter.label_space.names[c] for c in segmenter.label_space.things}
        shared &= {label_space.names[c] for c in label_space.things}
        self._things = {c for c, name in enumerate(segmenter.label_space.names) if name in shared}

    def read(self, photo: Path | str | Image.Image) -> LabelMap:
        """Segment a photo.

        Args:
            photo: a file that `open_picture` opens, or a picture of any mode and size; turned by its EXIF orientation.

        Returns:
            A map of the photo's height and width, instances numbered if the segmenter finds any.

        Raises:
            DatasetError: the file is missing, not a picture, too large, or corrupt.
        """
        source = "photo" if isinstance(photo, Image.Image) else str(photo)
        if isinstance(photo, Image.Image):
            whole = upright_rgb(photo, source)
        else:
            whole = decode_photo(Path(photo), self.max_pixels)
        height, width = self.size or (whole.height, whole.width)
        seen = np.array(whole.resize((width, height), Image.Resampling.BICUBIC))
        device = next((tensor.device for tensor in self.segmenter.parameters()), torch.device("cpu"))
        with torch.no_grad():
            prediction = self.segmenter(to_unit_range(torch.from_numpy(seen).permute(2, 0, 1)[None].to(device)))
        index, number = prediction.label[0].cpu().numpy(), prediction.instance[0].cpu().numpy()
        instance, remark = None, "read from a photo by a segmenter that finds classes only: individuals are unknown"
        if self.segmenter.finds_instances:
            numbered, individuals = self._number(index, number)
            instance, remark = nearest(numbered, whole.height, whole.width), _remark(individuals)
        return LabelMap(
            label=nearest(self._raw_ids[index], whole.height, whole.width),
            instance=instance,
            label_space=self.label_space,
            source=source,
            remarks=(remark,),
        )

    def _number(self, index: NDArray[np.int64], number: NDArray[np.int64]) -> tuple[NDArray[np.int32], Counter[str]]:
        """(H, W) class indices and the segmenter's numbers to (H, W) instance ids, and the count of each class."""
        instance = self._raw_ids[index].astype(np.int32)
        individuals: Counter[str] = Counter()
        things = (number > 0) & np.isin(index, list(self._things))
        # Pairs, so that a number with pixels of two classes becomes an instance of each.
        for value, which in np.unique(np.stack([number[things], index[things]], axis=1), axis=0).tolist():
            raw, name = int(self._raw_ids[which]), self.segmenter.label_space.names[which]
            if individuals[name] < INSTANCES_PER_CLASS:
                instance[(number == value) & (index == which)] = first_instance(raw) + individuals[name]
                individuals[name] += 1
        return instance, individuals


def _raw_ids(segmenter: LabelSpace, space: LabelSpace) -> NDArray[np.uint8]:
    """The raw id of each of the segmenter's classes: (C,) uint8; classes that it never predicts are unlabelled.

    Raises:
        ConfigurationError: a class that it predicts is missing.
    """
    named = segmenter.evaluated - {segmenter.ignore_index}
    unknown = [segmenter.names[c] for c in sorted(named) if segmenter.names[c] not in space.names]
    if unknown:
        raise ConfigurationError(
            f"The segmenter predicts classes that the checkpoint does not know: {', '.join(unknown)}. Choose a "
            f"segmenter, or a checkpoint, of the same classes; the checkpoint's are {', '.join(space.names)}."
        )
    wanted = [space.names.index(name) if name in space.names else space.ignore_index for name in segmenter.names]
    return np.array([_lowest_raw_id(space, c) for c in wanted], np.uint8)


def _lowest_raw_id(space: LabelSpace, index: int) -> int:
    """The lowest raw id of a class; that of the ignored class if it has none."""
    table = space.raw_to_class
    return table.index(index) if index in table else table.index(space.ignore_index)


def _remark(individuals: Counter[str]) -> str:
    listing = ", ".join(f"{count} {name}" for name, count in sorted(individuals.items()) if count)
    return f"read from a photo by a segmenter; individuals: {listing or 'none'}"
