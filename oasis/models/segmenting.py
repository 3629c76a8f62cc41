"""What discriminators share that segment a photo into N classes and "fake"."""

from typing import NamedTuple

from torch import Tensor, nn

from oasis.errors import ConfigurationError
from oasis.models.contract import Discriminator
from oasis.models.initialization import convolution


class DiscriminatorOutput(NamedTuple):
    """The output of a discriminator for a batch of pictures.

    Attributes:
        logits: (B, N + 1, H, W): index 0 is fake, index c + 1 is class c.
        heads: outputs of further heads, by name, each (B, its channels, H, W); empty without any.
    """

    logits: Tensor
    heads: dict[str, Tensor]

    def chunk(self, count: int) -> "list[DiscriminatorOutput]":
        """Split the batch into `count` equal parts: views, in order."""
        heads = {name: said.chunk(count) for name, said in self.heads.items()}
        return [
            DiscriminatorOutput(logits, {name: parts[i] for name, parts in heads.items()})
            for i, logits in enumerate(self.logits.chunk(count))
        ]


def require_instance_heads(instance_heads: bool, boundary: bool) -> None:
    """Refuse the boundary head without the heads beside it.

    Raises:
        ConfigurationError: the message names the setting.
    """
    if boundary and not instance_heads:
        raise ConfigurationError("boundary=true: the boundary head is one of the instance heads: instance_heads=true.")


class SegmentingDiscriminator(Discriminator):
    """Base class: `features` computes the last features, `head` turns them into logits, `heads` into anything further.

    A subclass calls `add_head` when its other layers are made, so that these draw their weights first.

    Args:
        num_classes: N, without the fake class.
        feature_channels: C, channels of `features`.

    Attributes:
        num_classes: as above.
        feature_channels: as above.
        heads: further heads by name.
    """

    head: nn.Conv2d
    heads: nn.ModuleDict

    def __init__(self, num_classes: int, feature_channels: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.feature_channels = feature_channels

    def add_head(self) -> None:
        """Make `head`, a 1x1 convolution without spectral norm, and room for `heads`."""
        self.head = convolution(self.feature_channels, self.num_classes + 1, 1)
        self.heads = nn.ModuleDict()

    def add_instance_heads(self, boundary: bool = False) -> None:
        """Make heads for instances, see `PanopticDiscriminator`: 1x1 convolutions of the published gain."""
        widths = {"center": 1, "offset": 2} | ({"boundary": 1} if boundary else {})
        for name, width in widths.items():
            self.heads[name] = convolution(self.feature_channels, width, 1)

    def forward(self, image: Tensor) -> DiscriminatorOutput:
        """Logits for every pixel, and the outputs of all further heads.

        Args:
            image: (B, 3, H, W) float in [-1, 1]; H and W multiples of `size_divisor`.

        Raises:
            ConfigurationError: a size that does not fit.
        """
        features = self.features(image)
        return DiscriminatorOutput(self.head(features), {name: head(features) for name, head in self.heads.items()})

    def features(self, image: Tensor) -> Tensor:
        """The input of the heads.

        Args:
            image: (B, 3, H, W) float in [-1, 1]; H and W multiples of `size_divisor`.

        Returns:
            (B, feature_channels, H, W) float.

        Raises:
            ConfigurationError: a size that does not fit.
        """
        raise NotImplementedError(f"{type(self).__name__} has no features")
