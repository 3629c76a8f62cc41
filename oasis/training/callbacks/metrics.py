"""Measuring while training: the scores of validation, and what to read them against."""

import math
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from rich.console import Console
from rich.table import Table
from torch import Tensor

from oasis.batch import Batch
from oasis.metrics import ExtractorSource, describe, split_class
from oasis.models.generating import generate
from oasis.scoring import (
    COLORS,
    MetricNetworks,
    RealPhotos,
    Scorer,
    load_metric_networks,
    real_features,
    scores_of_photos,
)
from oasis.segmenters import SegmenterSource
from oasis.training.base import data_of
from oasis.training.module import as_gan_module
from oasis.training.sampling import fixed_noise, sampling_generator

REAL, UNTRAINED = "real_photos", "untrained"


class Metrics(Callback):
    """Scores the pictures of every validation, one for each label map, painted by the generator that samples.

    Logs `fid`, `kid`, `instances/color`, `segmenter/miou`, `segmenter/pq`, ... as far as there are weights to measure
    with, and beside them the floor, `real_photos/fid` (as many training photos; a segmenter's view of the real
    photos), and the ceiling, `untrained/fid` (the generator before its first step). Prints all three when training
    ends.

    Args:
        extractors: makes the feature extractors; None, or the empty settings of `metrics=none`: no feature distances.
        segmenter: makes the segmenter; None, or the empty settings of `segmenter=none`: no segmenter's scores.
    """

    def __init__(self, extractors: ExtractorSource | None = None, segmenter: SegmenterSource | None = None) -> None:
        self.sources = [extractors] if extractors else []
        self.segmenter = segmenter or None
        self.references: dict[str, dict[str, float]] = {}
        self.latest: dict[str, float] = {}
        self._metric_networks = MetricNetworks()
        self._scorer: Scorer | None = None

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Load what measures; whatever does not fit the data is refused before training starts."""
        if stage == "fit":
            self._metric_networks = load_metric_networks(data_of(trainer), self.sources, self.segmenter)

    def provides(self, metric: str) -> bool:
        """Whether validation will log a metric of this name."""
        metric_networks = self._metric_networks
        names = [name for one in metric_networks.extractors for name in (one.frechet_name, one.kernel_name)]
        scored = (
            metric_networks.segmenter is not None
            and metric.startswith("segmenter/")
            and metric not in _OF_SEGMENTERS_FEATURES
        )
        return metric in names or (scored and split_class(metric)[1] is None) or (metric == COLORS and self._measures)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure the real photos, and the untrained generator."""
        device = pl_module.device
        self._metric_networks.to(device)
        if not (self._measures and trainer.enable_validation):
            return
        photos = RealPhotos(data_of(trainer), device)
        real = real_features(photos, self._metric_networks.extractors)
        self._scorer = Scorer(as_gan_module(pl_module).label_space, device, real, self._metric_networks.segmenter)
        if not self.references.get(REAL):
            self.references[REAL] = scores_of_photos(photos, real, self._metric_networks.segmenter)
        if as_gan_module(pl_module).batches_seen == 0:
            self.references[UNTRAINED] = self._score_untrained(trainer, photos, self._scorer)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forget the validation before."""
        if self._scorer is not None:
            self._scorer.reset()

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Measure the fakes that the validation step returned; those of a sanity check are not looked at."""
        if self._scorer is not None and not trainer.sanity_checking:
            self._scorer.update(batch, outputs)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log."""
        if self._scorer is None or trainer.sanity_checking:
            return
        self.latest = _summary(self._scorer.compute())
        beside = {
            f"{name}/{metric}": value
            for name, scores in self.references.items()
            for metric, value in _summary(scores).items()
        }
        logged = {name: value for name, value in {**self.latest, **beside}.items() if not math.isnan(value)}
        pl_module.log_dict({**logged, **as_gan_module(pl_module).log_step()}, rank_zero_only=True)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the last scores beside the floor and the ceiling."""
        if self.latest and trainer.is_global_zero:
            Console().print(_table(self.latest, self.references))

    @property
    def _measures(self) -> bool:
        return bool(self._metric_networks.extractors) or self._metric_networks.segmenter is not None

    def state_dict(self) -> dict[str, Any]:
        """Floor and ceiling: a resumed run has no untrained generator any more."""
        return {"references": self.references}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take them up again."""
        self.references = {UNTRAINED: state_dict["references"].get(UNTRAINED, {})}

    def _score_untrained(self, trainer: Trainer, photos: RealPhotos, scorer: Scorer) -> dict[str, float]:
        """As many label maps as validation paints."""
        maps = len(photos.data.dataset("val"))
        if trainer.num_val_batches:
            maps = min(maps, int(sum(trainer.num_val_batches)) * photos.data.batch_size)
        title = f"painting {maps} label maps untrained"
        with sampling_generator(trainer) as generator:
            for batch in photos.batches("val", range(maps), title):
                scorer.update(batch, _paint(generator, batch))
        scores = scorer.compute()
        scorer.reset()
        return scores


_OF_SEGMENTERS_FEATURES = ("segmenter/frechet", "segmenter/kernel")
# Logged, but not printed: the factors of PQ, and what does not change.
_LEFT_OUT = {"segmenter/touching_count", *(f"segmenter/{q}q{of}" for q in "sr" for of in ("", "_things", "_stuff"))}


def _paint(generator: Any, batch: Batch) -> Tensor:
    return generate(generator, batch, fixed_noise(generator, batch.index, seed=0))


def _summary(scores: dict[str, float]) -> dict[str, float]:
    """Without those of single classes, which `oasis evaluate` tells."""
    return {name: value for name, value in scores.items() if split_class(name)[1] is None}


def _table(latest: dict[str, float], references: dict[str, dict[str, float]]) -> Table:
    table = Table(title="Scores of the last validation")
    columns = {"trained": latest, "untrained": references.get(UNTRAINED, {}), "real photos": references.get(REAL, {})}
    for name, justify in (("", "left"), *((name, "right") for name in columns)):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for metric in (name for name in latest if name not in _LEFT_OUT):
        known = describe(metric)
        table.add_row(known.heading, *(known.show(scores.get(metric, math.nan)) for scores in columns.values()))
    return table
