"""Decoding a map, before its kind is known."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from oasis.data import reading
from oasis.data.faults import OversizedFileError, WrongModeError
from oasis.data.opening import open_picture
from oasis.errors import DatasetError

MapInput = str | Path | Image.Image | NDArray[Any]
"""A PNG file, a picture, or an array, integers (H, W) or RGB (H, W, 3)."""


@dataclass(frozen=True, eq=False)
class Pixels:
    """A decoded map.

    Attributes:
        values: (H, W) int64 numbers, or (H, W, 3) uint8 colours.
        source: name of the map in messages.
        path: of its file; None without a file.
        palette: (N, 3) uint8, the colours of the numbers in a picture of mode P; None otherwise.
    """

    values: NDArray[np.integer[Any]]
    source: str
    path: Path | None = None
    palette: NDArray[np.uint8] | None = None

    @property
    def are_colors(self) -> bool:
        """Whether the values are colours."""
        return self.values.ndim == 3

    @property
    def numbers(self) -> NDArray[np.int64]:
        """(H, W) int64; only if the values are numbers."""
        return self.values.astype(np.int64, copy=False)

    @property
    def colors(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8; only if the values are colours."""
        return self.values.astype(np.uint8, copy=False)


def read_pixels(given: MapInput, name: str, max_pixels: int) -> Pixels:
    """Decode a map.

    Args:
        given: a path of a PNG, a picture, or an array.
        name: in messages, if it has no path.
        max_pixels: the most pixels it may have.

    Raises:
        DatasetError: no such file, not a picture, corrupt, too large, empty; or values that no map has: fractions,
            negative numbers, 1 bit, transparency, JPEG.
    """
    if isinstance(given, str | Path):
        path = Path(given)
        try:
            picture = open_picture(path, max_pixels)
        except OversizedFileError:
            raise _oversized(str(path), max_pixels) from None
        with picture:
            return _of_picture(picture, str(path), path)
    if isinstance(given, Image.Image):
        if given.width * given.height > max_pixels:
            raise _oversized(name, max_pixels)
        return _of_picture(given, name, None)
    if isinstance(given, np.ndarray):
        return Pixels(_of_array(given, name, max_pixels), name)
    raise DatasetError(
        f"{name}: a {type(given).__name__} is no map. Give a path of a PNG, a PIL image, or a numpy array: integers "
        "(H, W), or RGB (H, W, 3)."
    )


def _of_picture(picture: Image.Image, source: str, path: Path | None) -> Pixels:
    if picture.format == "JPEG":
        raise WrongModeError(
            f"{source}: a JPEG, which keeps neither ids nor colours exactly. Save the map as PNG; a photo is no map."
        )
    mode = picture.mode
    decoded = reading.pixels(picture, path or Path(source))
    if decoded.size == 0:
        raise DatasetError(f"{source}: the picture is empty, {picture.width}x{picture.height} (width x height).")
    if mode in ("L", "P") or mode.startswith("I"):
        numbers = decoded.astype(np.int64)
        _require_positive(numbers, source)
        return Pixels(numbers, source, path, _palette(picture) if mode == "P" else None)
    if mode in ("RGB", "RGBA"):
        return Pixels(_opaque(decoded.astype(np.uint8), source), source, path)
    raise WrongModeError(f"{source}: a picture of mode {mode}, which no label map has. {_KINDS}")


_KINDS = (
    "Label maps are 8-bit grey (labelIds), 16-bit grey (instanceIds, panoptic ids) or RGB (COCO panoptic, colour maps)."
)


def _of_array(values: NDArray[Any], source: str, max_pixels: int) -> NDArray[np.integer[Any]]:
    found = f"{source}: an array of shape {values.shape} and {values.dtype}"
    if values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[2] not in (3, 4)):
        raise DatasetError(f"{found}; a map is (H, W) integers, one map at a time, or (H, W, 3) colours.")
    if values.size == 0:
        raise DatasetError(f"{found}; it is empty.")
    if values.shape[0] * values.shape[1] > max_pixels:
        raise _oversized(source, max_pixels)
    if not np.issubdtype(values.dtype, np.integer):
        nan = np.issubdtype(values.dtype, np.floating) and not np.isfinite(values).all()
        advice = "it holds NaN or infinity" if nan else "if they are integers, convert with .astype(np.int32)"
        raise DatasetError(f"{found}; ids are integers: {advice}.")
    _require_positive(values, source)
    if values.ndim == 2:
        if values.max() > np.iinfo(np.int32).max:
            raise DatasetError(f"{source}: ids up to {values.max()}; no map of ids goes that far.")
        return values.astype(np.int64)
    if values.max() > 255:
        raise DatasetError(f"{found} with values up to {values.max()}; colours are RGB in 0..255.")
    return _opaque(values.astype(np.uint8), source)


def _opaque(colors: NDArray[np.uint8], source: str) -> NDArray[np.uint8]:
    """(H, W, 3) of RGB or of RGBA without any transparency."""
    if colors.shape[2] == 4:
        clear = int((colors[:, :, 3] < 255).sum())
        if clear:
            raise WrongModeError(
                f"{source}: {clear} pixels are transparent, and belong to no class. Fill them, black for unlabelled, "
                "and save without an alpha channel."
            )
    return np.ascontiguousarray(colors[:, :, :3])


def _require_positive(values: NDArray[Any], source: str) -> None:
    if values.min() < 0:
        raise DatasetError(
            f"{source}: {int((values < 0).sum())} pixels are negative, the lowest {values.min()}. Ids are 0 or above; "
            "map what has none (as -1, Cityscapes' license plates) to 0."
        )


def _palette(picture: Image.Image) -> NDArray[np.uint8] | None:
    listed = picture.getpalette("RGB")
    return None if listed is None else np.array(listed, np.uint8).reshape(-1, 3)


def _oversized(source: str, max_pixels: int) -> OversizedFileError:
    return OversizedFileError(
        f"{source}: more than {max_pixels} pixels, and it was not decoded. Make it smaller: it is resized to the "
        "model's size anyway."
    )
