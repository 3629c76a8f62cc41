"""Checks of uploaded files."""

from pathlib import Path

from oasis.app.limits import Limits
from oasis.errors import DatasetError, OasisError, message
from oasis.labels import LabelSpace
from oasis.synthesis import LabelMap, MapKind, open_label_map

_PNG = b"\x89PNG\r\n\x1a\n"
# First bytes of other file types, and advice for each; the first match counts.
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "a JPEG, which blurs ids: save the map as PNG"),
    (b"<svg", "an SVG drawing: export the map as PNG"),
    (b"<?xml", "an XML or SVG file: export the map as PNG"),
    (b"<!doctype", "a web page: save the picture itself"),
    (b"<html", "a web page: save the picture itself"),
    (b"GIF8", "a GIF: save the map as PNG"),
    (b"II*\x00", "a TIFF: save the map as PNG"),
    (b"MM\x00*", "a TIFF: save the map as PNG"),
    (b"RIFF", "a WebP picture or a sound: save the map as PNG"),
    (b"PK\x03\x04", "a ZIP archive: unpack it and choose one map"),
)


def open_upload(label: Path, instance: Path | None, label_space: LabelSpace, limits: Limits) -> LabelMap:
    """A label map, and the instance map that belongs to it, from uploaded files.

    Args:
        label: path of the upload; its last part is the visitor's file name.
        instance: path of the instance map; None = there is none.
        label_space: maps the ids to classes.
        limits: refuses files above them before they are decoded.

    Raises:
        OasisError: a file that is not such a map; the message has the visitor's file name, not the path.
    """
    paths = [path for path in (label, instance) if path is not None]
    try:
        for path in paths:
            _require_png(path, limits)
        kind = MapKind.TRAIN_IDS if label.stem.endswith("_labelTrainIds") else None
        return open_label_map(label, instance, label_space=label_space, kind=kind, max_pixels=limits.pixels)
    except OasisError as error:
        text = message(error)
        for path in paths:
            text = text.replace(str(path), path.name)
        raise DatasetError(text) from None  # whose message has the paths


def _require_png(path: Path, limits: Limits) -> None:
    """Check the size and the first bytes of a file, regardless of its name.

    Raises:
        DatasetError: it is too large, empty, or not a PNG.
    """
    size = path.stat().st_size
    if size > limits.upload_bytes:
        raise DatasetError(
            f"{path}: has {size / 2**20:.1f} MiB; the app takes files up to {limits.upload_bytes / 2**20:g} MiB."
        )
    if not size:
        raise DatasetError(f"{path}: the file is empty. Was it saved or copied completely?")
    with path.open("rb") as file:
        start = file.read(256)
    if start.startswith(_PNG):
        return
    start = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    what = next((advice for sign, advice in _OTHERS if start[: len(sign)].lower() == sign.lower()), None)
    if what is None:
        text = not any(byte < 9 for byte in start)
        what = "a text file" if text else "none that is known here: save the map as PNG"
    raise DatasetError(f"{path}: is no PNG picture but {what}. The app takes label maps as PNG, whatever their name.")
