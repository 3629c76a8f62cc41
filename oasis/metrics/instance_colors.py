"""Colour differences between instances of one class within a picture."""

from typing import Any

import torch
from torch import Tensor

from oasis.metrics.per_image import PerImage
from oasis.metrics.scored_classes import ScoredClasses, same_shape

_FEWEST_PIXELS = 16  # smaller instances consist mostly of their border
_NUMBERS = 1 << 16  # upper bound of instance numbers


class InstanceColors(PerImage):
    """The distance of the mean colours of two instances of one class in one picture.

    In real photos, neighbouring cars have different colours. A generator conditioned on classes alone may generate all
    of them alike, which PQ does not measure::

        distance of two instances = |mean RGB of one - mean RGB of the other| / sqrt(3), RGB in [0, 1]

    so 0 = the same colour, 1 = black and white. Averaged over the pairs of a class in a picture, and then over all
    pictures and classes that have a pair. The target is the value of real photos: a higher one is not better. Group
    regions, and instances of fewer than 16 pixels, are left out.

    Source: this project.
    """

    is_thing: Tensor

    def __init__(self, classes: ScoredClasses, **settings: Any) -> None:
        super().__init__(**settings)
        self.classes = classes
        is_thing = torch.tensor([number in classes.things for number in range(classes.void + 1)])
        self.register_buffer("is_thing", is_thing, persistent=False)

    def update(self, index: Tensor, image: Tensor, target: Tensor, instance: Tensor) -> None:
        """Measure some pictures.

        Args:
            index: (B,) int64, positions in the dataset.
            image: (B, 3, H, W) float in [-1, 1].
            target: (B, H, W) int64 in 0..K, the scored classes of the label map; K = void.
            instance: (B, H, W) int64, the instances of the label map; 0 = none.

        Raises:
            MetricError: the maps have different shapes, or classes outside 0..K.
        """
        self.classes.check(target=target)
        same_shape(target=target, instance=instance, image=image[:, 0])
        pictures = zip((image.float() + 1) / 2, target, instance, strict=True)
        self.keep(index, torch.stack([self._measure(*picture) for picture in pictures]))

    def _measure(self, image: Tensor, target: Tensor, instance: Tensor) -> Tensor:
        """One picture, (3, H, W) in [0, 1], to (K,) mean distances; nan if a class has fewer than two instances."""
        chosen = self.is_thing[target] & (instance > 0)
        of_pixel = (target * _NUMBERS + instance)[chosen]
        keys, which, pixels = torch.unique(of_pixel, return_inverse=True, return_counts=True)
        sums = image.new_zeros(len(keys), 3).index_add_(0, which, image[:, chosen].T)
        large = pixels >= _FEWEST_PIXELS
        means, of_class = sums[large] / pixels[large, None], keys[large] // _NUMBERS
        found = image.new_full((self.classes.void,), torch.nan)
        for number in set(of_class.tolist()):
            colors = means[of_class == number]
            if len(colors) > 1:
                found[number] = torch.pdist(colors).mean() / 3**0.5
        return found

    def compute(self) -> dict[str, Tensor]:
        """The means.

        Returns:
            `color`, and `color/NAME` of each class: float64 in [0, 1], nan if no picture has two instances.

        Raises:
            MetricError: nothing was measured.
        """
        values = self.collected().double()
        return {"color": values.nanmean()} | {
            f"color/{name}": value for name, value in zip(self.classes.names, values.nanmean(dim=0), strict=True)
        }
