"""Which pictures may be maps of ids, by their headers."""

from pathlib import Path

from PIL import Image

from oasis.data.faults import WrongModeError

COLOR_MODES = ("RGB", "RGBA")
_LOSSY = ("JPEG", "MPO", "AVIF")
_INEXACT = ("2", "4", "15", "16")  # bits a value, those of 15 and 16 in BMP for all three
_KINDS = (
    "Label maps are 8-bit grey (labelIds), 16-bit grey (instanceIds, panoptic ids) or RGB (COCO panoptic, colour maps)."
)


def require_id_mode(picture: Image.Image, source: str) -> None:
    """Raise if such a picture never is a map of ids or colours; nothing is decoded.

    Raises:
        WrongModeError: a lossy format, a mode without ids, or a number of bits that Pillow does not read exactly.
    """
    inside = str(picture.info.get("compression", "")) if picture.format == "TIFF" else ""
    is_lossy = picture.format in _LOSSY or (picture.format == "WEBP" and not _is_lossless_webp(picture))
    if is_lossy or "jpeg" in inside:
        name = "TIFF with a JPEG inside" if inside else picture.format
        article = "an" if name == "AVIF" else "a"
        raise WrongModeError(
            f"{source}: {article} {name}, which keeps neither ids nor colours exactly. Save the map as PNG, from its "
            "original; a photo is no map."
        )
    if getattr(picture, "is_animated", False):
        raise WrongModeError(
            f"{source}: several pictures in one {picture.format} file. Save each as a file of its own."
        )
    mode = picture.mode
    if mode not in ("L", "P", "LA", *COLOR_MODES) and not mode.startswith("I"):
        raise WrongModeError(f"{source}: a picture of mode {mode}, which no label map has. {_KINDS}")
    raw = _raw_mode(picture)
    if mode in ("L", "LA", *COLOR_MODES) and raw.partition(";")[2][:2] in _INEXACT:
        raise WrongModeError(
            f"{source}: stored as {raw}, with {raw.partition(';')[2][:2].rstrip('LBN')} bits a value, which do not "
            f"arrive as they are in the file. {_KINDS}"
        )


def require_instance_mode(picture: Image.Image, source: str) -> None:
    """Raise if instance ids do not fit into such a picture; nothing is decoded.

    Raises:
        WrongModeError: a lossy format, colours, or fewer than 16 bits.
    """
    require_id_mode(picture, source)
    if not picture.mode.startswith("I"):  # Pillow opens a 16-bit grey PNG as I;16, in some builds as I
        raise too_few_bits(source, f"mode {picture.mode}")


def too_few_bits(source: str, found: str) -> WrongModeError:
    """The error of an instance map without the bits that instance ids need.

    Args:
        source: name of the map.
        found: its mode or type.
    """
    return WrongModeError(
        f"{source}: {found}, but a map of instance ids is a 16-bit grey picture (mode I;16): ids such as 26003 do not "
        "fit into 8 bits. Use the *_instanceIds.png files, or write them with 16 bits."
    )


def _is_lossless_webp(picture: Image.Image) -> bool:
    """Whether the pixels of a WebP file are in a chunk of lossless compression."""
    path = str(getattr(picture, "filename", ""))
    if not path:
        return False
    with Path(path).open("rb") as file:
        file.seek(12)  # RIFF, size, WEBP
        while len(head := file.read(8)) == 8:
            if head[:4] in (b"VP8L", b"VP8 ", b"ANMF"):
                return head[:4] == b"VP8L"
            size = int.from_bytes(head[4:], "little")
            file.seek(size + size % 2, 1)
    return False


def _raw_mode(picture: Image.Image) -> str:
    """How the pixels of an opened file are stored, such as `RGB;16B`; empty once they are decoded."""
    tiles = getattr(picture, "tile", None)
    if not tiles:
        return ""
    stored = tiles[0][3]
    return str(stored[0] if isinstance(stored, tuple) else stored)
