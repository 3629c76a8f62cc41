"""Self-attention and the layers around it."""

import torch.nn.functional as F
from torch import Tensor, nn

from oasis.errors import ConfigurationError

_WIDER = 4  # the hidden layer of a feed-forward network


class SelfAttention(nn.Module):
    """Every token looks at all tokens of its picture.

    Args:
        dim: D, of a token.
        heads: a divisor of D.

    Raises:
        ConfigurationError: if it is not a divisor.

    Source: Vaswani et al. 2017, section 3.2.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        if heads < 1 or dim < 1 or dim % heads:
            raise ConfigurationError(f"{heads} heads of attention do not divide tokens of {dim} numbers")
        self.heads = heads
        self.project = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

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

    Source: Vaswani et al. 2017, section 3.3; Dosovitskiy et al. 2021, section 3.1.
    """

    def __init__(self, dim: int) -> None:
        super().__init__(nn.Linear(dim, _WIDER * dim), nn.GELU(), nn.Linear(_WIDER * dim, dim))


class TransformerBlock(nn.Module):
    """Attention and a feed-forward network, each after a layer norm and added to its input.

    Args:
        dim: D, of a token.
        heads: a divisor of D.

    Source: Xiong et al. 2020, figure 1b.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.norm_0 = nn.LayerNorm(dim)
        self.attention = SelfAttention(dim, heads)
        self.norm_1 = nn.LayerNorm(dim)
        self.feed_forward = FeedForward(dim)

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
