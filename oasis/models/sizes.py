"""Which picture sizes a network can take."""

from torch import Tensor

from oasis.errors import ConfigurationError


def require_divisible(x: Tensor, divisor: int, network: str) -> None:
    """Raise unless a picture can be halved as often as the network does.

    Args:
        x: (B, C, H, W).
        divisor: what H and W must be multiples of.
        network: what to call the network in the error.

    Raises:
        ConfigurationError: with the size, the divisor and the nearest sizes that work.
    """
    height, width = x.shape[-2:]
    if height > 0 and width > 0 and height % divisor == 0 and width % divisor == 0:
        return
    raise ConfigurationError(
        f"{network}: pictures of {height}x{width} (height x width) do not fit, both must be multiples of {divisor}. "
        f"Nearest that work: height {_neighbours(height, divisor)}, width {_neighbours(width, divisor)}. "
        f"Resize or crop the data to such a size, or use fewer blocks."
    )


def _neighbours(size: int, divisor: int) -> str:
    below = size // divisor * divisor
    if below == size and size > 0:
        return str(size)
    return f"{below} or {below + divisor}" if below else str(divisor)
