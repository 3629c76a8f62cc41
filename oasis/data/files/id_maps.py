"""Maps of ids: decoding of pictures and arrays, the same for every command.

| picture | read as |
|---|---|
| grey of 8 bits (L), 16 bits (I;16, I;16B) or 32 bits (I) | its numbers |
| palette (P) | its numbers, and the colours that it has for them |
| grey or RGB with an alpha channel (LA, RGBA) | the same without, if it is opaque; else refused |
| RGB with three equal channels | the numbers in them |
| other RGB | colours: of a colour map or of COCO panoptic |
| 1, 2 or 4 bits of grey; 16 bits a colour | refused: Pillow does not return the numbers in the file |
| CMYK, fractions, and all other modes | refused |
| GIF | its colours, as RGB: programs number them as they like |
| BMP, lossless WebP | as a PNG of the same mode |
| JPEG, lossy WebP, AVIF, TIFF with JPEG inside | refused: they do not keep numbers exactly |
| several pictures in one file | refused |

Maps are turned by their EXIF orientation, as photos are.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from oasis.data.faults import OversizedFileError, WrongModeError
from oasis.data.files.id_modes import COLOR_MODES, require_id_mode
from oasis.data.files.opening import DECODING_ERRORS, corrupt, open_picture, pixels
from oasis.data.files.photos import upright
from oasis.errors import DatasetError

MapInput = str | Path | Image.Image | NDArray[Any]
"""A PNG file, a picture, or an array, integers (H, W) or RGB (H, W, 3)."""

_GREYS = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)  # the colours of RGB with equal channels


@dataclass(frozen=True, eq=False)
class Pixels:
    """A decoded map.

    Attributes:
        values: (H, W) numbers of any integer type, 0 or above, or (H, W, 3) uint8 colours.
        source: name of the map in messages.
        path: of its file; None without a file.
        palette: (N, 3) uint8, the colours of the numbers in a picture of mode P or with three equal channels; None
            otherwise.
        mode: of the picture, or the type of the array.
    """

    values: NDArray[np.integer[Any]]
    source: str
    path: Path | None = None
    palette: NDArray[np.uint8] | None = None
    mode: str = ""

    @property
    def has_equal_channels(self) -> bool:
        """Whether the values are numbers in the three channels of a colour picture."""
        return self.palette is _GREYS

    @property
    def eight_bits(self) -> bool:
        """Whether the values are numbers that may have lost all but their lowest 8 bits."""
        return not self.are_colors and not (self.mode.startswith("I") or self.values.dtype.itemsize > 1)

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
            return pixels_of(picture, str(path), path)
    if isinstance(given, Image.Image):
        if given.width * given.height > max_pixels:
            raise _oversized(name, max_pixels)
        return pixels_of(given, name)
    if isinstance(given, np.ndarray):
        return _of_array(given, name, max_pixels)
    raise DatasetError(
        f"{name}: a {type(given).__name__} is no map. Give a path of a PNG, a PIL image, or a numpy array: integers "
        "(H, W), or RGB (H, W, 3)."
    )


def pixels_of(picture: Image.Image, source: str, path: Path | None = None) -> Pixels:
    """Decode a picture.

    Args:
        picture: opened.
        source: its name in messages.
        path: of its file; None without a file.

    Raises:
        DatasetError: see `read_pixels`.
    """
    decoded = stored_values(picture, source)
    mode = "RGBA" if picture.format == "GIF" else picture.mode
    if mode in COLOR_MODES:
        return _of_colors(decoded.astype(np.uint8), source, path, mode)
    numbers: NDArray[np.integer[Any]] = decoded  # type: ignore[assignment]
    if mode == "LA":
        numbers = _opaque(decoded.astype(np.uint8), source)[:, :, 0]
    return Pixels(numbers, source, path, _palette(picture) if mode == "P" else None, mode)


def stored_values(picture: Image.Image, source: str) -> NDArray[np.generic]:
    """The values of a picture of ids or colours, with all of its channels, turned by its EXIF orientation.

    Args:
        picture: opened.
        source: its name in messages.

    Returns:
        (H, W), (H, W, 2), (H, W, 3) or (H, W, 4); 0 or above.

    Raises:
        DatasetError: see `require_id_mode`; or it is corrupt, empty, or has negative numbers.
    """
    require_id_mode(picture, source)
    is_wide = picture.mode.startswith("I")
    try:
        # A GIF has colours; which number stands for which is up to the program that wrote it.
        turned = picture.convert("RGBA") if picture.format == "GIF" else upright(picture)
    except DECODING_ERRORS as error:
        raise corrupt(Path(source), error) from error
    decoded = pixels(turned, Path(source))
    if decoded.size == 0:
        raise DatasetError(f"{source}: the picture is empty, {picture.width}x{picture.height} (width x height).")
    if is_wide:
        _require_positive(decoded, source)
    return decoded


def _of_colors(colors: NDArray[np.uint8], source: str, path: Path | None, mode: str) -> Pixels:
    """Numbers if the three channels are equal, else colours."""
    rgb = _opaque(colors, source)
    first = rgb[:, :, 0]
    if (first == rgb[:, :, 1]).all() and (first == rgb[:, :, 2]).all():
        return Pixels(np.ascontiguousarray(first), source, path, _GREYS, mode)
    return Pixels(rgb, source, path, mode=mode)


def _of_array(values: NDArray[Any], source: str, max_pixels: int) -> Pixels:
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
        return Pixels(values, source, mode=str(values.dtype))
    if values.max() > 255:
        raise DatasetError(f"{found} with values up to {values.max()}; colours are RGB in 0..255.")
    return _of_colors(values.astype(np.uint8), source, None, str(values.dtype))


def _opaque(colors: NDArray[np.uint8], source: str) -> NDArray[np.uint8]:
    """(H, W, C) without its alpha channel, of LA, RGB or RGBA without any transparency."""
    if colors.shape[2] in (2, 4):
        clear = int((colors[:, :, -1] < 255).sum())
        if clear:
            raise WrongModeError(
                f"{source}: {clear} pixels are transparent, and belong to no class. Fill them, black for unlabelled, "
                "and save without an alpha channel."
            )
    return np.ascontiguousarray(colors[:, :, : colors.shape[2] - (colors.shape[2] in (2, 4))])


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
