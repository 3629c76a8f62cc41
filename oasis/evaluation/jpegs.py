"""Sample grids as JPEGs that fit into a report."""

import io
from collections.abc import Sequence

from PIL import Image

_ALL_BYTES = 1_750_000  # base64 and plots bring the report to less than 3 MB
# JPEG quality and scale, tried in turn.
_LADDER = ((92, 1.0), (85, 1.0), (75, 1.0), (85, 0.75), (80, 0.6), (75, 0.5), (75, 0.35), (70, 0.25))


def small_jpegs(images: Sequence[Image.Image]) -> list[bytes]:
    """The images as JPEG files of the best quality at which they are less than 1.75 MB together."""
    files: list[bytes] = []
    for quality, scale in _LADDER:
        files = [_jpeg(image, quality, scale) for image in images]
        if sum(map(len, files)) <= _ALL_BYTES:
            break
    return files


def _jpeg(image: Image.Image, quality: int, scale: float) -> bytes:
    file = io.BytesIO()
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    small = image if scale == 1 else image.resize(size, Image.Resampling.LANCZOS)
    # No chroma subsampling: label maps consist of edges between colours. Not `optimize`: Pillow then writes all at
    # once, and fails on noise that exceeds its buffer.
    small.convert("RGB").save(file, "JPEG", quality=quality, subsampling=0)
    return file.getvalue()
