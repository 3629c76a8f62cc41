"""How long generating and training will take, measured before it starts."""

import time
from dataclasses import dataclass, replace
from statistics import median

import torch

from oasis.data import LabelMapDataModule
from oasis.data.sample import Split
from oasis.scoring import RealPhotos, Scorer
from oasis.usefulness.arms import ArmData
from oasis.usefulness.fakes import Source, generated
from oasis.usefulness.trial import Recipe, train

_BATCHES, _STEPS, _PHOTOS = 24, 16, 16  # to measure with
_ENOUGH = 5.0  # seconds, after which three batches do


@dataclass(frozen=True)
class Estimate:
    """What is left to do, and how long each part of it takes.

    Attributes:
        generating: of each generator, the number of pictures that are missing, and seconds for each.
        trainings: of segmenters.
        steps: of a training.
        per_step: seconds.
        photos: that each segmenter is tested on.
        per_photo: seconds.
    """

    generating: tuple[tuple[int, float], ...]
    trainings: int
    steps: int
    per_step: float
    photos: int
    per_photo: float

    @property
    def seconds(self) -> float:
        """The total."""
        generating = sum(count * each for count, each in self.generating)
        return generating + self.trainings * (self.steps * self.per_step + self.photos * self.per_photo)

    def sentence(self) -> str:
        """The estimate in words."""
        pictures = sum(count for count, _ in self.generating)
        slowest = max((each for _, each in self.generating), default=0.0)
        generating = f"{pictures} pictures to generate, {_short(slowest)} each; " if pictures else ""
        return (
            f"About {_long(self.seconds)}, as measured on this machine: {generating}{self.trainings} trainings of "
            f"{self.steps} steps, {_short(self.per_step)} each; {self.photos} photos after each of them, "
            f"{_short(self.per_photo)} each. If interrupted, the same command continues."
        )


def measure_pictures(source: Source, device: torch.device) -> float:
    """Seconds that a generator takes for a picture."""
    model = source.model
    model.generator.to(device)
    count = min(_BATCHES * model.data.batch_size, len(model.data.dataset("train")))
    started = end = _now(device)
    each = []
    for batch in generated(model, range(count), 0, device):
        before, end = end, _now(device)
        each.append((end - before) / len(batch))
        if len(each) > 2 and end - started > _ENOUGH:
            break
    return median(each)  # the first batches are slower, since reading has just begun


def measure_trainings(
    data: LabelMapDataModule, split: Split, recipe: Recipe, device: torch.device
) -> tuple[float, float]:
    """Seconds of a step, and of a photo that a segmenter is tested on, from a short training on photos."""
    ends: list[float] = []
    short = replace(recipe, steps=_STEPS)
    segmenter = train(ArmData(data, _STEPS, seed=0), short, device, lambda: ends.append(_now(device)))
    later = ends[_STEPS // 2 :]  # the first steps are slower
    scorer = Scorer(data.label_space, device, {}, segmenter.to(device))
    chosen = range(min(_PHOTOS, len(data.dataset(split))))
    started = _now(device)
    for batch in RealPhotos(data, device, split, progress=False).batches(split, chosen, ""):
        scorer.update(batch, batch.image)
    scorer.compute()
    return (later[-1] - later[0]) / (len(later) - 1), (_now(device) - started) / len(chosen)


def _now(device: torch.device) -> float:
    """The time, after everything on the device is done."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
    return time.perf_counter()


def _short(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _long(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"
