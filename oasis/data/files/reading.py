"""Reading the files of a dataset, with clear errors for invalid ones."""

from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from oasis.data.faults import ForeignIdsError, WrongModeError
from oasis.data.files.id_maps import pixels_of, stored_values
from oasis.data.files.id_modes import require_id_mode, require_instance_mode
from oasis.data.files.opening import DECODING_ERRORS, MAX_PIXELS, corrupt, open_picture
from oasis.data.files.photos import upright_rgb, upright_size
from oasis.errors import DatasetError
from oasis.label_files import RAW_IDS, RAW_INSTANCES

_Ids = TypeVar("_Ids", bound=np.generic)


def check_photo_header(path: Path, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """(width, height) of a photo as it is to be seen, from its header alone.

    Raises:
        DatasetError: see `open_picture`.
    """
    with open_picture(path, max_pixels) as picture:
        return upright_size(picture)


def check_label_header(path: Path, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """(width, height) of a label map, from its header alone.

    Raises:
        DatasetError: see `open_picture`; or pictures of its mode never hold ids.
    """
    with open_picture(path, max_pixels) as picture:
        require_id_mode(picture, str(path))
        return upright_size(picture)


def check_instance_header(path: Path, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """(width, height) of an instance map, from its header alone.

    Raises:
        DatasetError: see `open_picture`; or it has fewer than 16 bits, which ids such as 26003 need.
    """
    with open_picture(path, max_pixels) as picture:
        require_instance_mode(picture, str(path))
        return upright_size(picture)


def read_photo(path: Path, height: int, width: int, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """A photo as it is to be seen, resized bicubically; see `decode_photo`.

    Returns:
        (height, width, 3) uint8, RGB.

    Raises:
        DatasetError: see `open_picture`; or the file cannot be decoded.
    """
    rgb = decode_photo(path, max_pixels)
    if rgb.size != (width, height):
        rgb = rgb.resize((width, height), Image.Resampling.BICUBIC)
    return np.array(rgb)


def decode_photo(path: Path, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """A photo as RGB, turned by its EXIF orientation, scaled to 8 bits, without its alpha channel; of its own size.

    Raises:
        DatasetError: see `open_picture`; or the file cannot be decoded.
    """
    with open_picture(path, max_pixels) as picture:
        try:
            return upright_rgb(picture, str(path))
        except DatasetError:
            raise
        except DECODING_ERRORS as error:
            raise corrupt(path, error) from error


def read_label_ids(path: Path, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """A label map of raw ids, as in the file; see `oasis.data.files.id_maps` for the modes that are read.

    Returns:
        (H, W) uint8.

    Raises:
        DatasetError: see `open_picture`; or the file cannot be decoded or has colours instead of ids.
    """
    with open_picture(path, max_pixels) as picture:
        mode, found = picture.mode, pixels_of(picture, str(path), path)
    if found.are_colors:
        raise WrongModeError(
            f"{path}: mode {mode}, but a map of label ids is an 8-bit grey picture (mode L). This looks like a colour "
            "map: use the *_labelIds.png files, or convert it with oasis.synthesis.open_label_map and write its label."
        )
    highest = int(found.values.max())
    if highest >= RAW_IDS:
        raise ForeignIdsError(
            f"{path}: ids up to {highest}, but label ids end at {RAW_IDS - 1}. Is it an instance map? Use the "
            "*_labelIds.png files."
        )
    return found.values.astype(np.uint8)


def read_instance_ids(path: Path, max_pixels: int = MAX_PIXELS) -> NDArray[np.int32]:
    """An instance map of raw ids (`class id * 1000 + k` for things, 256 for class 0; the plain class id elsewhere).

    Returns:
        (H, W) int32, below `RAW_INSTANCES`; a TIFF has 32 bits, other files 16.

    Raises:
        DatasetError: see `open_picture`; or the file cannot be decoded, or has fewer than 16 bits, or ids above all.
    """
    with open_picture(path, max_pixels) as picture:
        require_instance_mode(picture, str(path))
        ids = pixels_of(picture, str(path), path).values
    if ids.max() >= RAW_INSTANCES:
        raise ForeignIdsError(f"{path}: ids up to {ids.max()}, but instance ids end at {RAW_INSTANCES - 1}.")
    return ids.astype(np.int32)


def read_numbers(path: Path, max_pixels: int = MAX_PIXELS) -> NDArray[np.int32]:
    """A map of numbers of any size; see `oasis.data.files.id_maps` for the modes that are read.

    Returns:
        (H, W) int32, 0 or above.

    Raises:
        DatasetError: see `open_picture`; or the file cannot be decoded or has colours instead of numbers.
    """
    with open_picture(path, max_pixels) as picture:
        mode, found = picture.mode, pixels_of(picture, str(path), path)
    if found.are_colors:
        raise WrongModeError(f"{path}: mode {mode}, colours; but this map holds numbers, a grey picture.")
    return found.values.astype(np.int32)


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
        return upright_size(picture)


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
        return stored_values(picture, str(path)).astype(np.uint8)


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


def _require_color_mode(picture: Image.Image, path: Path, what: str) -> None:
    require_id_mode(picture, str(path))
    if picture.mode != "RGB":
        raise WrongModeError(f"{path}: mode {picture.mode}, but {what} is an RGB picture. Fetch the original.")
