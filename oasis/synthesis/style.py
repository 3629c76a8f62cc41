"""Pictures in the style of a photo, with generators that encode it."""

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from oasis.data.files.photos import upright_rgb
from oasis.data.files.reading import decode_photo
from oasis.data.transforms import to_unit_range
from oasis.errors import ConfigurationError
from oasis.models import Generator, encodes_style

Photo = str | Path | Image.Image


def open_photo(photo: Photo) -> Image.Image:
    """A photo as upright RGB, whether it is a file or an opened picture.

    Raises:
        DatasetError: see `oasis.data.files.reading.decode_photo` and `upright_rgb`.
    """
    return upright_rgb(photo, "photo") if isinstance(photo, Image.Image) else decode_photo(Path(photo))


def photo_tensor(photo: Photo, height: int, width: int) -> Tensor:
    """A photo, resized bicubically: (1, 3, height, width) float32 in [-1, 1].

    Raises:
        DatasetError: see `oasis.data.files.reading.decode_photo`.
    """
    return pixels_of(open_photo(photo).resize((width, height), Image.Resampling.BICUBIC))


def pixels_of(picture: Image.Image) -> Tensor:
    """(1, 3, H, W) float32 in [-1, 1], of an RGB picture."""
    pixels = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
    return to_unit_range(pixels.view(1, picture.height, picture.width, 3).permute(0, 3, 1, 2))


def require_style_encoder(generator: Generator, name: str) -> None:
    """Refuse a photo's style for a generator without a style encoder.

    Raises:
        ConfigurationError: the message says which models have one.
    """
    if not encodes_style(generator):
        raise ConfigurationError(
            f"{name}: its {type(generator).__name__} has no style encoder, so that a photo cannot give its style. "
            "Models that have one: model=spade_vae, model=pix2pixhd_features, and a SPADE or pix2pixHD imported with "
            "`oasis import-official --encoder`. For others with noise, `oasis generate --like PHOTO` searches a noise "
            "that comes near to a photo."
        )


def require_segment_styles(generator: Generator, name: str, style: object) -> None:
    """Refuse styles of segments for a generator whose pictures have one style, or none.

    Raises:
        ConfigurationError: the message says which models have them.
    """
    require_style_encoder(generator, name)
    if not generator.style_per_segment:
        raise ConfigurationError(
            f"style {style}: {name} gives a whole picture one style, that of a photo. Numbered styles, and those of "
            "single classes and instances, are of model=pix2pixhd_features."
        )


def style_noise(generator: Generator, photo: Tensor, segments: Tensor) -> Tensor:
    """The noise of a photo's style without randomness, see `oasis.models.Style.mean`.

    Args:
        generator: with a style encoder.
        photo: (1, 3, H, W) float in [-1, 1], on the generator's device.
        segments: (1, H, W) int64, see `Generator.forward`.

    Raises:
        ConfigurationError: see `require_style_encoder`.
    """
    require_style_encoder(generator, type(generator).__name__)
    assert encodes_style(generator)
    return generator.encode_style(photo, segments).mean
