"""Factories of feature extractors, for `metrics=NAME` on the command line.

Each is called when the data is known, and raises `MissingWeightsError` if no weights are given and the default ones
cannot be found.
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
    """`metrics=inception`: FID and KID; see `inception_extractors`. Does not use the segmenter."""
    return inception_extractors(weights, sha256)


def segmenter_features(segmenter: Segmenter | None) -> list[FeatureExtractor]:
    """`metrics=segmenter`: distances in a segmenter's features.

    Raises:
        MissingWeightsError: there is no segmenter.
    """
    if segmenter is None:
        raise MissingWeightsError("metrics=segmenter measures in a segmenter's features, but there is no segmenter.")
    return [SegmenterFeatures(segmenter)]
