"""Label maps as pictures."""

import numpy as np
from PIL import Image

from oasis.synthesis import LabelMap, Synthesizer

_WIDTH = 768  # least columns of the picture, so that contours are thin


def color_map(label_map: LabelMap, model: Synthesizer) -> Image.Image:
    """A label map at a model's size, in the colours of the classes, with thin white contours between instances.

    Args:
        label_map: of any size.
        model: determines the resolution of the map.

    Returns:
        RGB, an integer multiple of the model's size, so that pixels stay square; everything but the contours has the
        exact colours of the palette.
    """
    small = label_map.resized(model.height, model.width)
    factor = max(1, -(-_WIDTH // model.width))
    palette = np.asarray(label_map.label_space.palette, dtype=np.uint8)
    classes, individual = small.class_indices, np.zeros(small.label.shape, dtype=np.int64)
    if small.instance is not None:
        individual = np.where(np.isin(small.instance, small.instance_ids), small.instance, 0).astype(np.int64)
    colors, ids = (array.repeat(factor, 0).repeat(factor, 1) for array in (palette[classes], individual))
    down, across = ids[1:] != ids[:-1], ids[:, 1:] != ids[:, :-1]
    contour = np.zeros(ids.shape, dtype=np.bool_)
    for part, differs in (
        (contour[1:], down),
        (contour[:-1], down),
        (contour[:, 1:], across),
        (contour[:, :-1], across),
    ):
        part |= differs
    colors[contour] = 255
    return Image.fromarray(colors)
