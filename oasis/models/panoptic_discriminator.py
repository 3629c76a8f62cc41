"""The OASIS discriminator that also sees which pixels belong to one individual."""

from oasis.models.discriminator import OASISDiscriminator
from oasis.models.initialization import XAVIER_GAIN, convolution


class PanopticDiscriminator(OASISDiscriminator):
    """An `OASISDiscriminator` with heads for instances: where their centres are, and to which one a pixel belongs.

    Each head is one 1x1 convolution on the features that the logits are read from, so that those features have to
    tell touching individuals of one class apart. With the same weights the logits are those of the plain one.

    `forward` gives, beside the logits,

    - `center`: (B, 1, H, W), the height of a bump on each instance's centre, about 0 to 1, not squashed;
    - `offset`: (B, 2, H, W), down and right to the centre of the pixel's own instance, in picture heights;
    - `boundary`, where wanted: (B, 1, H, W) logits of lying on the edge of a segment.

    Args:
        num_classes: N, without the fake class.
        channels: base width.
        num_blocks: at least 2, on the way down and again on the way up.
        boundary: whether to have the boundary head.
        spectral_norm: whether the convolutions of the blocks bear a spectral norm; heads never do.
        init_gain: of the Xavier initialisation of all but the instance heads; short runs want 1, see `rescale`.
            The instance heads keep the published gain: they are to start from "no centre, no offset", and with 1 the
            first predictions would be so far off that nothing else was heard for hundreds of batches.
        merge_resampling: convolve and halve, or double and convolve, in one; see `oasis.models.resampling`.

    Raises:
        ConfigurationError: on fewer than two blocks.

    Example:
        >>> discriminator = PanopticDiscriminator(35, channels=4)
        >>> logits, heads = discriminator(torch.zeros(2, 3, 64, 128))
        >>> {name: tuple(said.shape) for name, said in heads.items()}
        {'center': (2, 1, 64, 128), 'offset': (2, 2, 64, 128)}

    Source: the heads' meaning: Cheng et al. 2020 (Panoptic-DeepLab), section 3.1; the rest: Sushko et al. 2021.
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
        widths = {"center": 1, "offset": 2} | ({"boundary": 1} if boundary else {})
        for name, width in widths.items():
            self.heads[name] = convolution(self.feature_channels, width, 1)
