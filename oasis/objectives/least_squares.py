"""The objective of pix2pixHD."""

from collections.abc import Sequence

from torch import Tensor

from oasis.losses import least_squares_loss
from oasis.objectives.patch import PatchObjective


class LeastSquaresObjective(PatchObjective):
    """The least-squares loss, summed over scales, with feature matching and an optional perceptual term.

    See `PatchObjective` for the arguments. Source: Wang et al. 2018 (pix2pixHD), section 3.3.
    """

    def adversarial(self, fake: Sequence[Tensor]) -> Tensor:
        """The squared distance of scores from 1."""
        return least_squares_loss(fake, target=1)

    def fake(self, scores: Sequence[Tensor]) -> Tensor:
        """Half of the squared distance of scores from 0."""
        return least_squares_loss(scores, target=0) / 2

    def real(self, scores: Sequence[Tensor]) -> Tensor:
        """Half of the squared distance of scores from 1."""
        return least_squares_loss(scores, target=1) / 2
