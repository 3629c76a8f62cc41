"""Validation of picture sizes."""

from torch import Tensor

from oasis.errors import ConfigurationError


def require_divisible(x: Tensor, divisor: int, network: str) -> None:
    """Raise unless height and width are multiples of a network's divisor.

    Args:
        x: (B, C, H, W).
        divisor: H and W must be multiples of it.
        network: its name in the error.

    Raises:
        ConfigurationError: the message has the size, the divisor and the nearest valid sizes.
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
