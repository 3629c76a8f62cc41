"""Example streets."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from oasis.data.files.meaning import CITYSCAPES_IDS
from oasis.labels import LabelSpace
from oasis.streets import draw_street
from oasis.synthesis.label_map import LabelMap
from oasis.synthesis.synthesizer import Synthesizer

# Chosen by eye: cars near and far, people alone and in groups, narrow and wide streets.
SEEDS = (32, 33, 36, 41, 45, 52)


@dataclass(frozen=True)
class Example:
    """An example to start from.

    Attributes:
        name: of the example.
        label_map: its maps, at the model's size.
    """

    name: str
    label_map: LabelMap


def draw_examples(model: Synthesizer, seeds: Sequence[int] = SEEDS) -> list[Example]:
    """Synthetic streets at a model's size.

    Left out are streets with an id that is no class of the model, or one of another name; its ignored class may have
    any.
    """
    drawn = (_draw(model, seed, f"Street {number}") for number, seed in enumerate(seeds, 1))
    return [example for example in drawn if example is not None]


def _draw(model: Synthesizer, seed: int, name: str) -> Example | None:
    street, space = draw_street(np.random.SeedSequence(seed), model.height, model.width), model.label_space
    if not all(_means_the_same(raw, space) for raw in np.unique(street.label).tolist()):
        return None
    is_thing = np.isin(space.raw_to_class, [*space.things])[street.label]
    instance = np.where(is_thing, street.instance, street.label).astype(np.int32)
    return Example(name, LabelMap(street.label, instance, space, name))


def _means_the_same(raw: int, space: LabelSpace) -> bool:
    index = space.raw_to_class[raw]
    return index >= 0 and (index == space.ignore_index or space.names[index] == CITYSCAPES_IDS[raw])
