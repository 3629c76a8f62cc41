"""All scores of fakes, in one pass over them."""

import math
import warnings
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torchmetrics.utilities import rank_zero_warn

from oasis.batch import Batch
from oasis.data.sample import Split
from oasis.data.sized_maps import SizedMaps
from oasis.errors import ConfigurationError, MetricError
from oasis.labels import LabelSpace
from oasis.metrics import (
    FeatureDistances,
    FeatureExtractor,
    InstanceColors,
    ScoredClasses,
    against,
)
from oasis.scoring.photos import RealPhotos, maps_for
from oasis.scoring.segmenter_scores import SegmenterScores
from oasis.scoring.stopwatch import Stopwatch
from oasis.segmenters import Segmenter

COLORS = "instances/color"  # see `InstanceColors`
FEWEST_PHOTOS = 2  # that distances between sets of pictures need


class Scorer:
    """Feature distances, instance colours and a segmenter's scores of one picture per label map.

    If several processes score, each gets its share of the label maps and all get the result for all.

    Args:
        label_space: of the label maps.
        device: where the pictures are.
        real: extractor -> (N, D) features of the real photos.
        segmenter: segments the pictures; None = scores that need one are left out.
        stopwatch: measures the time of each part.
        maps: what predictions are compared with, see `maps_for`; None = the maps of the batches.
        reference: the split of the real photos, which distances are named after.

    Raises:
        ConfigurationError: a segmenter that was trained on other classes, or one of its own size without `maps`.
        MetricError: fewer than 2 real photos.
    """

    def __init__(
        self,
        label_space: LabelSpace,
        device: torch.device,
        real: Mapping[FeatureExtractor, Tensor],
        segmenter: Segmenter | None = None,
        stopwatch: Stopwatch | None = None,
        maps: SizedMaps | None = None,
        reference: Split = "val",
    ) -> None:
        self.reference = reference
        self.stopwatch = stopwatch or Stopwatch()
        self.segmenter = segmenter
        self.maps = maps
        self.distances = {
            extractor: FeatureDistances(features.to(device), extractor.distances).to(device)
            for extractor, features in real.items()
        }
        classes = ScoredClasses(label_space)
        self.to_scored = classes.lookup(label_space).to(device)
        self.colors = InstanceColors(classes).to(device)
        self.segmenter_scores: SegmenterScores | None = None
        if segmenter is not None:
            if segmenter.size is not None and maps is None:
                raise ConfigurationError(
                    f"the segmenter predicts at {segmenter.size[0]}x{segmenter.size[1]} (height x width), but here are "
                    "label maps of the pictures' size only: segmenter.height=null segmenter.width=null"
                )
            self.segmenter_scores = SegmenterScores(label_space, segmenter, device)

    def update(self, batch: Batch, fake: Tensor) -> None:
        """Add one picture per label map.

        Args:
            batch: the label maps.
            fake: (B, 3, H, W) in [-1, 1].

        Raises:
            MetricError: NaN or infinity in a picture.
        """
        require_finite(batch, fake)
        with torch.no_grad():
            for extractor, distances in self.distances.items():
                with self.stopwatch.part("extractor"):
                    features = extractor(fake)
                with self.stopwatch.part("scores"):
                    distances.update(batch.index, features)
            with self.stopwatch.part("scores"):
                self.colors.update(batch.index, fake, self.to_scored[batch.label], batch.instance)
            if self.segmenter is not None and self.segmenter_scores is not None:
                with self.stopwatch.part("segmenter"):
                    prediction = self.segmenter(fake)
                if self.maps is not None:
                    with self.stopwatch.part("data"):
                        batch = self.maps(batch)
                with self.stopwatch.part("scores"):
                    self.segmenter_scores.update(batch, prediction)

    def compute(self) -> dict[str, float]:
        """All scores so far, by name: `fid`, `kid`, `instances/color`, `segmenter/pq`, `segmenter/iou/car`, ...

        If no picture has two instances of one class, there is no `instances/color`.
        """
        scores: dict[str, float] = {}
        with self.stopwatch.part("scores"):
            for distances in self.distances.values():
                scores.update(named_distances(distances.compute(), self.reference))
            scores.update(self._of_colors())
            if self.segmenter_scores is not None:
                scores.update(self.segmenter_scores.compute())
        return scores

    def _of_colors(self) -> dict[str, float]:
        named = {f"instances/{name}": float(value) for name, value in self.colors.compute().items()}
        return {name: value for name, value in named.items() if not math.isnan(value)}

    def reset(self) -> None:
        """Reset all scores."""
        for distances in self.distances.values():
            distances.reset()
        self.colors.reset()
        if self.segmenter_scores is not None:
            self.segmenter_scores.reset()


def scores_of_photos(
    photos: RealPhotos, real: Mapping[FeatureExtractor, Tensor], segmenter: Segmenter | None
) -> dict[str, float]:
    """The scores of real photos: the reference that fakes are compared with.

    Distances are those of as many other photos from the photos of the reference, see `RealPhotos.other_features`; other
    scores are of the photos of the split, as the segmenter sees them at the size of the generated pictures, whatever
    size their maps have.

    Args:
        photos: the dataset.
        real: extractor -> (N, D) features of the photos of the reference.
        segmenter: may be None.
    """
    scores: dict[str, float] = {}
    for extractor, features in real.items():
        distances = FeatureDistances(features, extractor.distances)
        other = photos.other_features(extractor)
        if len(other) < FEWEST_PHOTOS:  # a single other photo
            continue
        distances.update(torch.arange(len(other)), other)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # fakes give the same warning about few images
            scores.update(named_distances(distances.compute(), photos.reference))
    maps = maps_for(segmenter, photos.data, photos.split)
    scorer = Scorer(photos.data.label_space, photos.device, {}, segmenter, maps=maps)
    for batch in photos.batches(photos.split, photos.chosen, f"scoring {len(photos.chosen)} real photos"):
        scorer.update(batch, batch.image)
    return {**scores, **scorer.compute()}


def real_features(photos: RealPhotos, extractors: Sequence[FeatureExtractor]) -> dict[FeatureExtractor, Tensor]:
    """Features of the photos of the reference by each extractor; none if these or the label maps are less than two."""
    counts = {photos.reference: len(photos.data.dataset(photos.reference)), photos.split: len(photos.chosen)}
    single = next((split for split, count in counts.items() if count < FEWEST_PHOTOS), None)
    if single is not None:
        if extractors:
            alone = " All other scores are of this photo alone." if single == photos.split else ""
            rank_zero_warn(
                f"The split {single!r} has a single photo: {', '.join(one.title for one in extractors)} compares sets "
                f"of at least {FEWEST_PHOTOS}, and is left out.{alone}"
            )
        return {}
    return {extractor: photos.features(extractor) for extractor in extractors}


def named_distances(distances: Mapping[str, float], reference: Split) -> dict[str, float]:
    """Those distances that are defined, named after the split that they are measured from."""
    return {against(name, reference): value for name, value in distances.items() if not math.isnan(value)}


def require_finite(batch: Batch, fake: Tensor) -> None:
    """Refuse pictures that cannot be scored.

    Raises:
        MetricError: the message names the label maps.
    """
    broken = ~fake.isfinite().flatten(1).all(dim=1)
    if broken.any():
        names = [name for name, bad in zip(batch.name, broken.tolist(), strict=True) if bad]
        raise MetricError(
            f"The pictures generated for {', '.join(names[:5])} hold NaN or infinity, so nothing can be measured: the "
            "generator's weights or its precision are at fault. Use an earlier checkpoint, or full precision."
        )
