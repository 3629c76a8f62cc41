"""Comparisons with made-up numbers."""

import random
from collections.abc import Callable

import pytest

from oasis.evaluation.results import Column, Comparison, Score

METRICS = {"fid": 60.0, "kid": 0.04, "segmenter/frechet": 1.3, "segmenter/pq": 0.4, "segmenter/touching_count": 12.0}
CLASSES = ("road", "car")


def make_column(name: str, seeds: int, rng: random.Random, classes: tuple[str, ...] = CLASSES) -> Column:
    middles = METRICS | {f"segmenter/{family}/{c}": rng.uniform(0.1, 0.9) for family in ("iou", "pq") for c in classes}
    scores = {
        metric: Score(tuple(middle * rng.uniform(0.9, 1.1) for _ in range(seeds))) for metric, middle in middles.items()
    }
    return Column(name, scores, f"runs/{name}/last.ckpt", {"encoding": "semantic"})


@pytest.fixture
def compared() -> Callable[..., Comparison]:
    """Makes a comparison of columns with these names, random numbers in them."""

    def make(*names: str, references: tuple[str, ...] = ("real photos", "untrained"), **changes) -> Comparison:
        rng = random.Random(0)
        facts = {
            "columns": tuple(make_column(name, 3, rng) for name in names),
            "references": tuple(make_column(name, 1, rng) for name in references),
            "dataset": "streets",
            "split": "val",
            "images": 500,
            "height": 64,
            "width": 128,
            "seeds": (0, 1, 2),
            "segmenter": "unet",
            "notes": ("few images",),
            "seconds": {"generator": 30.0, "segmenter": 10.0},
        }
        return Comparison(**facts | changes)

    return make
