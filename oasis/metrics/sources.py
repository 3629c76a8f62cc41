"""Where extractors and segmenters come from: what `metrics=NAME` and `segmenter=NAME` mean on the command line.

Each is called late, when it is known which data there is, and raises `MissingWeightsError` where no weights are named
and the default ones cannot be found.
"""

from collections.abc import Callable

from oasis.errors import MissingWeightsError
from oasis.metrics.extractor import FeatureExtractor
from oasis.metrics.inception import inception_extractors
from oasis.metrics.segmenter_features import SegmenterFeatures
from oasis.metrics.weights import SHA256
from oasis.segmenters.base import Segmenter

ExtractorSource = Callable[[Segmenter | None], list[FeatureExtractor]]


def inception(
    segmenter: Segmenter | None, weights: str | None = None, sha256: str | None = SHA256
) -> list[FeatureExtractor]:
    """`metrics=inception`: FID and KID proper; see `inception_extractors`. Has no use for a segmenter."""
    return inception_extractors(weights, sha256)


def segmenter_features(segmenter: Segmenter | None) -> list[FeatureExtractor]:
    """`metrics=segmenter`: distances in a segmenter's features.

    Raises:
        MissingWeightsError: there is no segmenter.
    """
    if segmenter is None:
        raise MissingWeightsError("metrics=segmenter measures in a segmenter's features, but there is no segmenter.")
    return [SegmenterFeatures(segmenter)]
