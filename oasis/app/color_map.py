"""Label maps as pictures."""

from PIL import Image

from oasis.synthesis import LabelMap, Synthesizer
from oasis.synthesis.coloring import as_picture, color_segments
from oasis.synthesis.conditioning import tensors_of

_WIDTH = 768  # least columns of the picture, so that contours are thin


def color_map(label_map: LabelMap, model: Synthesizer) -> Image.Image:
    """A label map at a model's size, in the colours of the classes, with thin white contours inside of instances.

    Args:
        label_map: of any size.
        model: determines the resolution of the map.

    Returns:
        RGB, an integer multiple of the model's size, so that pixels stay square; everything but the contours has the
        exact colours of the palette.
    """
    factor = max(1, -(-_WIDTH // model.width))
    small = label_map.resized(model.height, model.width)
    label, instance = tensors_of(small.resized(factor * model.height, factor * model.width))
    return as_picture(color_segments(label[0], instance[0], label_map.label_space.palette))
