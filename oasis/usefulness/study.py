"""Are generated pictures of use? Segmenters trained on them and on photos, all tested on photos."""

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from oasis.data import LabelMapDataModule
from oasis.data.sample import Split
from oasis.evaluation import EvaluatedModel, untrained
from oasis.scoring.store import found, stored
from oasis.usefulness.arms import BATCH, Fakes, for_segmenters, passes_of
from oasis.usefulness.estimate import Estimate, measure_pictures, measure_trainings
from oasis.usefulness.fakes import Source
from oasis.usefulness.requirements import measures_of, require_photos
from oasis.usefulness.results import PHOTOS, UNTRAINED, Usefulness, both_of, by_measure, fakes_of
from oasis.usefulness.trial import Recipe, dataset_key, train_and_score, trial_key


@dataclass(frozen=True, eq=False)
class Arm:
    """What a segmenter is trained on.

    Attributes:
        name: of the arm, unique.
        source: makes the fakes; None = photos alone.
        every: see `Fakes`.
    """

    name: str
    source: Source | None = None
    every: int = 1

    def fakes(self) -> Fakes | None:
        """The fakes, which must be complete."""
        if self.source is None:
            return None
        return Fakes([draw.pictures() for draw in self.source.draws.values()], self.every)

    def key(self) -> dict[str, object] | None:
        """What identifies the pictures."""
        if self.source is None:
            return None
        return {"draws": [draw.path.stem for draw in self.source.draws.values()], "every": self.every}


@dataclass
class UsefulnessStudy:
    """Trains segmenters on photos, on fakes and on both, and tests them on photos.

    Finished draws and trainings are in the cache folder and found again, also after an interruption. Photos alone do
    not depend on the checkpoints, and are trained once per dataset.

    Attributes:
        models: the checkpoints.
        device: where to generate, train and test.
        split: of the photos that the segmenters are tested on.
        recipe: of each training.
        seeds: of the trainings of each arm.
        draws: noise seeds of each label map's fakes; those that no training would reach are left out.
        tell: prints a line, such as the estimate.
        progress: whether to show bars.

    Raises:
        ConfigurationError: see `require_photos`.
        DatasetError: see `require_photos`.
    """

    models: Sequence[EvaluatedModel]
    device: torch.device
    split: Split
    recipe: Recipe
    seeds: Sequence[int] = (0, 1, 2)
    draws: Sequence[int] = (0, 1, 2)
    tell: Callable[[str], object] = print
    progress: bool = True

    def __post_init__(self) -> None:
        require_photos(self.models, self.split)
        self.data: LabelMapDataModule = for_segmenters(self.models[0].data)
        self._dataset = dataset_key(self.data, self.split)
        self.draws = self.draws[: passes_of(len(self.data.dataset("train")), self.recipe.steps)]

    @cached_property
    def arms(self) -> list[Arm]:
        """Photos alone, fakes and both of each checkpoint, and the fakes of the untrained first one."""
        sources = {model.name: self._source(model) for model in self.models}
        alone = [Arm(fakes_of(name), source) for name, source in sources.items()]
        both = [Arm(both_of(name), source, every=2) for name, source in sources.items()]
        return [Arm(PHOTOS), *alone, *both, Arm(UNTRAINED, self._source(untrained(self.models[0])))]

    def run(self) -> Usefulness:
        """Generate, train and test what the cache lacks, after an estimate of the time it takes.

        Raises:
            ConfigurationError: fewer training maps than a batch.
            DatasetError: no room for the fakes on the disk; a file that cannot be read.
            MetricError: NaN or infinity in a generated picture.
            NonFiniteLossError: the loss of a segmenter became NaN or infinite.
        """
        started = time.perf_counter()
        pending = [(arm, seed) for arm in self.arms for seed in self.seeds if found(self._key(arm, seed)) is None]
        known = len(self.arms) * len(self.seeds) - len(pending)
        if known:
            self.tell(f"Found in the cache: {known} of {known + len(pending)} trainings.")
        if pending:
            sources = list(dict.fromkeys(arm.source for arm, _ in pending if arm.source is not None))
            missing = {source: source.missing() for source in sources}
            self.tell(self._estimate(missing, len(pending)).sentence())
            self._generate(missing)
        with self._bar("training segmenters", len(pending) * self.recipe.steps) as advance:
            values = {arm.name: [self._scores(arm, seed, advance) for seed in self.seeds] for arm in self.arms}
        wanted, notes = measures_of(self.data, self.split)
        return Usefulness(
            scores={name: by_measure(each, wanted) for name, each in values.items()},
            checkpoints=tuple(model.name for model in self.models),
            seeds=tuple(self.seeds),
            draws=tuple(self.draws),
            protocol=self._protocol(),
            notes=notes,
            seconds=time.perf_counter() - started,
        )

    def _source(self, model: EvaluatedModel) -> Source:
        data = copy.copy(model.data)
        data.batch_size = max(BATCH, data.batch_size)  # single pictures, as the demo's, would take longer
        return Source.of(replace(model, data=data), self.draws, self.device)

    def _key(self, arm: Arm, seed: int) -> dict[str, object]:
        return trial_key(self._dataset, self.recipe, seed, self.device, arm.key())

    def _estimate(self, missing: dict[Source, int], trainings: int) -> Estimate:
        self.tell("Measuring how long it will take ...")
        paces = [(count, measure_pictures(one, self.device) if count else 0.0) for one, count in missing.items()]
        per_step, per_photo = measure_trainings(self.data, self.split, self.recipe, self.device)
        photos = len(self.data.dataset(self.split))
        return Estimate(tuple(paces), trainings, self.recipe.steps, per_step, photos, per_photo)

    def _generate(self, missing: dict[Source, int]) -> None:
        total = sum(draw.size for source in missing for draw in source.draws.values())
        with self._bar("generating pictures of the training maps", total) as advance:
            for source in missing:
                source.complete(self.device, lambda count: advance("", count))

    def _scores(self, arm: Arm, seed: int, advance: Callable[[str, int], object]) -> list[float]:
        """The scores of a training, from the cache or a new one."""

        def compute() -> torch.Tensor:
            title = f"training on {arm.name}, seed {seed}"
            advance(title, 0)
            return train_and_score(
                self.data, self.split, self.recipe, seed, self.device, arm.fakes(), lambda: advance(title, 1)
            )

        return [float(value) for value in stored(self._key(arm, seed), compute)]

    @contextmanager
    def _bar(self, title: str, total: int) -> Iterator[Callable[[str, int], object]]:
        """A bar on stderr; yields a function that takes another title, or none, and the number of steps done."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), disable=not self.progress or not total) as progress:
            task = progress.add_task(title, total=total)
            yield lambda text, count: progress.update(task, description=text or title, advance=count)

    def _protocol(self) -> str:
        maps, photos = len(self.data.dataset("train")), len(self.data.dataset(self.split))
        return (
            f"Usefulness: a segmenter ({self.recipe.channels} channels, depth {self.recipe.depth}) trained for "
            f"{self.recipe.steps} steps of {BATCH} pictures of the {maps} training maps, {len(self.draws)} draws of "
            f"each, tested on {photos} photos ({self.split}); ± over its seeds {', '.join(map(str, self.seeds))}."
        )
