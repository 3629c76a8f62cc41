"""A segmenter as a feature extractor: for distances where Inception weights are not available."""

from torch import Tensor

from oasis.metrics.extractor import FeatureExtractor
from oasis.segmenters.base import Segmenter


class SegmenterFeatures(FeatureExtractor):
    """A segmenter's description of a picture.

    Its distances tell better fakes from worse ones on one dataset, with one segmenter. They are no FID and no KID, and
    are never called so.

    Args:
        segmenter: whose `features` are taken.
    """

    frechet_name = "segmenter/frechet"
    kernel_name = "segmenter/kernel"

    def __init__(self, segmenter: Segmenter) -> None:
        super().__init__()
        self.segmenter = segmenter
        self.num_features = segmenter.num_features
        self.fingerprint = f"features of {segmenter.fingerprint}"

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in [-1, 1] to (B, num_features) float32."""
        return self.segmenter.features(image)
