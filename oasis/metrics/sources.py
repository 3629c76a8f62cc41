"""Where extractors and segmenters come from: what `metrics=NAME` and `segmenter=NAME` mean on the command line.

Each is called late, when it is known which data there is, and raises `MissingWeightsError` where weights that nobody
named cannot be found.
"""

from collections.abc import Callable
from pathlib import Path

from oasis.errors import ConfigurationError, MissingWeightsError
from oasis.metrics.extractor import FeatureExtractor
from oasis.metrics.inception import inception_extractors
from oasis.metrics.segmenter_features import SegmenterFeatures
from oasis.metrics.weights import SHA256
from oasis.segmenters.base import Segmenter
from oasis.segmenters.mask2former import Mask2FormerSegmenter
from oasis.segmenters.unet import UNetSegmenter

ExtractorSource = Callable[[Segmenter | None], list[FeatureExtractor]]
SegmenterSource = Callable[[Path], Segmenter]


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


def unet(default: Path, weights: str | None = None) -> UNetSegmenter:
    """`segmenter=unet`: this project's own segmenter.

    Args:
        default: where `oasis train-segmenter` puts the segmenter of the dataset at hand.
        weights: another file that it wrote; a named one has to be there.

    Raises:
        MissingWeightsError: no file is named, and there is none for this dataset.
        CheckpointError: the file is torn, or no segmenter.
    """
    if weights is None and not default.is_file():
        raise MissingWeightsError(
            f"No segmenter was trained for this dataset and picture size yet ({default} does not exist). Train it with "
            "`oasis train-segmenter`, followed by the same settings of the data, or name one: segmenter.weights=PATH."
        )
    return UNetSegmenter.from_file(default if weights is None else Path(weights))


def mask2former(default: Path, weights: str | None = None) -> Mask2FormerSegmenter:
    """`segmenter=mask2former`: a Hugging Face checkpoint; see `Mask2FormerSegmenter.from_pretrained`.

    Args:
        default: not used; this segmenter is not trained here.
        weights: a local folder, or the checkpoint's name.

    Raises:
        ConfigurationError: no weights named; or those of `from_pretrained`.
        MissingWeightsError: it cannot be found or fetched.
    """
    if weights is None:
        raise ConfigurationError("segmenter.weights=null: name a Mask2Former checkpoint or a folder that holds one.")
    return Mask2FormerSegmenter.from_pretrained(weights)
