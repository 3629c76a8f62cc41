"""Example streets."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from oasis.streets import draw_street
from oasis.synthesis import LabelMap, Synthesizer

# Chosen by eye: cars near and far, people alone and in groups, narrow and wide streets.
SEEDS = (32, 33, 36, 41, 45, 52)
_CAR = 26


@dataclass(frozen=True)
class Example:
    """An example street.

    Attributes:
        name: of the example.
        label_map: its maps, at the model's size.
    """

    name: str
    label_map: LabelMap


def draw_examples(model: Synthesizer, seeds: Sequence[int] = SEEDS) -> list[Example]:
    """Synthetic streets at a model's size, if its raw ids are those of Cityscapes; else none."""
    index = model.label_space.raw_to_class[_CAR]
    if index < 0 or model.label_space.names[index] != "car":
        return []
    return [_draw(model, seed, f"Street {number}") for number, seed in enumerate(seeds, 1)]


def _draw(model: Synthesizer, seed: int, name: str) -> Example:
    street = draw_street(np.random.SeedSequence(seed), model.height, model.width)
    label_map = LabelMap(street.label, street.instance.astype(np.int32), model.label_space, name)
    return Example(name, label_map)
