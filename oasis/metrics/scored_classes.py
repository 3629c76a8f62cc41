"""The scored classes, and their indices in each label space."""

import torch
from torch import Tensor

from oasis.errors import ConfigurationError, MetricError
from oasis.labels import LabelSpace


class ScoredClasses:
    """The classes that are scored: the evaluated ones of the data's label space.

    Data and segmenter may number their classes differently (35 Cityscapes ids here, 19 train ids there), so both are
    mapped to 0..K-1 by the *names* of the classes; everything else becomes K, void.

    Attributes:
        names: K names, in the order of the data's label space.
        things: indices, in 0..K-1, of the classes that have instances.
        void: K, the index of everything that is not scored.
    """

    def __init__(self, label_space: LabelSpace) -> None:
        self.names = _evaluated(label_space)
        self.things = frozenset(self.names.index(name) for name in _things(label_space))
        self.void = len(self.names)

    @property
    def is_thing(self) -> Tensor:
        """(K+1,) bool: the classes that have instances; void has none."""
        return torch.tensor([number in self.things for number in range(self.void + 1)])

    def lookup(self, space: LabelSpace) -> Tensor:
        """The scored index of each class of a label space, the data's or a segmenter's.

        Args:
            space: any label space whose evaluated classes are these, in any order.

        Returns:
            (C,) int64 in 0..K, to be indexed by that space's class indices.

        Raises:
            ConfigurationError: its evaluated classes or things differ from these.
        """
        names, things, mine = _evaluated(space), _things(space), {self.names[k] for k in self.things}
        differences = {
            "not known to the segmenter": [name for name in self.names if name not in names],
            "known to the segmenter only": [name for name in names if name not in self.names],
            "with instances on one side only": sorted((things ^ mine) & set(names) & set(self.names)),
        }
        if any(differences.values()):
            listing = "; ".join(f"{kind}: {', '.join(found)}" for kind, found in differences.items() if found)
            raise ConfigurationError(
                f"the segmenter was trained on another label space than the data's: classes {listing}. "
                "Train one on this data with `oasis train-segmenter`, or choose a segmenter of its classes"
            )
        table = torch.full((space.num_classes,), self.void)
        for position in space.evaluated:
            table[position] = self.names.index(space.names[position])
        return table

    def check(self, **maps: Tensor) -> None:
        """Raise if label maps have other values than those of `lookup`, or differ in shape.

        Args:
            **maps: the maps by their names in the error: (B, H, W) int64.

        Raises:
            MetricError: the message names the map and the value.
        """
        same_shape(**maps)
        for name, label in maps.items():
            lowest, highest = (int(value) for value in torch.aminmax(label))
            if lowest < 0 or highest > self.void:
                raise MetricError(
                    f"{name} has class {lowest if lowest < 0 else highest}, outside the {self.void} scored classes and "
                    f"void ({self.void}): map its class indices by ScoredClasses.lookup first"
                )


def same_shape(**maps: Tensor) -> None:
    """Raise if maps of the same images differ in shape.

    Args:
        **maps: the maps by their names in the error.

    Raises:
        MetricError: the message names two maps and their shapes.
    """
    (first, shape), *others = ((name, tuple(pixels.shape)) for name, pixels in maps.items())
    for name, other in others:
        if other != shape:
            raise MetricError(f"{name} is {other} but {first} is {shape}: resize the picture before scoring it")


def _evaluated(space: LabelSpace) -> tuple[str, ...]:
    names = tuple(space.names[position] for position in sorted(space.evaluated))
    if len(names) == 0:
        raise ConfigurationError("the label space evaluates no class, so there is nothing to score; set `evaluated`")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(f"evaluated classes are matched by name, but several are called: {', '.join(twice)}")
    return names


def _things(space: LabelSpace) -> set[str]:
    return {space.names[position] for position in space.things & space.evaluated}
