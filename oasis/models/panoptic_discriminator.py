"""The OASIS discriminator with heads for instances."""

from oasis.models.discriminator import OASISDiscriminator
from oasis.models.initialization import XAVIER_GAIN


class PanopticDiscriminator(OASISDiscriminator):
    """An `OASISDiscriminator` with heads for instances: their centres, and each pixel's offset to its own.

    Each head is one 1x1 convolution on the features of the logits, so that those features have to distinguish touching
    instances of one class. With the same weights the logits are those of `OASISDiscriminator`.

    `forward` returns, beside the logits,

    - `center`: (B, 1, H, W), the height of a peak on each instance's centre, about 0 to 1, without an activation;
    - `offset`: (B, 2, H, W), down and right to the centre of the pixel's own instance, in picture heights;
    - `boundary`, if enabled: (B, 1, H, W) logits of boundary pixels of segments.

    Args:
        num_classes: N, without the fake class.
        channels: base width.
        num_blocks: at least 2, of the encoder and of the decoder.
        boundary: whether to have the boundary head.
        spectral_norm: whether the convolutions of the blocks have a spectral norm; heads never do.
        init_gain: of the Xavier initialisation of all but the instance heads; 1 for short runs, see `rescale`.
            The instance heads keep the published gain: with 1 their first predictions would be so far off that their
            losses would dominate for hundreds of batches.
        merge_resampling: merge convolutions with resampling; see `oasis.models.resampling`.

    Raises:
        ConfigurationError: fewer than two blocks.

    Examples:
        >>> discriminator = PanopticDiscriminator(35, channels=4)
        >>> logits, heads = discriminator(torch.zeros(2, 3, 64, 128))
        >>> {name: tuple(said.shape) for name, said in heads.items()}
        {'center': (2, 1, 64, 128), 'offset': (2, 2, 64, 128)}

    Source: the targets of the heads: Cheng et al. 2020 (Panoptic-DeepLab), section 3.1; the rest: Sushko et al. 2021.
    """

    def __init__(
        self,
        num_classes: int,
        channels: int = 128,
        num_blocks: int = 6,
        *,
        boundary: bool = False,
        spectral_norm: bool = True,
        init_gain: float = XAVIER_GAIN,
        merge_resampling: bool = False,
    ) -> None:
        super().__init__(
            num_classes,
            channels,
            num_blocks,
            spectral_norm=spectral_norm,
            init_gain=init_gain,
            merge_resampling=merge_resampling,
        )
        self.add_instance_heads(boundary)
