"""Opening untrusted pictures: checks before any pixel is decoded."""

import re
import stat
import struct
import zlib
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ImageFile import ImageFile

from oasis.data.faults import OversizedFileError, UnreadableFileError

MAX_PIXELS = 2**26
"""The default limit of pixels: 8192x8192, a photo of 200 MB. Cityscapes has 2^21."""

# What Pillow's readers raise for damaged files.
DECODING_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    OverflowError,
    AssertionError,
    struct.error,
    zlib.error,
)

PHOTO_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".tif", ".tiff", ".gif", ".bmp")
"""The endings of photos and maps in a dataset's folders; what is in a file is told by its first bytes."""

MAP_ENDINGS = (".png", ".tif", ".tiff", ".gif", ".bmp", ".webp")
"""The endings of maps in a folder that is searched: of formats that may keep every number exactly."""

# Used instead of `Image.open`, which would also try forty other formats, Ghostscript among them, and whose own limit is
# a global of the process that at first only warns. First bytes, and the module and class of Pillow's reader.
_READERS: Mapping[str, tuple[bytes, str, str]] = {
    "PNG": (rb"\x89PNG\r\n\x1a\n", "PngImagePlugin", "PngImageFile"),
    "JPEG": (rb"\xff\xd8\xff", "JpegImagePlugin", "JpegImageFile"),
    "TIFF": (rb"II[*+]\x00|MM\x00[*+]", "TiffImagePlugin", "TiffImageFile"),
    "WebP": (rb"RIFF....WEBP", "WebPImagePlugin", "WebPImageFile"),
    "AVIF": (rb"....ftypavi[fs]", "AvifImagePlugin", "AvifImageFile"),
    "GIF": (rb"GIF8[79]a", "GifImagePlugin", "GifImageFile"),
    "BMP": (rb"BM", "BmpImagePlugin", "BmpImageFile"),
}


def is_hidden(path: Path) -> bool:
    """Whether a file is one that systems leave behind: `.DS_Store`, `._x.png`, all below `@eaDir` or `__MACOSX`.

    Args:
        path: relative to the dataset's folder.
    """
    return any(part.startswith((".", "@eaDir", "__MACOSX")) for part in path.parts)


def open_picture(path: Path, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The picture in a file, opened but not decoded yet.

    PNG, JPEG, TIFF, WebP, GIF, BMP, or, if this Pillow reads it, AVIF.
    Links are followed: datasets are often folders of links into a store.

    Args:
        path: of the file.
        max_pixels: the most pixels that its header may claim.

    Raises:
        DatasetError: there is no such file, it is not a regular file (a folder, a pipe, a device), it is not a picture,
            or its header claims more than `max_pixels`.
    """
    reader = _reader(path)
    try:
        picture = reader(path)
    except DECODING_ERRORS as error:
        raise _no_picture(path, error) from error
    width, height = picture.size
    if width * height > max_pixels:
        picture.close()
        raise OversizedFileError(
            f"{path}: its header claims {width}x{height} pixels, more than data.max_pixels={max_pixels}; it was not "
            "decoded. If the picture is genuine, raise data.max_pixels; else fetch the file again."
        )
    return picture


def _reader(path: Path) -> type[ImageFile]:
    """The class that reads this file, by its first bytes; its name is not trusted."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would block, and a device never ends
            raise UnreadableFileError(f"{path}: not a file, but a folder, pipe or device. Remove it.")
        with path.open("rb") as file:
            start = file.read(16)
    except FileNotFoundError:
        if path.is_symlink():
            raise UnreadableFileError(f"{path}: a link to {path.readlink()}, where there is no file.") from None
        raise UnreadableFileError(f"{path}: no such file; did the dataset change since it was listed?") from None
    except OSError as error:
        raise _no_picture(path, error) from error
    for name, (signature, module, reader) in _READERS.items():
        if re.match(signature, start, re.DOTALL):
            return _load(path, name, module, reader)
    content = "an empty file" if not start else f"none of {', '.join(_READERS)}"
    raise UnreadableFileError(f"{path}: not a picture that can be opened ({content}). Fetch the file again.")


def _load(path: Path, name: str, module: str, reader: str) -> type[ImageFile]:
    """Pillow's reader of a format; some are not in every version and build."""
    try:
        plugin = import_module(f"PIL.{module}")
    except ImportError:
        plugin = None
    if plugin is None or not getattr(plugin, "SUPPORTED", True):
        raise UnreadableFileError(
            f"{path}: not a picture that can be opened (this Pillow does not read {name}). Convert it to PNG, or "
            "install a newer pillow."
        )
    return cast(type[ImageFile], getattr(plugin, reader))


def _no_picture(path: Path, error: BaseException) -> UnreadableFileError:
    return UnreadableFileError(f"{path}: not a picture that can be opened ({error}). Fetch the file again.")


def pixels(picture: Image.Image, path: Path) -> NDArray[np.generic]:
    """Decode the picture in `path`, in any mode.

    Raises:
        DatasetError: the file is corrupt.
    """
    try:
        return cast(NDArray[np.generic], np.array(picture))
    except DECODING_ERRORS as error:
        raise corrupt(path, error) from error


def corrupt(path: Path, error: BaseException) -> UnreadableFileError:
    """The error of a file whose pixels cannot be decoded."""
    return UnreadableFileError(f"{path}: cannot be decoded, probably truncated ({error}). Fetch the file again.")
