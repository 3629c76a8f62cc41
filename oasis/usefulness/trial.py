"""One training of a segmenter on one arm's pictures, and its scores on photos."""

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.seed import isolate_rng
from torch import Tensor

from oasis.data import LabelMapDataModule
from oasis.data.sample import Split
from oasis.metrics.usefulness import MEASURES
from oasis.scoring import SEGMENTER_PREFIX, RealPhotos, scores_of_photos
from oasis.segmenters import UNetSegmenter
from oasis.training.segmenter import SegmenterTraining
from oasis.training.segmenter_fit import fast_precision, segmenter_trainer
from oasis.usefulness.arms import BATCH, ArmData, Fakes

_VERSION = 1  # changes with the scores of the same key
_SMALL = 128  # rows of pictures below which the segmenter halves them once less often


@dataclass(frozen=True)
class Recipe:
    """How every segmenter is trained: alike in all arms.

    Attributes:
        steps: of the optimizer, `BATCH` samples each.
        channels: width of the network.
        depth: how often it halves the picture.
    """

    steps: int
    channels: int = 32
    depth: int = 5

    @classmethod
    def for_pictures(cls, height: int, steps: int) -> "Recipe":
        """The defaults of `oasis train-segmenter`, and what it advises for small pictures."""
        return cls(steps, depth=4 if height < _SMALL else 5)


def dataset_key(data: LabelMapDataModule, split: Split) -> dict[str, object]:
    """What the scores of all trainings depend on: the maps and photos; looks at each of their files.

    Args:
        data: see `for_segmenters`.
        split: of the photos that are segmented.
    """
    maps, photos = (data.dataset(name).fingerprint() for name in ("train", split))
    return {"maps": maps, "photos": photos, "flip": data.flip}


def trial_key(
    dataset: Mapping[str, object], recipe: Recipe, seed: int, device: torch.device, fakes: object
) -> dict[str, object]:
    """Everything that the scores of a training depend on.

    Args:
        dataset: see `dataset_key`.
        recipe: of the training.
        seed: of the training.
        device: where to train.
        fakes: identifies the pictures and how many of them are fakes; None = photos alone.
    """
    return {
        "what": "scores on photos of a segmenter trained on pictures",
        "version": _VERSION,
        **dataset,
        "recipe": {**asdict(recipe), "batch": BATCH, "precision": fast_precision(device)},
        "device": device.type,
        "measures": MEASURES,
        "seed": seed,
        "fakes": fakes,
    }


def train(
    data: ArmData, recipe: Recipe, device: torch.device, progress: Callable[[], object] = lambda: None
) -> UNetSegmenter:
    """Train a segmenter; the global random state is left as it was.

    Args:
        data: its batches.
        recipe: how it is trained.
        device: where to train.
        progress: called after each step.

    Raises:
        NonFiniteLossError: the loss became NaN or infinite.
    """
    with isolate_rng(), _quiet():
        pl.seed_everything(data.seed, workers=True, verbose=False)
        module = SegmenterTraining(data.data.label_space, channels=recipe.channels, depth=recipe.depth)
        trainer = segmenter_trainer(device, fast_precision(device), _Steps(progress), epochs=1, steps=recipe.steps)
        trainer.fit(module, datamodule=data)
        return module.segmenter()


def scores_on_photos(
    segmenter: UNetSegmenter, data: LabelMapDataModule, split: Split, device: torch.device
) -> dict[str, float]:
    """All scores of a segmenter on the photos of a split, such as `miou` and `pq_things`."""
    photos = RealPhotos(data, device, split, progress=False)
    scores = scores_of_photos(photos, {}, segmenter.to(device))
    return {n.removeprefix(SEGMENTER_PREFIX): v for n, v in scores.items() if n.startswith(SEGMENTER_PREFIX)}


def train_and_score(
    data: LabelMapDataModule,
    split: Split,
    recipe: Recipe,
    seed: int,
    device: torch.device,
    fakes: Fakes | None,
    progress: Callable[[], object] = lambda: None,
) -> Tensor:
    """The scores of one training: (len(MEASURES),) float64, NaN where there is nothing to score.

    Args:
        data: see `for_segmenters`.
        split: of the photos that are segmented.
        recipe: of the training.
        seed: of the training.
        device: where to train.
        fakes: replace photos; None = photos alone.
        progress: called after each step.
    """
    segmenter = train(ArmData(data, recipe.steps, seed, fakes), recipe, device, progress)
    scores = scores_on_photos(segmenter, data, split, device)
    return torch.tensor([scores[name] for name in MEASURES], dtype=torch.float64)


class _Steps(pl.Callback):
    """Reports the steps of a training."""

    def __init__(self, done: Callable[[], object]) -> None:
        self.done = done

    def on_train_batch_end(self, *_: Any) -> None:
        self.done()


@contextmanager
def _quiet() -> Iterator[None]:
    """Lightning describes the machine at every training, here up to dozens of times."""
    log = logging.getLogger("pytorch_lightning.utilities.rank_zero")
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*have no `val_dataloader`.*")  # tested once, after training
            yield
    finally:
        log.setLevel(level)
