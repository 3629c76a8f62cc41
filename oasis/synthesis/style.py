"""Pictures in the style of a photo, with generators that encode it."""

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from oasis.data.files.reading import decode_photo
from oasis.data.transforms import to_unit_range
from oasis.errors import ConfigurationError
from oasis.models import Generator, encodes_style

Photo = str | Path | Image.Image


def photo_tensor(photo: Photo, height: int, width: int) -> Tensor:
    """A photo, resized bicubically: (1, 3, height, width) float32 in [-1, 1].

    Raises:
        DatasetError: see `oasis.data.files.reading.decode_photo`.
    """
    picture = photo.convert("RGB") if isinstance(photo, Image.Image) else decode_photo(Path(photo))
    resized = picture.resize((width, height), Image.Resampling.BICUBIC)
    pixels = torch.frombuffer(bytearray(resized.tobytes()), dtype=torch.uint8).view(1, height, width, 3)
    return to_unit_range(pixels.permute(0, 3, 1, 2))


def require_style_encoder(generator: Generator, name: str) -> None:
    """Refuse a photo's style for a generator without a style encoder.

    Raises:
        ConfigurationError: the message says which models have one.
    """
    if not encodes_style(generator):
        raise ConfigurationError(
            f"{name}: its {type(generator).__name__} has no style encoder, so that a photo cannot give its style. "
            "Models that have one: model=spade_vae, and a SPADE imported with `oasis import-official --encoder`. For "
            "others with noise, `oasis generate --like PHOTO` searches a noise that comes near to a photo."
        )


def style_noise(generator: Generator, photo: Tensor) -> Tensor:
    """The noise of a photo's style without randomness, see `oasis.models.Style.mean`.

    Args:
        generator: with a style encoder.
        photo: (1, 3, H, W) float in [-1, 1], on the generator's device.

    Raises:
        ConfigurationError: see `require_style_encoder`.
    """
    if not encodes_style(generator):
        raise ConfigurationError(f"{type(generator).__name__} has no style encoder.")
    segments = torch.zeros(photo.shape[0], *photo.shape[2:], dtype=torch.int64, device=photo.device)
    return generator.encode_style(photo, segments).mean
