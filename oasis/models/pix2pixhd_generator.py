"""The generators of pix2pixHD: from an encoded label map to a photo."""

from collections.abc import Iterable

from torch import Tensor, nn

from oasis.errors import ConfigurationError
from oasis.models.contract import Generator
from oasis.models.initialization import initialize_normal
from oasis.models.pix2pixhd_layers import ResidualBlock, doubling, halving, normalized, surrounding
from oasis.models.resampling import halve
from oasis.models.sizes import require_divisible


class Pix2PixHDGenerator(Generator):
    """The global generator: downsampling, residual blocks, upsampling.

    The same map always gives the same picture.

    Args:
        condition_channels: K, of the encoded label map; published with `encoding=boundary`.
        channels: base width.
        num_halvings: how often the size is halved, and the width doubled.
        num_blocks: residual blocks at the coarsest size.

    Raises:
        ConfigurationError: `num_halvings` or `num_blocks` below 1.

    Examples:
        >>> generator = Pix2PixHDGenerator(36, channels=4)
        >>> generator(torch.zeros(2, 36, 64, 128)).shape
        torch.Size([2, 3, 64, 128])

    Source: Wang et al. 2018 (pix2pixHD), section 3.2 and appendix.
    """

    def __init__(self, condition_channels: int, channels: int = 64, num_halvings: int = 4, num_blocks: int = 9) -> None:
        super().__init__()
        self.condition_channels = condition_channels
        self.size_divisor = 2**num_halvings
        self.layers = nn.Sequential(
            *_trunk(condition_channels, channels, num_halvings, num_blocks), *surrounding(channels, 3), nn.Tanh()
        )
        initialize_normal(self)

    def forward(self, condition: Tensor, noise: Tensor | None = None, segments: Tensor | None = None) -> Tensor:
        """Generate.

        Args:
            condition: (B, K, H, W) float, the encoded label map; H and W multiples of `size_divisor`, and at least
                twice as large.
            noise: must be None.
            segments: ignored.

        Returns:
            (B, 3, H, W) float in [-1, 1].

        Raises:
            ConfigurationError: a size or a condition that does not fit; noise.
        """
        _require_fitting(self, condition, noise)
        image: Tensor = self.layers(condition)
        return image

    def blocks_to_recompute(self) -> Iterable[nn.Module]:
        """The residual blocks, see `Recomputable`."""
        return _residual_blocks(self)


class Pix2PixHDLocalEnhancer(Generator):
    """A global generator at half the size, and layers at full size around it.

    Args:
        condition_channels: K, of the encoded label map.
        channels: base width; that of the global generator is twice as large.
        num_halvings: of the global generator.
        num_blocks: residual blocks of the global generator.
        num_local_blocks: residual blocks after it, at half the size.

    Raises:
        ConfigurationError: `num_halvings` or one of the numbers of blocks below 1.

    Source: Wang et al. 2018 (pix2pixHD), section 3.2, figure 3 and appendix.
    """

    def __init__(
        self,
        condition_channels: int,
        channels: int = 32,
        num_halvings: int = 4,
        num_blocks: int = 9,
        num_local_blocks: int = 3,
    ) -> None:
        super().__init__()
        if num_local_blocks < 1:
            raise ConfigurationError(f"num_local_blocks={num_local_blocks}: must be at least 1")
        self.condition_channels = condition_channels
        self.size_divisor = 2 ** (num_halvings + 1)
        self.trunk = nn.Sequential(*_trunk(condition_channels, 2 * channels, num_halvings, num_blocks))
        self.before = nn.Sequential(
            *surrounding(condition_channels, channels), *normalized(channels), *halving(channels)
        )
        self.after = nn.Sequential(
            *(ResidualBlock(2 * channels) for _ in range(num_local_blocks)),
            *doubling(2 * channels),
            *surrounding(channels, 3),
            nn.Tanh(),
        )
        initialize_normal(self)

    def forward(self, condition: Tensor, noise: Tensor | None = None, segments: Tensor | None = None) -> Tensor:
        """Generate; see `Pix2PixHDGenerator.forward`."""
        _require_fitting(self, condition, noise)
        image: Tensor = self.after(self.before(condition) + self.trunk(halve(condition)))
        return image

    def blocks_to_recompute(self) -> Iterable[nn.Module]:
        """The residual blocks, see `Recomputable`."""
        return _residual_blocks(self)


def _trunk(condition_channels: int, channels: int, num_halvings: int, num_blocks: int) -> list[nn.Module]:
    """The layers of a global generator before its picture: (B, K, H, W) to (B, channels, H, W)."""
    if num_halvings < 1 or num_blocks < 1:
        raise ConfigurationError(f"num_halvings={num_halvings}, num_blocks={num_blocks}: both must be at least 1")
    widths = [channels * 2**i for i in range(num_halvings)]
    return [
        *surrounding(condition_channels, channels),
        *normalized(channels),
        *(layer for width in widths for layer in halving(width)),
        *(ResidualBlock(2 * widths[-1]) for _ in range(num_blocks)),
        *(layer for width in reversed(widths) for layer in doubling(2 * width)),
    ]


def _residual_blocks(network: nn.Module) -> list[nn.Module]:
    return [layer for layer in network.modules() if isinstance(layer, ResidualBlock)]


def _require_fitting(
    generator: Pix2PixHDGenerator | Pix2PixHDLocalEnhancer, condition: Tensor, noise: Tensor | None
) -> None:
    name, least = type(generator).__name__, 2 * generator.size_divisor
    require_divisible(condition, generator.size_divisor, name)
    _, channels, height, width = condition.shape
    if min(height, width) < least:
        raise ConfigurationError(
            f"{name}: pictures of {height}x{width} (height x width) are too small: at the coarsest size, reflection "
            f"needs 2 pixels. Both must be at least {least}."
        )
    if channels != generator.condition_channels:
        raise ConfigurationError(
            f"{name}: the condition has {channels} channels, the generator was built for "
            f"{generator.condition_channels}; build it with condition_channels=encoding.channels"
        )
    if noise is not None:
        raise ConfigurationError(f"{name}: noise given to a generator without noise")
