"""The objective of SPADE."""

from collections.abc import Sequence

from torch import Tensor

from oasis.losses import hinge_fake_loss, hinge_generator_loss, hinge_real_loss
from oasis.objectives.patch import PatchObjective


class HingeObjective(PatchObjective):
    """The hinge loss, averaged over scales, with feature matching and an optional perceptual term.

    See `PatchObjective` for the arguments. Source: Park et al. 2019 (SPADE), section 3 and appendix A.
    """

    def adversarial(self, fake: Sequence[Tensor]) -> Tensor:
        """See `hinge_generator_loss`."""
        return hinge_generator_loss(fake)

    def fake(self, scores: Sequence[Tensor]) -> Tensor:
        """See `hinge_fake_loss`."""
        return hinge_fake_loss(scores)

    def real(self, scores: Sequence[Tensor]) -> Tensor:
        """See `hinge_real_loss`."""
        return hinge_real_loss(scores)
