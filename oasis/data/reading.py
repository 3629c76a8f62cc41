"""Reading the files of a dataset, and saying clearly what is wrong with one that cannot be read."""

from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from oasis.errors import DatasetError

_Ids = TypeVar("_Ids", bound=np.generic)
_HIGHEST_INSTANCE_ID = 65535


def check_photo_header(path: Path) -> tuple[int, int]:
    """(width, height) of a photo, from its header alone.

    Raises:
        DatasetError: the file is no picture.
    """
    with open_picture(path) as picture:
        return picture.size


def check_label_header(path: Path) -> tuple[int, int]:
    """(width, height) of a label map, from its header alone.

    Raises:
        DatasetError: the file is no picture, or its mode shows that it holds colours instead of ids.
    """
    with open_picture(path) as picture:
        _require_label_mode(picture, path)
        return picture.size


def check_instance_header(path: Path) -> tuple[int, int]:
    """(width, height) of an instance map, from its header alone.

    Raises:
        DatasetError: the file is no picture, or has not the 16 bits that ids such as 26003 need.
    """
    with open_picture(path) as picture:
        _require_instance_mode(picture, path)
        return picture.size


def read_photo(path: Path, height: int, width: int) -> NDArray[np.uint8]:
    """A photo, resized bicubically.

    Returns:
        (height, width, 3) uint8, RGB.

    Raises:
        DatasetError: the file cannot be decoded.
    """
    with open_picture(path) as picture:
        try:
            rgb = picture.convert("RGB")
        except _DECODING_ERRORS as error:
            raise _torn(path, error) from error
    if rgb.size != (width, height):
        rgb = rgb.resize((width, height), Image.Resampling.BICUBIC)
    return np.array(rgb)


def read_label_ids(path: Path) -> NDArray[np.uint8]:
    """A label map of raw ids, as it stands in the file.

    Returns:
        (H, W) uint8.

    Raises:
        DatasetError: the file cannot be decoded or holds colours instead of ids.
    """
    with open_picture(path) as picture:
        _require_label_mode(picture, path)
        return pixels(picture, path).astype(np.uint8)


def read_instance_ids(path: Path) -> NDArray[np.uint16]:
    """An instance map of raw ids (`class id * 1000 + k` for things, the plain class id elsewhere).

    Returns:
        (H, W) uint16.

    Raises:
        DatasetError: the file cannot be decoded, has fewer than 16 bits, or ids that need more.
    """
    with open_picture(path) as picture:
        _require_instance_mode(picture, path)
        ids = cast(NDArray[np.integer[Any]], pixels(picture, path))
    if ids.itemsize > 2 and not 0 <= ids.min() <= ids.max() <= _HIGHEST_INSTANCE_ID:
        raise DatasetError(
            f"{path}: instance ids {ids.min()} to {ids.max()}, but only 0 to {_HIGHEST_INSTANCE_ID} fit into the "
            "16 bits of an instance map. Number the instances as class id * 1000 + k."
        )
    return ids.astype(np.uint16)


def nearest(ids: NDArray[_Ids], height: int, width: int) -> NDArray[_Ids]:
    """Resize a map of ids by nearest neighbour, taking the pixel under each new pixel's centre.

    Pillow's NEAREST picks the same where the ratio is whole (2048x1024 to 512x256), but elsewhere rounds ties
    differently for 8 and 16 bits, which would tear label and instance map apart.

    Args:
        ids: (H, W) of any dtype.
        height: rows wanted.
        width: columns wanted.

    Returns:
        (height, width), same dtype.
    """
    rows = (2 * np.arange(height) + 1) * ids.shape[0] // (2 * height)
    columns = (2 * np.arange(width) + 1) * ids.shape[1] // (2 * width)
    return ids[np.ix_(rows, columns)]


_DECODING_ERRORS = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)


def open_picture(path: Path) -> Image.Image:
    """The picture in a file, opened but not decoded yet.

    Raises:
        DatasetError: there is no such file, or it is no picture.
    """
    try:
        return Image.open(path)
    except FileNotFoundError:
        raise DatasetError(f"{path}: no such file; did the dataset change since it was listed?") from None
    except _DECODING_ERRORS as error:
        raise DatasetError(f"{path}: not a picture that can be opened ({error}). Fetch the file again.") from error


def pixels(picture: Image.Image, path: Path) -> NDArray[np.generic]:
    """Decode a picture that stands in `path`, in whatever mode it has.

    Raises:
        DatasetError: the file is torn.
    """
    try:
        return cast(NDArray[np.generic], np.array(picture))
    except _DECODING_ERRORS as error:
        raise _torn(path, error) from error


def _torn(path: Path, error: BaseException) -> DatasetError:
    return DatasetError(f"{path}: cannot be decoded, probably truncated ({error}). Fetch the file again.")


def _require_label_mode(picture: Image.Image, path: Path) -> None:
    if picture.mode != "L":
        raise DatasetError(
            f"{path}: mode {picture.mode}, but a map of label ids is an 8-bit grey picture (mode L). "
            "This looks like a colour map: use the *_labelIds.png files."
        )


def _require_instance_mode(picture: Image.Image, path: Path) -> None:
    # Pillow opens a 16-bit grey PNG as I;16, in some builds as I.
    if not picture.mode.startswith("I"):
        raise DatasetError(
            f"{path}: mode {picture.mode}, but a map of instance ids is a 16-bit grey picture (mode I;16): ids "
            "such as 26003 do not fit into 8 bits. Use the *_instanceIds.png files, or write them with 16 bits."
        )
