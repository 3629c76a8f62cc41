"""A segmenter as a feature extractor, if Inception weights are not available."""

from torch import Tensor

from oasis.metrics.extractor import FeatureExtractor
from oasis.metrics.feature_distances import frechet_and_kernel
from oasis.segmenters.base import Segmenter


class SegmenterFeatures(FeatureExtractor):
    """A segmenter's features of a picture.

    Its distances can be compared on one dataset, with one segmenter. They are not FID and KID, and have other names.

    Args:
        segmenter: the source of `features`.
    """

    distances = frechet_and_kernel("segmenter/frechet", "segmenter/kernel")

    def __init__(self, segmenter: Segmenter) -> None:
        super().__init__()
        self.segmenter = segmenter
        self.num_features = segmenter.num_features
        self.fingerprint = f"features of {segmenter.fingerprint}"

    @property
    def protocol(self) -> str:
        """See `FeatureExtractor`."""
        return f"features of {self.segmenter.protocol}"

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in [-1, 1] to (B, num_features) float32."""
        return self.segmenter.features(image)
