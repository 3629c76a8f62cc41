"""Texture of asphalt, plaster and leaves, and camera noise."""

from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from oasis.streets.camera import Camera
from oasis.streets.kinds import Kind
from oasis.streets.light import Light

_TILE = 256  # edge of the noise that is laid over ground, in samples
_TILE_METRES = 16.0

# Coarse (some pixels wide) and fine (single pixels) mottling of each material, as a share of its brightness.
_COARSE = {
    Kind.VEGETATION: 0.15,
    Kind.TERRAIN: 0.1,
    Kind.BUILDING: 0.05,
    Kind.WALL: 0.09,
    Kind.EGO_VEHICLE: 0.02,
}
_FINE = {
    Kind.VEGETATION: 0.14,
    Kind.TERRAIN: 0.09,
    Kind.BUILDING: 0.035,
    Kind.WALL: 0.06,
    Kind.FENCE: 0.05,
    Kind.PERSON: 0.05,
    Kind.RIDER: 0.05,
}
_GROUND = (Kind.ROAD, Kind.SIDEWALK, Kind.PARKING, Kind.TERRAIN)
_EVERYWHERE = 0.012


def finish(
    photo: NDArray[np.uint8],
    label: NDArray[np.uint8],
    camera: Camera,
    light: Light,
    noise: np.random.Generator,
) -> NDArray[np.uint8]:
    """A photo with texture, the tint of the time of day, and darker corners.

    Args:
        photo: (H, W, 3) in flat colours.
        label: (H, W) raw ids.
        camera: for the perspective of the ground's texture.
        light: for the tint.
        noise: where the grain comes from.

    Returns:
        (H, W, 3) uint8.
    """
    height, width = label.shape
    fine = noise.standard_normal((height, width), dtype=np.float32)
    cells = noise.standard_normal((64, 128), dtype=np.float32)
    coarse = np.asarray(Image.fromarray(cells).resize((width, height), Image.Resampling.BICUBIC))
    # Green stands for brightness; what is bright for its material lies in haze, which hides texture.
    clear = np.clip(1.45 - photo[:, :, 1] / np.float32(150), 0.06, 1.0)
    grain = _table(_FINE, 0.0)[label] * fine + _table(_COARSE, 0.0)[label] * coarse
    factor = 1.0 + _EVERYWHERE * fine + clear * grain
    factor += _ground_mask()[label] * _ground(camera, fine, noise)
    factor *= _vignette(height, width)
    tint = np.asarray(light.tint, dtype=np.float32)
    finished: NDArray[np.uint8] = np.clip(photo * factor[:, :, None] * tint, 0, 255).astype(np.uint8)
    return finished


@cache
def _tile() -> NDArray[np.float32]:
    # One tile of ground for all streets, each with its own offset.
    noise = np.random.default_rng(0)
    tile = np.zeros((_TILE, _TILE), dtype=np.float32)
    for cells, weight in ((256, 0.06), (64, 0.05), (16, 0.05)):
        layer = Image.fromarray(noise.standard_normal((cells, cells), dtype=np.float32))
        tile += weight * np.asarray(layer.resize((_TILE, _TILE), Image.Resampling.BILINEAR))
    return tile


@cache
def _ground_mask() -> NDArray[np.float32]:
    return _table(dict.fromkeys(_GROUND, 1.0), 0.0)


def _ground(camera: Camera, jitter: NDArray[np.float32], noise: np.random.Generator) -> NDArray[np.float32]:
    height, width = jitter.shape
    tile, (first_row, first_column) = _tile(), noise.integers(0, _TILE, 2)
    v = (np.arange(height, dtype=np.float32) + 0.5) / height
    u = (np.arange(width, dtype=np.float32) + 0.5) / height
    depth = camera.focal * camera.eye / np.maximum(v - camera.horizon, 1e-3)
    across = (u[None, :] - camera.centre) * (depth / camera.focal)[:, None]
    scale = _TILE / _TILE_METRES
    # Samples are scattered a little: near the camera each would otherwise be a visible square.
    rows = (first_row + depth[:, None] * scale + 0.5 * jitter).astype(np.int32) % _TILE
    columns = (first_column + across * scale + 0.5 * jitter[:, ::-1]).astype(np.int32) % _TILE
    # Far off, one pixel covers many samples, and their mean is flat.
    fade = np.clip(1.4 - depth / 35.0, 0.0, 1.0)[:, None] * (v > camera.horizon)[:, None]
    faded: NDArray[np.float32] = (tile[rows, columns] * fade).astype(np.float32)
    return faded


def _table(amounts: dict[Kind, float], usual: float) -> NDArray[np.float32]:
    table = np.full(256, usual, dtype=np.float32)
    for kind, amount in amounts.items():
        table[kind] = amount
    return table


@lru_cache(maxsize=4)
def _vignette(height: int, width: int) -> NDArray[np.float32]:
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    return (1.0 - 0.09 * (x * x + y * y)).astype(np.float32)
