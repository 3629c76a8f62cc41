"""Self-attention and the layers around it, and positions of tokens on grids."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oasis.errors import ConfigurationError
from oasis.models.initialization import linear

_LONGEST_WAVE = 10_000.0  # in patches, divided by 2 pi
_WIDER = 4  # the hidden layer of a feed-forward network


def grid_positions(height: int, width: int, channels: int, device: torch.device | None = None) -> Tensor:
    """Sines and cosines of a grid's rows and columns: the position of each patch, for a grid of any size.

    A patch in row y and column x has the same values in every grid that has it, so nothing learnt depends on the size.

    Args:
        height: rows of the grid.
        width: columns of the grid.
        channels: C, a multiple of 4: sines and cosines of rows, then those of columns, at C / 4 wavelengths each.
        device: of the result.

    Returns:
        (1, height * width, C) float32 in [-1, 1], row by row.

    Source: Vaswani et al. 2017, section 3.5; in two dimensions: Chen et al. 2021 (MoCo v3), section 4.3.
    """
    count = channels // 4
    frequencies = _LONGEST_WAVE ** (-torch.arange(count, device=device, dtype=torch.float32) / count)
    of_rows, of_columns = (
        torch.arange(length, device=device, dtype=torch.float32)[:, None] * frequencies for length in (height, width)
    )
    rows, columns = (torch.cat([angle.sin(), angle.cos()], dim=1) for angle in (of_rows, of_columns))
    grid = torch.cat([rows[:, None].expand(-1, width, -1), columns[None].expand(height, -1, -1)], dim=2)
    return grid.flatten(0, 1)[None]


class SelfAttention(nn.Module):
    """Every token looks at all tokens of its picture.

    Args:
        dim: D, of a token.
        heads: a divisor of D.
        spectral_norm: whether the linear layers have a spectral norm.

    Raises:
        ConfigurationError: if it is not a divisor.

    Source: Vaswani et al. 2017, section 3.2.
    """

    def __init__(self, dim: int, heads: int, *, spectral_norm: bool = False) -> None:
        super().__init__()
        if heads < 1 or dim < 1 or dim % heads:
            raise ConfigurationError(f"{heads} heads of attention do not divide tokens of {dim} numbers")
        self.heads = heads
        self.project = linear(dim, 3 * dim, spectral_norm=spectral_norm)
        self.out = linear(dim, dim, spectral_norm=spectral_norm)

    def forward(self, x: Tensor, present: Tensor | None = None) -> Tensor:
        """Attend.

        Args:
            x: (B, N, D) float.
            present: (B, N) bool, the tokens to look at, at least one; None = all.

        Returns:
            (B, N, D) float.
        """
        query, key, value = self.project(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mask = None if present is None else present[:, None, None, :]
        seen = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        out: Tensor = self.out(seen.transpose(1, 2).flatten(2))
        return out


class FeedForward(nn.Sequential):
    """Two linear layers with a GELU between them, each token by itself: (B, N, D) to the same.

    Args:
        dim: D, of a token.
        spectral_norm: whether the linear layers have a spectral norm.

    Source: Vaswani et al. 2017, section 3.3; Dosovitskiy et al. 2021, section 3.1.
    """

    def __init__(self, dim: int, *, spectral_norm: bool = False) -> None:
        super().__init__(
            linear(dim, _WIDER * dim, spectral_norm=spectral_norm),
            nn.GELU(),
            linear(_WIDER * dim, dim, spectral_norm=spectral_norm),
        )


class TransformerBlock(nn.Module):
    """Attention and a feed-forward network, each after a layer norm and added to its input.

    Args:
        dim: D, of a token.
        heads: a divisor of D.
        spectral_norm: whether the linear layers have a spectral norm.

    Source: Xiong et al. 2020, figure 1b; Dosovitskiy et al. 2021 (ViT), equations 2 and 3.
    """

    def __init__(self, dim: int, heads: int, *, spectral_norm: bool = False) -> None:
        super().__init__()
        self.norm_0 = nn.LayerNorm(dim)
        self.attention = SelfAttention(dim, heads, spectral_norm=spectral_norm)
        self.norm_1 = nn.LayerNorm(dim)
        self.feed_forward = FeedForward(dim, spectral_norm=spectral_norm)

    def forward(self, x: Tensor, present: Tensor | None = None) -> Tensor:
        """One block: (B, N, D) to the same; see `SelfAttention.forward`."""
        x = x + self.attention(self.norm_0(x), present)
        out: Tensor = x + self.feed_forward(self.norm_1(x))
        return out


def initialize_linear(network: nn.Module) -> None:
    """Initialise all linear layers of a network: Xavier normal with gain 1, biases 0.

    Not with the small gain of the generators' convolutions: those follow norms without learnt scale, while attention
    of small weights would see only the mean of all tokens.

    Source: Glorot and Bengio 2010, equation 12.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            nn.init.xavier_normal_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
