"""Photos of any mode as upright RGB."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from oasis.data.faults import WrongModeError
from oasis.data.files.opening import DECODING_ERRORS

_ORIENTATION = 0x0112  # the tag of EXIF
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = (5, 6, 7, 8)
_BITS_16 = 65535


def upright_size(picture: Image.Image) -> tuple[int, int]:
    """(width, height) of an opened picture as it is to be seen, by its EXIF orientation; nothing is decoded."""
    width, height = picture.size
    return (height, width) if _orientation(picture) in _SIDEWAYS else (width, height)


def upright(picture: Image.Image) -> Image.Image:
    """The picture as it is to be seen, by its EXIF orientation."""
    turn = _TURNS.get(_orientation(picture))
    return picture if turn is None else picture.transpose(turn)


def upright_rgb(picture: Image.Image, source: str) -> Image.Image:
    """A photo of any mode as upright RGB.

    Grey values of 16 bits, and fractions, are scaled to 8 bits. An alpha channel is dropped, so that transparent
    pixels show the colours that are stored for them.

    Args:
        picture: opened.
        source: its name in messages.

    Raises:
        WrongModeError: grey values that are neither of 8 or 16 bits nor fractions.
    """
    turned = upright(picture)
    if turned.mode == "F" or turned.mode.startswith("I"):
        turned = Image.fromarray(_to_bytes(np.array(turned), source))
    return turned.convert("RGB")


def _orientation(picture: Image.Image) -> int:
    if picture.format == "TIFF":  # Pillow turns these itself
        return 1
    try:
        # That of PngImageFile would decode the whole picture, to look for EXIF data behind the pixels.
        return int(Image.Image.getexif(picture).get(_ORIENTATION, 1))
    except DECODING_ERRORS:  # corrupt EXIF data; the pixels may be good
        return 1


def _to_bytes(grey: NDArray[np.generic], source: str) -> NDArray[np.uint8]:
    """(H, W) integers 0..65535, or fractions in 0..1, 0..255 or 0..65535, to uint8."""
    values = grey.astype(np.float64)
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    if not (low >= 0 and high <= _BITS_16):  # NaN is neither
        raise WrongModeError(
            f"{source}: grey values from {low:g} to {high:g}; a photo has 8 bits, 16 bits, or fractions from 0 to 1. "
            "Save it with 8 bits."
        )
    if np.issubdtype(grey.dtype, np.integer):
        scale = 255 / _BITS_16
    else:
        scale = 255.0 if high <= 1 else 1.0 if high <= 255 else 255 / _BITS_16
    return (values * scale + 0.5).astype(np.uint8)
