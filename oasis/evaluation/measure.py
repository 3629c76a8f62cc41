"""Measuring and comparing models, and pictures that exist."""

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from PIL import Image
from rich.progress import track
from torch import Tensor

from oasis.batch import Batch
from oasis.data import LabelMapDataModule
from oasis.data.sample import Sample, Split
from oasis.errors import ConfigurationError
from oasis.evaluation.diversity import DiversityOf, among
from oasis.evaluation.results import Column, Comparison, Score
from oasis.evaluation.sources import PictureSource, common_maps
from oasis.metrics import FeatureExtractor, LPIPSDistance
from oasis.scoring import (
    MetricNetworks,
    Protocols,
    RealPhotos,
    Scorer,
    Stopwatch,
    maps_for,
    real_features,
    scores_of_photos,
)
from oasis.visualize import colorize, sample_grid

FEWEST_SEEDS = 3
_PHOTO, _MAP = "photo", "label map"


@dataclass
class Evaluation:
    """Measures sources of pictures with the same metric networks on the same label maps.

    Attributes:
        metric_networks: feature extractors and segmenter.
        device: where to generate and measure.
        seeds: of the noise of generators; each label map is used once with each.
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
    _chosen: Sequence[int] = ()

    def run(self, sources: Sequence[PictureSource], references: Sequence[PictureSource] = ()) -> Comparison:
        """Measure all models and pictures, and real photos.

        Args:
            sources: what is compared, with unique names. All of it is measured on the label maps of which every source
                has pictures.
            references: measured like these, shown beside them.

        Raises:
            ConfigurationError: fewer than 3 seeds for a generator; models of different classes; no label map of which
                every source has a picture.
            DatasetError: a file that cannot be read.
            MetricError: NaN in a picture.
        """
        generated = any(source.generates for source in sources)
        if generated and (len(self.seeds) < FEWEST_SEEDS or len(set(self.seeds)) < len(self.seeds)):
            raise ConfigurationError(f"seeds {list(self.seeds)}: a spread needs {FEWEST_SEEDS} different ones or more.")
        self.metric_networks.to(self.device)
        data = sources[0].data
        self._chosen = self._common(sources)
        photos = RealPhotos(data, self.device, self.split, self.progress, self.reference, self._chosen)
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
            columns = [self._column(source, real) for source in sources]
            beside = [self._column(source, real) for source in references]
        self.notes += dict.fromkeys(str(one.message) for one in caught if issubclass(one.category, UserWarning))
        return self._comparison(data, columns, [_real_column(of_photos, photos), *beside], generated)

    def _comparison(
        self, data: LabelMapDataModule, columns: Sequence[Column], references: Sequence[Column], generated: bool
    ) -> Comparison:
        segmenter = self.metric_networks.segmenter
        diversity = f"{self.diversity_images} label maps of {self.split} at most, all pairs of draws of each"
        maps = len(self._chosen)
        protocols = Protocols.on(data, self.metric_networks, self.split, self.reference, maps, diversity)
        return Comparison(
            columns=tuple(columns),
            references=tuple(references),
            dataset=str(data.dataset(self.split).root),
            split=self.split,
            images=maps,
            height=data.height,
            width=data.width,
            seeds=tuple(self.seeds) if generated else (),
            segmenter="" if segmenter is None else f"{type(segmenter).__name__} {segmenter.fingerprint[:12]}",
            notes=tuple(self.notes),
            seconds=dict(self.stopwatch.seconds),
            protocols=protocols.of_all(dict.fromkeys(name for column in columns for name in column.scores)),
        )

    def sample_grids(self) -> list[tuple[str, Image.Image]]:
        """Pictures of the first label maps: the first draw of all columns, then all draws of each that has several.

        Returns:
            Caption and picture of each grid; call it after `run`.
        """
        first = next(iter(self._shown.values()))
        side_by_side = {caption: first[caption] for caption in (_PHOTO, _MAP)}
        kinds = set()
        grids = []
        for name, shown in self._shown.items():
            draws = {caption: pictures for caption, pictures in shown.items() if caption != _PHOTO}
            _, caption, *others = draws
            side_by_side[name] = draws[caption]
            kinds.add(caption)
            if others:
                grids.append((f"{name}: draws of one label map", sample_grid(draws)))
        same = f"and noise ({caption})" if kinds == {f"seed {self.seeds[0]}"} else f"({', '.join(sorted(kinds))})"
        return [(f"The same label maps {same}", sample_grid(side_by_side)), *grids]

    def _common(self, sources: Sequence[PictureSource]) -> list[int]:
        """The positions of the label maps that are scored: those of which every source has pictures."""
        chosen, whole = common_maps(sources, self.split), len(sources[0].data.dataset(self.split))
        if not chosen:
            raise ConfigurationError("There is no label map of which every column has a picture: evaluate them apart.")
        if len(chosen) < whole:
            self.notes.append(
                f"Scored on {len(chosen)} of {whole} label maps and photos, for all columns: those of which each has a "
                "picture. Other numbers than those of the whole split."
            )
        return chosen

    def _scorer(self, source: PictureSource, real: dict[FeatureExtractor, Tensor]) -> Scorer:
        segmenter, reference = self.metric_networks.segmenter, self.reference or self.split
        maps = maps_for(segmenter, source.data, self.split)
        return Scorer(source.data.label_space, self.device, real, segmenter, self.stopwatch, maps, reference)

    def _column(self, source: PictureSource, real: dict[FeatureExtractor, Tensor]) -> Column:
        """All scores of one source, one value per draw."""
        source.to(self.device)
        numbers = source.numbers(self.seeds)
        scorers = [self._scorer(source, real) for _ in numbers]
        diversity = DiversityOf(source, self._diverse(source), self.lpips, self.device)
        for samples in self._samples(source):
            draws = []
            for number, scorer in zip(numbers, scorers, strict=True):
                with self.stopwatch.part("generator" if source.generates else "pictures"):
                    batch, fake = source.generate(samples, number)
                scorer.update(batch, fake)
                draws.append(fake)
            with self.stopwatch.part("diversity"):
                diversity.update(batch, torch.stack(draws))
            self._keep_shown(source, batch, draws)
        each = [scorer.compute() for scorer in scorers]
        scores = {name: Score(tuple(one.get(name, math.nan) for one in each)) for name in each[0]}
        source.to(torch.device("cpu"))
        draws_read = 0 if source.generates else len(numbers)
        return Column(source.name, {**scores, **diversity.compute()}, source.origin, source.facts, draws_read)

    def _diverse(self, source: PictureSource) -> Sequence[int]:
        """The label maps on which a source's diversity is measured, spread over those that are scored."""
        wanted = self.diversity_images if len(source.numbers(self.seeds)) > 1 else 0
        return self._chosen[:: max(1, len(self._chosen) // max(1, wanted))][:wanted]

    def _samples(self, source: PictureSource) -> Iterator[Sample]:
        """The label maps that are scored, collated and on the device."""
        loader = source.data.loader_of(self.split, self._chosen)
        batches = iter(loader)
        title = f"generating with {source.name}" if source.generates else f"reading {source.name}"
        for _ in track(range(len(loader)), title, disable=not self.progress):
            with self.stopwatch.part("data"):
                samples: Sample = source.data.transfer_batch_to_device(next(batches), self.device, 0)
            yield samples

    def _keep_shown(self, source: PictureSource, batch: Batch, draws: Sequence[Tensor]) -> None:
        """Store the pictures of the sample grids."""
        few = among(batch.index, self._chosen[: self.shown])
        if not few.any():
            return
        word = "seed" if source.generates else "draw"
        columns = {
            _PHOTO: batch.image[few],
            _MAP: colorize(batch.label[few], source.data.label_space.palette),
            **{f"{word} {n}": draw[few] for n, draw in zip(source.numbers(self.seeds), draws, strict=True)},
        }
        kept = self._shown.setdefault(source.name, {})
        for caption, images in columns.items():
            kept[caption] = torch.cat([*([kept[caption]] if caption in kept else []), images.cpu()])


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
