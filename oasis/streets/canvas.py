"""A photo and an instance map, painted together."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from oasis.streets.camera import Point
from oasis.streets.kinds import Kind

Rgb = tuple[int, int, int]


class Canvas:
    """A photo and an instance map of the same size, painted from far to near.

    Both are painted at a higher resolution, from the same polygons. The photo is then averaged down,
    the instance map sampled, so that edges are smooth in the one and sharp in the other.

    Args:
        height: H of the finished pictures.
        width: W of the finished pictures.
    """

    def __init__(self, height: int, width: int) -> None:
        self.height = height
        self.width = width
        self.fineness = 4 if height < 128 else 2  # thin poles need more samples where pixels are large
        size = (width * self.fineness, height * self.fineness)
        self._scale = height * self.fineness
        self._photo = Image.new("RGB", size)
        self._instance = Image.new("I", size, int(Kind.SKY))
        self._opaque = ImageDraw.Draw(self._photo)
        self._glass = ImageDraw.Draw(self._photo, "RGBA")
        self._marker = ImageDraw.Draw(self._instance)

    def backdrop(self, picture: Image.Image) -> None:
        """Covers the whole photo with a picture of any size."""
        self._photo.paste(picture.resize(self._photo.size, Image.Resampling.BILINEAR))

    def fill(self, outline: Sequence[Point], colour: Rgb, ident: int | None) -> None:
        """Paints a polygon, in the photo alone where ident is None."""
        pixels = self._pixels(outline)
        if not pixels:
            return
        self._opaque.polygon(pixels, fill=colour)
        if ident is not None:
            self._marker.polygon(pixels, fill=ident)

    def glaze(self, outline: Sequence[Point], colour: Rgb, opacity: float, ident: int | None = None) -> None:
        """Tints what is under a polygon; opacity 0..1."""
        pixels = self._pixels(outline)
        if not pixels:
            return
        self._glass.polygon(pixels, fill=(*colour, int(255 * opacity)))
        if ident is not None:
            self._marker.polygon(pixels, fill=ident)

    def finished(self) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
        """The photo (H, W, 3) uint8 and the instance map (H, W) uint16."""
        photo = np.asarray(self._photo.reduce(self.fineness), dtype=np.uint8)
        middle = self.fineness // 2
        instance = np.asarray(self._instance)[middle :: self.fineness, middle :: self.fineness]
        return photo, instance.astype(np.uint16)

    def _pixels(self, outline: Sequence[Point]) -> list[Point]:
        # Empty where there is nothing to paint: a polygon of fewer than three corners, or beside the picture.
        if len(outline) < 3:
            return []
        scale = self._scale
        pixels = [(u * scale, v * scale) for u, v in outline]
        across = [u for u, _ in pixels]
        return pixels if max(across) > 0 and min(across) < self.width * self.fineness else []
