"""The OASIS discriminator with outputs that see individuals."""

from oasis.errors import ConfigurationError
from oasis.models.discriminator import OASISDiscriminator
from oasis.models.initialization import XAVIER_GAIN, convolution, rescale


class InstanceDiscriminator(OASISDiscriminator):
    """An `OASISDiscriminator` whose further outputs are compared instance by instance, or that classifies their seams.

    The network itself sees pictures only: the losses average the heads over the instances of the maps. Each head is one
    1x1 convolution on the features of the logits. `forward` returns, beside the logits,

    - `instance_score`, if enabled: (B, score_channels, H, W); of their averages over an instance, the first half votes
      for real and the second for fake, see `oasis.losses.instance_scores`;
    - `instance_embedding`, if enabled: (B, embedding_channels, H, W), whose average tells an instance from others of
      its class, see `oasis.losses.instance_contrast_loss`.

    Args:
        num_classes: N, without the fake class.
        num_things: T, how many of them have instances.
        channels: base width.
        num_blocks: at least 2, of the encoder and of the decoder.
        score_channels: even; 0 = no such head.
        embedding_channels: 0 = no such head.
        boundary_classes: whether the logits are (B, N + 1 + T, H, W): behind the N classes one for each thing class,
            for pixels where two of its instances touch, see `oasis.losses.BoundaryClasses`.
        spectral_norm: whether the convolutions of the blocks have a spectral norm; heads never do.
        init_gain: of the Xavier initialisation of all but the heads: that of scores keeps the published gain, as those
            of `PanopticDiscriminator`, and that of embeddings has gain 1.
        merge_resampling: merge convolutions with resampling; see `oasis.models.resampling`.

    Attributes:
        num_boundary_classes: T with `boundary_classes`, else 0.

    Raises:
        ConfigurationError: fewer than two blocks; invalid channels; boundary classes without things.

    Examples:
        >>> discriminator = InstanceDiscriminator(35, 10, channels=4, score_channels=8, boundary_classes=True)
        >>> logits, heads = discriminator(torch.zeros(2, 3, 64, 128))
        >>> logits.shape, heads["instance_score"].shape
        (torch.Size([2, 46, 64, 128]), torch.Size([2, 8, 64, 128]))
    """

    def __init__(
        self,
        num_classes: int,
        num_things: int,
        channels: int = 128,
        num_blocks: int = 6,
        *,
        score_channels: int = 0,
        embedding_channels: int = 0,
        boundary_classes: bool = False,
        spectral_norm: bool = True,
        init_gain: float = XAVIER_GAIN,
        merge_resampling: bool = False,
    ) -> None:
        if score_channels < 0 or score_channels % 2:
            raise ConfigurationError(
                f"discriminator.score_channels={score_channels}: must be even, since one half votes for real and one "
                f"for fake; 0 = no such head"
            )
        if embedding_channels < 0 or embedding_channels == 1:
            raise ConfigurationError(
                f"discriminator.embedding_channels={embedding_channels}: at least 2, since directions are compared; 0 "
                f"= no such head"
            )
        if boundary_classes and num_things < 1:
            raise ConfigurationError(
                "discriminator.boundary_classes=true: no class of this label space has instances (thing: true), so "
                "none can touch; use discriminator=oasis"
            )
        num_boundary_classes = num_things if boundary_classes else 0
        super().__init__(
            num_classes + num_boundary_classes,
            channels,
            num_blocks,
            spectral_norm=spectral_norm,
            init_gain=init_gain,
            merge_resampling=merge_resampling,
        )
        self.num_classes = num_classes
        self.num_boundary_classes = num_boundary_classes
        for name, width in (("instance_score", score_channels), ("instance_embedding", embedding_channels)):
            if width > 0:
                self.heads[name] = convolution(self.feature_channels, width, 1)
        if embedding_channels > 0:
            # Only directions are compared: the smaller the weights, the larger their gradients.
            rescale(self.heads["instance_embedding"], 1.0)
