"""Noise that differs from pixel to pixel, of which a generator makes grain, leaves and other texture."""

import math

import torch
from torch import Tensor, nn

from oasis.errors import ConfigurationError
from oasis.models.condition_resize import nearest
from oasis.models.segment_rows import SegmentRows

_DIM = 8  # numbers of the noise vector that are used: enough for textures of two seeds to look unrelated
_TURN = 5.0  # standard deviation of an angle, in radians; the mean of its cosine is about exp(-25 / 2)
_PRIME = 2**31 - 1


class TextureNoise(nn.Module):
    """Adds noise of every pixel to features, by a learnt strength of each channel, 0 at first.

    Where a label map and its noise are constant, nothing tells one pixel from its neighbour but the distance to the
    border and the grid of the upsampling. A generator that has to make texture makes stripes of these.

    The noise of a pixel is a wave of the image's noise vector, whose direction and phase are those of the pixel, the
    same in all pictures: a random Fourier feature. So pictures are a function of the noise vector, continuous in it,
    and of nothing else that is random. The waves are so short that noise and vector are uncorrelated; the generator,
    which knows the vector, could else make a pattern of them that is the same in all pictures.

    Args:
        channels: C, of the features.
        number: of this layer; layers of different numbers have independent noise.

    Source: Karras et al. 2019 ("A Style-Based Generator Architecture for Generative Adversarial Networks"), section
    3.2, whose noise is drawn for each pixel; Rahimi and Recht 2007, "Random Features for Large-Scale Kernel Machines".
    """

    def __init__(self, channels: int, number: int) -> None:
        super().__init__()
        self.strength = nn.Parameter(torch.zeros(channels))
        self.number = number

    def forward(self, x: Tensor, noise: Tensor | SegmentRows) -> Tensor:
        """Add noise.

        Args:
            x: (B, C, H, W) float.
            noise: (B, Z) float, one vector per image; (B, Z, h, w), one per pixel; or one per segment. The map of
                pixels or segments has multiples of H and W.

        Returns:
            (B, C, H, W) float.
        """
        height, width = x.shape[-2:]
        if isinstance(noise, SegmentRows):
            noise = SegmentRows(noise.rows[..., :_DIM], noise.number).painted(height, width)
        few = noise[:, :_DIM].float()
        *directions, phase = pixel_vectors(few.shape[1] + 1, height, width, self.number, x.device)
        of_pixels = few[:, :, None, None] if noise.dim() == 2 else nearest(few, (height, width))
        along = (of_pixels * torch.stack(directions)).sum(dim=1, keepdim=True)
        turned = along * (_TURN / math.sqrt(few.shape[1])) + phase * (math.pi / math.sqrt(3))
        texture = (turned.cos() * math.sqrt(2)).to(x.dtype)
        return torch.addcmul(x, texture, self.strength.view(1, -1, 1, 1).to(x.dtype))


def pixel_vectors(dim: int, height: int, width: int, number: int, device: torch.device) -> Tensor:
    """A vector for each pixel, the same at every call and on every device: (dim, height, width) float32.

    The numbers are uniform, of mean 0 and variance 1, and look independent: a product and two squares modulo a prime.
    These few operations on integers are part of any exported program.
    """
    index = torch.arange(dim * height * width, device=device) + 1 + number * 1_000_003
    hashed = (index * 48_271) % _PRIME
    for shift in (918_273_645, 123_456_789):
        hashed = (hashed * hashed + shift) % _PRIME
    uniform = hashed.to(torch.float32) / _PRIME
    return ((uniform - 0.5) * math.sqrt(12)).view(dim, height, width)


def require_noise(texture_noise: bool, noise_dim: int) -> None:
    """Refuse textures of no noise.

    Raises:
        ConfigurationError: the message names the settings.
    """
    if texture_noise and noise_dim < 1:
        raise ConfigurationError(
            f"generator.texture_noise=true with generator.noise_dim={noise_dim}: textures are made of the noise, which "
            "needs at least one number."
        )
