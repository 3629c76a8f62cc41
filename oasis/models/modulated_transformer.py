"""Transformer blocks that a label map modulates, at the coarse scales of a picture."""

import torch.nn.functional as F
from torch import Tensor, nn

from oasis.errors import ConfigurationError
from oasis.models.attention import FeedForward, SelfAttention, grid_positions
from oasis.models.initialization import convolution


class ModulatedBlock(nn.Module):
    """A transformer block whose layer norms are scaled and shifted at each token by the condition.

    As in SPADE, scale and shift are computed from the condition by a layer that both share; here the norm is that of
    each token, and what follows it is attention or a feed-forward network.

    Args:
        dim: D, of a token.
        heads: a divisor of D.
        condition_channels: K, of the condition.
        hidden_channels: of the layer that scales and shifts share.

    Source: Dosovitskiy et al. 2021, section 3.1, with the modulation of Park et al. 2019, equation 1; as adaptive layer
    norm in Peebles and Xie 2023, section 3.2.
    """

    def __init__(self, dim: int, heads: int, condition_channels: int, hidden_channels: int) -> None:
        super().__init__()
        self.shared = convolution(condition_channels, hidden_channels)
        self.modulation = convolution(hidden_channels, 4 * dim, 1)
        self.attention = SelfAttention(dim, heads)
        self.feed_forward = FeedForward(dim)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """One block.

        Args:
            x: (B, H * W, D) float, tokens in reading order.
            condition: (B, K, H, W) float.

        Returns:
            (B, H * W, D) float.
        """
        hidden = F.relu(self.shared(condition), inplace=True)
        gammas_and_betas = self.modulation(hidden).flatten(2).transpose(1, 2)
        gamma_0, beta_0, gamma_1, beta_1 = gammas_and_betas.chunk(4, dim=2)
        x = x + self.attention(_normalized(x) * (1 + gamma_0) + beta_0)
        out: Tensor = x + self.feed_forward(_normalized(x) * (1 + gamma_1) + beta_1)
        return out


def _normalized(x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:])


class CoarseTransformer(nn.Module):
    """Transformer blocks at one or more scales, with nearest upsampling by two between them.

    Args:
        condition_channels: K, of the condition, with the noise.
        scales: how many, at least 1; the first one is that of the coarsest condition.
        depth: blocks of a scale.
        dim: D, of a token, a multiple of 4.
        heads: a divisor of D.
        hidden_channels: see `ModulatedBlock`.
        out_channels: O, of the result.

    Raises:
        ConfigurationError: no blocks, or a dim that does not fit.
    """

    def __init__(
        self,
        condition_channels: int,
        scales: int,
        depth: int,
        dim: int,
        heads: int,
        hidden_channels: int,
        out_channels: int,
    ) -> None:
        if depth < 1:
            raise ConfigurationError(f"generator.transformer_depth={depth}: must be at least 1, the blocks of a scale")
        if dim < 1 or heads < 1 or dim % 4 or dim % heads:
            raise ConfigurationError(
                f"generator.transformer_dim={dim}, generator.transformer_heads={heads}: the first must be a multiple "
                "of 4, since positions are sines and cosines along both axes, and of the second"
            )
        super().__init__()
        self.dim = dim
        self.stem = convolution(condition_channels, dim)
        self.scales = nn.ModuleList(
            nn.ModuleList(ModulatedBlock(dim, heads, condition_channels, hidden_channels) for _ in range(depth))
            for _ in range(scales)
        )
        self.norm = nn.LayerNorm(dim)
        self.out = convolution(dim, out_channels, 1)

    def forward(self, conditions: list[Tensor]) -> Tensor:
        """Compute the features of the finest of the scales.

        Args:
            conditions: (B, K, h, w) float for each scale, the coarsest first, each twice as high and wide as the one
                before.

        Returns:
            (B, O, h, w) float, of the size of the last one.
        """
        x: Tensor = self.stem(conditions[0])
        for condition, blocks in zip(conditions, self.scales, strict=True):
            height, width = condition.shape[2:]
            if x.shape[2:] != condition.shape[2:]:
                x = F.interpolate(x, size=(height, width), mode="nearest")
            # At each scale, so that the four tokens of one doubled differ.
            tokens = x.flatten(2).transpose(1, 2) + grid_positions(height, width, self.dim, x.device).to(x.dtype)
            for block in blocks:  # type: ignore[attr-defined]
                tokens = block(tokens, condition)
            x = _as_map(tokens, height, width)
        features: Tensor = self.out(_as_map(self.norm(tokens), height, width))
        return features


def _as_map(tokens: Tensor, height: int, width: int) -> Tensor:
    return tokens.transpose(1, 2).reshape(tokens.shape[0], -1, height, width)
