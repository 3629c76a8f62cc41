"""Opening untrusted pictures: checks before any pixel is decoded."""

import stat
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

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

# Used instead of `Image.open`, which would also try forty other formats, Ghostscript among them, and whose own limit is
# a global of the process that at first only warns.
_READERS: Mapping[bytes, type[ImageFile]] = {b"\x89PNG\r\n\x1a\n": PngImageFile, b"\xff\xd8\xff": JpegImageFile}


def open_picture(path: Path, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The picture in a file, PNG or JPEG, opened but not decoded yet.

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
            start = file.read(8)
    except FileNotFoundError:
        if path.is_symlink():
            raise UnreadableFileError(f"{path}: a link to {path.readlink()}, where there is no file.") from None
        raise UnreadableFileError(f"{path}: no such file; did the dataset change since it was listed?") from None
    except OSError as error:
        raise _no_picture(path, error) from error
    for signature, reader in _READERS.items():
        if start.startswith(signature):
            return reader
    content = "an empty file" if not start else "neither PNG nor JPEG"
    raise UnreadableFileError(f"{path}: not a picture that can be opened ({content}). Fetch the file again.")


def _no_picture(path: Path, error: BaseException) -> UnreadableFileError:
    return UnreadableFileError(f"{path}: not a picture that can be opened ({error}). Fetch the file again.")
