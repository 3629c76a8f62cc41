"""Reading the files of a dataset, with clear errors for invalid ones."""

from pathlib import Path
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from oasis.data.faults import UnreadableFileError, WrongModeError
from oasis.data.opening import DECODING_ERRORS, MAX_PIXELS, open_picture
from oasis.errors import DatasetError

_Ids = TypeVar("_Ids", bound=np.generic)


def check_photo_header(path: Path, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """(width, height) of a photo, from its header alone.

    Raises:
        DatasetError: see `open_picture`.
    """
    with open_picture(path, max_pixels) as picture:
        return picture.size


def check_label_header(path: Path, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """(width, height) of a label map, from its header alone.

    Raises:
        DatasetError: see `open_picture`; or its mode is one of colours instead of ids.
    """
    with open_picture(path, max_pixels) as picture:
        _require_label_mode(picture, path)
        return picture.size


def check_instance_header(path: Path, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """(width, height) of an instance map, from its header alone.

    Raises:
        DatasetError: see `open_picture`; or it has fewer than 16 bits, which ids such as 26003 need.
    """
    with open_picture(path, max_pixels) as picture:
        _require_instance_mode(picture, path)
        return picture.size


def read_photo(path: Path, height: int, width: int, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """A photo, resized bicubically.

    Returns:
        (height, width, 3) uint8, RGB.

    Raises:
        DatasetError: see `open_picture`; or the file cannot be decoded.
    """
    with open_picture(path, max_pixels) as picture:
        try:
            rgb = picture.convert("RGB")
        except DECODING_ERRORS as error:
            raise _corrupt(path, error) from error
    if rgb.size != (width, height):
        rgb = rgb.resize((width, height), Image.Resampling.BICUBIC)
    return np.array(rgb)


def read_label_ids(path: Path, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """A label map of raw ids, as in the file.

    Returns:
        (H, W) uint8.

    Raises:
        DatasetError: see `open_picture`; or the file cannot be decoded or has colours instead of ids.
    """
    with open_picture(path, max_pixels) as picture:
        _require_label_mode(picture, path)
        return pixels(picture, path).astype(np.uint8)


def read_instance_ids(path: Path, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint16]:
    """An instance map of raw ids (`class id * 1000 + k` for things, the plain class id elsewhere).

    Returns:
        (H, W) uint16.

    Raises:
        DatasetError: see `open_picture`; or the file cannot be decoded, or has fewer than 16 bits.
    """
    with open_picture(path, max_pixels) as picture:
        _require_instance_mode(picture, path)
        return pixels(picture, path).astype(np.uint16)  # fits in any mode in which Pillow opens a 16-bit PNG


def check_color_header(path: Path, what: str, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """(width, height) of a map whose ids are colours, from its header alone.

    Args:
        path: of the file.
        what: the kind of map, for the error.
        max_pixels: the most pixels that its header may claim.

    Raises:
        DatasetError: see `open_picture`; or it is not an RGB picture.
    """
    with open_picture(path, max_pixels) as picture:
        _require_color_mode(picture, path, what)
        return picture.size


def read_colors(path: Path, what: str, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """A map whose ids are colours.

    Args:
        path: of the file.
        what: the kind of map, for the error.
        max_pixels: the most pixels that its header may claim.

    Returns:
        (H, W, 3) uint8.

    Raises:
        DatasetError: see `open_picture`; or the file cannot be decoded or is not an RGB picture.
    """
    with open_picture(path, max_pixels) as picture:
        _require_color_mode(picture, path, what)
        return pixels(picture, path).astype(np.uint8)


def nearest(ids: NDArray[_Ids], height: int, width: int) -> NDArray[_Ids]:
    """Resize a map of ids by nearest neighbour, taking the pixel under each new pixel's centre.

    Pillow's NEAREST gives the same for integer ratios (2048x1024 to 512x256), but otherwise rounds ties differently
    for 8 and 16 bits, which would misalign label and instance map.

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


def pixels(picture: Image.Image, path: Path) -> NDArray[np.generic]:
    """Decode the picture in `path`, in any mode.

    Raises:
        DatasetError: the file is corrupt.
    """
    try:
        return cast(NDArray[np.generic], np.array(picture))
    except DECODING_ERRORS as error:
        raise _corrupt(path, error) from error


def _corrupt(path: Path, error: BaseException) -> DatasetError:
    return UnreadableFileError(f"{path}: cannot be decoded, probably truncated ({error}). Fetch the file again.")


def _require_label_mode(picture: Image.Image, path: Path) -> None:
    if picture.mode != "L":
        raise WrongModeError(
            f"{path}: mode {picture.mode}, but a map of label ids is an 8-bit grey picture (mode L). "
            "This looks like a colour map: use the *_labelIds.png files."
        )


def _require_color_mode(picture: Image.Image, path: Path, what: str) -> None:
    if picture.mode != "RGB":
        raise WrongModeError(f"{path}: mode {picture.mode}, but {what} is an RGB picture. Fetch the original.")


def _require_instance_mode(picture: Image.Image, path: Path) -> None:
    # Pillow opens a 16-bit grey PNG as I;16, in some builds as I.
    if not picture.mode.startswith("I"):
        raise WrongModeError(
            f"{path}: mode {picture.mode}, but a map of instance ids is a 16-bit grey picture (mode I;16): ids "
            "such as 26003 do not fit into 8 bits. Use the *_instanceIds.png files, or write them with 16 bits."
        )
