"""Transformer layers on grids of patches."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oasis.models.initialization import linear

_LONGEST_WAVE = 10_000.0  # in patches, divided by 2 pi
_MLP_RATIO = 4


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


class TransformerLayer(nn.Module):
    """Self-attention and a perceptron, each added to its input and preceded by a layer norm.

    Args:
        channels: C, a multiple of `attention_heads`.
        attention_heads: number of attention heads.
        spectral_norm: whether the linear layers have a spectral norm.

    Source: Dosovitskiy et al. 2021 (ViT), equations 2 and 3.
    """

    def __init__(self, channels: int, attention_heads: int, *, spectral_norm: bool) -> None:
        super().__init__()
        self.attention_heads = attention_heads
        self.norm_1 = nn.LayerNorm(channels)
        self.queries_keys_values = linear(channels, 3 * channels, spectral_norm=spectral_norm)
        self.attended = linear(channels, channels, spectral_norm=spectral_norm)
        self.norm_2 = nn.LayerNorm(channels)
        self.widened = linear(channels, _MLP_RATIO * channels, spectral_norm=spectral_norm)
        self.narrowed = linear(_MLP_RATIO * channels, channels, spectral_norm=spectral_norm)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T, C) to the same."""
        tokens = tokens + self.attend(self.norm_1(tokens))
        change: Tensor = self.narrowed(F.gelu(self.widened(self.norm_2(tokens))))
        return tokens + change

    def attend(self, tokens: Tensor) -> Tensor:
        """Multi-head attention of all tokens to all: (B, T, C) to the same."""
        joint = self.queries_keys_values(tokens).unflatten(2, (3, self.attention_heads, -1))
        queries, keys, values = joint.permute(2, 0, 3, 1, 4)  # each (B, heads, T, C / heads)
        mixed = F.scaled_dot_product_attention(queries, keys, values)
        result: Tensor = self.attended(mixed.transpose(1, 2).flatten(2))
        return result
