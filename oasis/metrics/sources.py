"""Factories of feature extractors, for `metrics=NAME` on the command line.

Each is called when the data is known, and raises `MissingWeightsError` if no weights are given and the default ones
cannot be found.
"""

from collections.abc import Callable, Mapping

from oasis.errors import MissingWeightsError
from oasis.metrics.extractor import FeatureExtractor
from oasis.metrics.inception import inception_extractors
from oasis.metrics.segmenter_features import SegmenterFeatures
from oasis.metrics.vision_transformers import clip_extractor, dinov2_extractor
from oasis.metrics.weights import SHA256
from oasis.segmenters.base import Segmenter

ExtractorSource = Callable[[Segmenter | None], list[FeatureExtractor]]
"""Makes feature extractors, given the segmenter if there is one; what `metrics=NAME` selects."""


def listed(sources: ExtractorSource | Mapping[str, ExtractorSource | None] | None) -> list[ExtractorSource]:
    """The sources of `metrics=NAME`: one, several by name as in `metrics=all`, or none.

    Args:
        sources: what the settings instantiate to; None and empty settings mean none, as does None in a mapping.
    """
    if callable(sources):
        return [sources]
    return [source for source in (sources or {}).values() if source is not None]


def inception(
    segmenter: Segmenter | None, weights: str | None = None, sha256: str | None = SHA256
) -> list[FeatureExtractor]:
    """`metrics=inception`: FID and KID; see `inception_extractors`. Does not use the segmenter."""
    return inception_extractors(weights, sha256)


def dinov2(segmenter: Segmenter | None, weights: str, any_size: bool = False) -> list[FeatureExtractor]:
    """`metrics=dinov2`: distances in DINOv2's features; see `dinov2_extractor`. Does not use the segmenter."""
    return [dinov2_extractor(weights, any_size)]


def clip(segmenter: Segmenter | None, weights: str, any_size: bool = False) -> list[FeatureExtractor]:
    """`metrics=clip`: CMMD; see `clip_extractor`. Does not use the segmenter."""
    return [clip_extractor(weights, any_size)]


def segmenter_features(segmenter: Segmenter | None) -> list[FeatureExtractor]:
    """`metrics=segmenter`: distances in a segmenter's features.

    Raises:
        MissingWeightsError: there is no segmenter.
    """
    if segmenter is None:
        raise MissingWeightsError("metrics=segmenter measures in a segmenter's features, but there is no segmenter.")
    return [SegmenterFeatures(segmenter)]
