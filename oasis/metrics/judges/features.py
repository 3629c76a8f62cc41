"""A judge as a feature extractor: where the Inception network cannot be had, distances in what a judge sees."""

from torch import Tensor

from oasis.metrics.extractor import FeatureExtractor
from oasis.metrics.judges.base import Judge


class JudgeFeatures(FeatureExtractor):
    """A judge's description of a picture.

    Its distances tell better fakes from worse ones on one dataset, with one judge. They are no FID and no KID, and are
    never called so.

    Args:
        judge: whose `features` are taken.
    """

    frechet_name = "judge/frechet"
    kernel_name = "judge/kernel"

    def __init__(self, judge: Judge) -> None:
        super().__init__()
        self.judge = judge
        self.num_features = judge.num_features
        self.fingerprint = f"features of {judge.fingerprint}"

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in [-1, 1] to (B, num_features) float32."""
        return self.judge.features(image)
