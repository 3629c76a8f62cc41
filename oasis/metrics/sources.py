"""Where extractors and judges come from: what `metrics=NAME` and `judge=NAME` mean on the command line.

Each is called late, when it is known which data there is, and raises `MissingWeightsError` where weights that nobody
named cannot be found.
"""

from collections.abc import Callable
from pathlib import Path

from oasis.errors import ConfigurationError, MissingWeightsError
from oasis.metrics.extractor import FeatureExtractor
from oasis.metrics.inception import inception_extractors
from oasis.metrics.judges.base import Judge
from oasis.metrics.judges.features import JudgeFeatures
from oasis.metrics.judges.mask2former import Mask2FormerJudge
from oasis.metrics.judges.unet import UNetJudge
from oasis.metrics.weights import SHA256

ExtractorSource = Callable[[Judge | None], list[FeatureExtractor]]
JudgeSource = Callable[[Path], Judge]


def inception(judge: Judge | None, weights: str | None = None, sha256: str | None = SHA256) -> list[FeatureExtractor]:
    """`metrics=inception`: FID and KID proper; see `inception_extractors`. Has no use for a judge."""
    return inception_extractors(weights, sha256)


def judge_features(judge: Judge | None) -> list[FeatureExtractor]:
    """`metrics=judge`: distances in a judge's features.

    Raises:
        MissingWeightsError: there is no judge.
    """
    if judge is None:
        raise MissingWeightsError("metrics=judge measures in a judge's features, but there is no judge.")
    return [JudgeFeatures(judge)]


def unet(default: Path, weights: str | None = None) -> UNetJudge:
    """`judge=unet`: this project's own judge.

    Args:
        default: where `oasis train-judge` puts the judge of the dataset at hand.
        weights: another file that it wrote; a named one has to be there.

    Raises:
        MissingWeightsError: no file is named, and there is none for this dataset.
        CheckpointError: the file is torn, or no judge.
    """
    if weights is None and not default.is_file():
        raise MissingWeightsError(
            f"No judge was trained for this dataset and picture size yet ({default} does not exist). Train one with "
            "`oasis train-judge`, followed by the same settings of the data, or name one: judge.weights=PATH."
        )
    return UNetJudge.from_file(default if weights is None else Path(weights))


def mask2former(default: Path, weights: str | None = None) -> Mask2FormerJudge:
    """`judge=mask2former`: a Hugging Face checkpoint; see `Mask2FormerJudge.from_pretrained`.

    Args:
        default: not used; this judge is not trained here.
        weights: a local folder, or the checkpoint's name.

    Raises:
        ConfigurationError: no weights named; or those of `from_pretrained`.
        MissingWeightsError: it cannot be found or fetched.
    """
    if weights is None:
        raise ConfigurationError("judge.weights=null: name a Mask2Former checkpoint or a folder that holds one.")
    return Mask2FormerJudge.from_pretrained(weights)
