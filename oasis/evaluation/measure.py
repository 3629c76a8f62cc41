"""Measuring and comparing models."""

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from PIL import Image
from rich.progress import track
from torch import Tensor

from oasis.batch import Batch
from oasis.data.samples import Sample, Split
from oasis.errors import ConfigurationError, MissingWeightsError
from oasis.evaluation.evaluated_models import EvaluatedModel
from oasis.evaluation.results import Column, Comparison, Score
from oasis.metrics import Diversity, FeatureExtractor, LPIPSDistance, ScoredClasses
from oasis.scoring import MetricNetworks, RealPhotos, Scorer, Stopwatch, maps_for, real_features, scores_of_photos
from oasis.visualize import colorize, sample_grid

FEWEST_SEEDS = 3
_PHOTO, _MAP = "photo", "label map"


@dataclass
class Evaluation:
    """Measures models with the same metric networks on the same label maps.

    Attributes:
        metric_networks: feature extractors and segmenter.
        device: where to generate and measure.
        seeds: of the noise; each label map is used once with each.
        split: of the label maps.
        reference: the split whose photos distances are measured from; None = `split`.
        diversity_images: label maps, spread over the split, on which diversity is measured; 0 = none.
        lpips: second measure of diversity; None = MS-SSIM alone.
        shown: label maps in the sample grids.
        progress: whether to show bars.
    """

    metric_networks: MetricNetworks
    device: torch.device
    seeds: Sequence[int] = (0, 1, 2)
    split: Split = "val"
    diversity_images: int = 50
    lpips: LPIPSDistance | None = None
    shown: int = 6
    progress: bool = True
    reference: Split | None = None
    stopwatch: Stopwatch = field(default_factory=Stopwatch)
    notes: list[str] = field(default_factory=list)
    _shown: dict[str, dict[str, Tensor]] = field(default_factory=dict)

    def run(self, models: Sequence[EvaluatedModel], references: Sequence[EvaluatedModel] = ()) -> Comparison:
        """Measure all models, and real photos.

        Args:
            models: the models to compare, with unique names.
            references: measured like models, shown beside them.

        Raises:
            ConfigurationError: fewer than 3 seeds, or models of different classes.
            MetricError: NaN in a picture.
        """
        if len(self.seeds) < FEWEST_SEEDS or len(set(self.seeds)) < len(self.seeds):
            raise ConfigurationError(f"seeds {list(self.seeds)}: a spread needs {FEWEST_SEEDS} different ones or more.")
        self.metric_networks.to(self.device)
        data = models[0].data
        photos = RealPhotos(data, self.device, self.split, self.progress, self.reference)
        self.notes += [
            *self.metric_networks.missing,
            *self.metric_networks.notes,
            *_notes(photos, self.metric_networks),
        ]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            with self.stopwatch.part("real photos"):
                real = real_features(photos, self.metric_networks.extractors)
                of_photos = scores_of_photos(photos, real, self.metric_networks.segmenter)
            columns = [self._column(model, real) for model in models]
            beside = [self._column(model, real) for model in references]
        self.notes += dict.fromkeys(str(one.message) for one in caught if issubclass(one.category, UserWarning))
        segmenter = self.metric_networks.segmenter
        return Comparison(
            columns=tuple(columns),
            references=(_real_column(of_photos, photos), *beside),
            dataset=str(data.dataset(self.split).root),
            split=self.split,
            images=len(data.dataset(self.split)),
            height=data.height,
            width=data.width,
            seeds=tuple(self.seeds),
            segmenter="" if segmenter is None else f"{type(segmenter).__name__} {segmenter.fingerprint[:12]}",
            notes=tuple(self.notes),
            seconds=dict(self.stopwatch.seconds),
        )

    def sample_grids(self) -> list[tuple[str, Image.Image]]:
        """Pictures of the first label maps: all models with the first seed, then the draws of each.

        Returns:
            Caption and picture of each grid; call it after `run`.
        """
        first = next(iter(self._shown.values()))
        side_by_side = {caption: first[caption] for caption in (_PHOTO, _MAP)}
        side_by_side.update({name: shown[f"seed {self.seeds[0]}"] for name, shown in self._shown.items()})
        grids = [(f"The same label maps and noise (seed {self.seeds[0]})", sample_grid(side_by_side))]
        for name, shown in self._shown.items():
            draws = {caption: pictures for caption, pictures in shown.items() if caption != _PHOTO}
            grids.append((f"{name}: draws of one label map", sample_grid(draws)))
        return grids

    def _column(self, model: EvaluatedModel, real: dict[FeatureExtractor, Tensor]) -> Column:
        """All scores of one model, one value per seed."""
        model.generator.to(self.device)
        space = model.data.label_space
        segmenter, reference = self.metric_networks.segmenter, self.reference or self.split
        maps = maps_for(segmenter, model.data, self.split)
        scorers = [Scorer(space, self.device, real, segmenter, self.stopwatch, maps, reference) for _ in self.seeds]
        diversity = _Diversity(self, model)
        for samples in self._samples(model):
            draws = []
            for seed, scorer in zip(self.seeds, scorers, strict=True):
                with self.stopwatch.part("generator"):
                    batch, fake = model.generate(samples, seed)
                scorer.update(batch, fake)
                draws.append(fake)
            with self.stopwatch.part("diversity"):
                diversity.update(batch, torch.stack(draws))
            self._keep_shown(model, batch, draws)
        each = [scorer.compute() for scorer in scorers]
        scores = {name: Score(tuple(one.get(name, math.nan) for one in each)) for name in each[0]}
        model.generator.cpu()
        return Column(model.name, {**scores, **diversity.compute()}, model.origin, model.facts)

    def _samples(self, model: EvaluatedModel) -> Iterator[Sample]:
        """All label maps, collated and on the device."""
        loader = model.data.loader_of(self.split, range(len(model.data.dataset(self.split))))
        batches = iter(loader)
        for _ in track(range(len(loader)), f"generating with {model.name}", disable=not self.progress):
            with self.stopwatch.part("data"):
                samples: Sample = model.data.transfer_batch_to_device(next(batches), self.device, 0)
            yield samples

    def _keep_shown(self, model: EvaluatedModel, batch: Batch, draws: Sequence[Tensor]) -> None:
        """Store the pictures of the sample grids."""
        few = batch.index < self.shown
        if not few.any():
            return
        columns = {
            _PHOTO: batch.image[few],
            _MAP: colorize(batch.label[few], model.data.label_space.palette),
            **{f"seed {seed}": draw[few] for seed, draw in zip(self.seeds, draws, strict=True)},
        }
        kept = self._shown.setdefault(model.name, {})
        for caption, images in columns.items():
            kept[caption] = torch.cat([*([kept[caption]] if caption in kept else []), images.cpu()])


class _Diversity:
    """Diversity of one model, on label maps spread over the split, if enabled."""

    def __init__(self, evaluation: Evaluation, model: EvaluatedModel) -> None:
        self.space = model.data.label_space
        self.classes = ScoredClasses(self.space)
        self.wanted = evaluation.diversity_images
        self.step = max(1, len(model.data.dataset(evaluation.split)) // max(1, self.wanted))
        self.device = evaluation.device
        self.metric = Diversity(self.classes.names, evaluation.lpips).to(self.device)

    def update(self, batch: Batch, draws: Tensor) -> None:
        """Add the chosen label maps of a batch, and their draws (S, B, 3, H, W)."""
        chosen = (batch.index % self.step == 0) & (batch.index < self.step * self.wanted)
        if chosen.any():
            target = self.classes.lookup(self.space).to(self.device)[batch.label]
            self.metric.update(batch.index[chosen], draws[:, chosen], target[chosen])

    def compute(self) -> dict[str, Score]:
        """The scores, one value per seed: the distance of its draws from those of the others."""
        if self.wanted == 0:
            return {}
        return {name: Score(values) for name, values in self.metric.compute().items()}


def load_lpips(notes: list[str]) -> LPIPSDistance | None:
    """LPIPS if its weights are available; otherwise a note that says how to get them."""
    try:
        return LPIPSDistance()
    except MissingWeightsError as error:
        notes.append(f"No LPIPS: {error}.")
        return None


def _real_column(scores: dict[str, float], photos: RealPhotos) -> Column:
    other = "training photos" if photos.other_split == "train" else f"photos of {photos.other_split}"
    origin = (
        f"as many {other} against those of {photos.reference}; the segmenter's scores are those of the {photos.split} "
        "photos"
    )
    return Column("real photos", {name: Score((value,)) for name, value in scores.items()}, origin)


def _notes(photos: RealPhotos, metric_networks: MetricNetworks) -> list[str]:
    """What distances are measured from, if not from the photos of the label maps."""
    if photos.reference == photos.split or not metric_networks.extractors:
        return []
    count = len(photos.data.dataset(photos.reference))
    return [f"Distances are measured from all {count} photos of {photos.reference}, not from those of {photos.split}."]
