"""The perceptual term of objectives: weighted, and off where VGG's weights are missing unless it is required."""

from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor, nn

from oasis.errors import ConfigurationError
from oasis.losses import VGGPerceptualLoss
from oasis.losses.perceptual import VGG19_URL, cached_vgg19


class PerceptualTerm(nn.Module):
    """The perceptual loss, times its weight.

    Args:
        weight: 0 switches it off.
        weights_file: VGG-19 weights, see `VGGPerceptualLoss`; None = torchvision's.
        required: download torchvision's weights, and fail without them. False = use those on this machine, or warn once
            that the term is off.

    Attributes:
        weight: see above; 0 without VGG's weights.

    Raises:
        ConfigurationError: a negative weight; a weights file that is missing or invalid; no weights, but required.
    """

    def __init__(self, weight: float, weights_file: str | None, required: bool) -> None:
        super().__init__()
        if weight < 0:
            raise ConfigurationError(f"objective.perceptual_weight={weight}: must be 0 (off) or above.")
        if weight > 0 and weights_file is None and not required:
            found = cached_vgg19()
            if not found.is_file():
                rank_zero_warn(
                    f"The perceptual term (objective.perceptual_weight={weight}) is off: {found} is missing, the VGG-19"
                    f" of torchvision. Published results have it. Fetch {VGG19_URL}, and put it "
                    "there or give its path (objective.perceptual_weights_file=PATH); or let torchvision fetch it "
                    "(objective.perceptual_required=true, 575 MB). To train without: objective.perceptual_weight=0."
                )
                weight = 0.0
        self.weight = weight
        self.vgg = VGGPerceptualLoss(weights_file) if weight > 0 else None

    def forward(self, fake: Tensor, real: Tensor) -> dict[str, Tensor]:
        """The term by its name; empty if it is off. See `VGGPerceptualLoss.forward`."""
        return {} if self.vgg is None else {"perceptual": self.weight * self.vgg(fake, real)}
