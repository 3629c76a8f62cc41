"""Checks of uploaded files."""

import re
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from oasis.app.limits import Limits
from oasis.data.files.reading import decode_photo
from oasis.data.instance_maps import InstanceMaps
from oasis.errors import DatasetError, OasisError, message
from oasis.labels import LabelSpace
from oasis.synthesis import LabelMap, MapKind, open_label_map

_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"II*\x00", b"MM\x00*", b"GIF8", b"BM", b"RIFF")
# First bytes of other file types, and advice for each; the first match counts.
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "a JPEG, which blurs ids: save the map as PNG"),
    (b"<svg", "an SVG drawing: export the map as PNG"),
    (b"<?xml", "an XML or SVG file: export the map as PNG"),
    (b"<!doctype", "a web page: save the picture itself"),
    (b"<html", "a web page: save the picture itself"),
    (b"PK\x03\x04", "a ZIP archive: unpack it and choose one map"),
)

# What messages for the shell and for Python advise, and the same in the page.
_IN_THE_PAGE: Mapping[str, str] = {
    r"[Ss]ay (so|what it is) with kind=train_ids \(`oasis generate[^)]*\)": "choose train ids as the map's kind",
    r"; for training, data\.label_suffix=\w+ reads files of that name": "",
    r" Say what it is with kind=\.\.\. if you know": " Choose the map's kind if you know",
    r"Say which classes category_id means with --label-space-of-input \(.*?\)": "Choose the map's classes",
    r"Name one for each: --replace .*": "Choose the map's classes, or another model.",
    r"`oasis convert[^`]*` converts them": "choose that as the format of the instances",
    r"say so with --instance-format numbers \([^)]*\)": "choose that as the format of the instances",
    r", or a class file with these ids, label_space=file": "",
    r"For maps of another dataset, say whose .*": "For maps of another dataset, choose the map's classes.",
}


def in_the_page(text: str) -> str:
    """A message for the shell, with advice for the page instead."""
    for told, shown in _IN_THE_PAGE.items():
        text = re.sub(told, shown, text)
    return text


def open_upload(
    label: Path,
    companion: Path | None,
    label_space: LabelSpace,
    limits: Limits,
    *,
    kind: MapKind | None = None,
    label_space_of_input: LabelSpace | None = None,
    instance_format: InstanceMaps | None = None,
) -> LabelMap:
    """A label map, and what belongs to it, from uploaded files.

    Args:
        label: path of the upload; its last part is the visitor's file name.
        companion: path of the instance map, or of the JSON of a COCO panoptic map; None = there is neither.
        label_space: maps the ids to classes.
        limits: refuses files above them before they are decoded.
        kind: of the label map; None = detected.
        label_space_of_input: of the files; None = `label_space`.
        instance_format: of the instance map; None = detected.

    Raises:
        OasisError: a file that is not such a map; the message has the visitor's file name, not the path.
    """
    paths = [path for path in (label, companion) if path is not None]
    described = companion if companion is not None and companion.suffix.lower() == ".json" else None
    try:
        for path in paths:
            _require_size(path, limits)
            if path != described:
                _require_picture(path)
        return open_label_map(
            label,
            None if described is not None else companion,
            label_space=label_space,
            kind=kind,
            segments=described,
            label_space_of_input=label_space_of_input,
            instance_format=instance_format,
            max_pixels=limits.pixels,
        )
    except OasisError as error:
        text = message(error)
        for path in paths:
            text = text.replace(str(path), path.name)
        raise DatasetError(in_the_page(text)) from None  # whose message has the paths


def open_photo_upload(path: Path, limits: Limits) -> Image.Image:
    """An uploaded photo in RGB.

    Args:
        path: of the upload.
        limits: refuses files above them before they are decoded.

    Raises:
        DatasetError: a file that is no picture; the message has the visitor's file name, not the path.
    """
    try:
        _require_size(path, limits)
        return decode_photo(path, limits.pixels)
    except OasisError as error:
        raise DatasetError(message(error).replace(str(path), path.name)) from None


def _require_size(path: Path, limits: Limits) -> None:
    size = path.stat().st_size
    if size > limits.upload_bytes:
        raise DatasetError(
            f"{path}: has {size / 2**20:.1f} MiB; the app takes files up to {limits.upload_bytes / 2**20:g} MiB."
        )
    if not size:
        raise DatasetError(f"{path}: the file is empty. Was it saved or copied completely?")


def _require_picture(path: Path) -> None:
    """Check the first bytes of a file, regardless of its name: maps are in the formats that keep ids.

    Raises:
        DatasetError: it is neither a PNG nor a TIFF, GIF, BMP or WebP.
    """
    with path.open("rb") as file:
        start = file.read(256)
    if start.startswith(_SIGNATURES):
        return
    start = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    what = next((advice for sign, advice in _OTHERS if start[: len(sign)].lower() == sign.lower()), None)
    if what is None:
        text = not any(byte < 9 for byte in start)
        what = "a text file" if text else "none that is known here: save the map as PNG"
    raise DatasetError(
        f"{path}: is no PNG or TIFF picture but {what}. The app takes label maps as PNG, TIFF, GIF, BMP or lossless "
        "WebP, whatever their name."
    )
