"""The samples of the training stream, cropped at random."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset

from oasis.data.sample import Sample
from oasis.data.sampler import Place
from oasis.data.samples import Samples
from oasis.data.scaling import Preparation
from oasis.data.tolerant import Replacing
from oasis.randomness import Stream, sample_generator


class TrainingSamples(Dataset[Sample]):
    """Cuts a window of photo, label map and instance map alike out of each sample, where the preparation says so.

    Where the window lies depends on the seed and the position in the stream of training alone: neither the number of
    processes nor resuming changes it.

    Args:
        source: the training split, scaled by `preparation.training`.
        preparation: whether samples are cropped, and to which size.
        seed: of the random numbers.
    """

    def __init__(self, source: Samples | Replacing, preparation: Preparation, seed: int) -> None:
        self.source = source
        self.preparation = preparation
        self.seed = seed

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, place: Place | int) -> Sample:
        """Read one sample.

        Args:
            place: in the split and in the stream; an index alone, of samples outside of the stream, counts as both.

        Raises:
            DatasetError: it cannot be read.
        """
        return self._cropped(self.source[_index(place)], place)

    def __getitems__(self, places: Sequence[Place | int]) -> list[Sample]:
        """A batch, by the source's `__getitems__` if it has one."""
        fetch: Callable[[Sequence[int]], list[Sample]] | None = getattr(self.source, "__getitems__", None)
        if fetch is None:
            return [self[place] for place in places]
        samples = fetch([_index(place) for place in places])
        return [self._cropped(sample, place) for sample, place in zip(samples, places, strict=True)]

    def _cropped(self, sample: Sample, place: Place | int) -> Sample:
        if not self.preparation.crops:
            return sample
        position = place.position if isinstance(place, Place) else place
        generator = sample_generator(self.seed, position, Stream.CROP)
        height, width = self.preparation.height, self.preparation.width
        rows, columns = sample["label"].shape
        top = int(torch.randint(rows - height + 1, (), generator=generator))
        left = int(torch.randint(columns - width + 1, (), generator=generator))

        def crop(each: Tensor) -> Tensor:
            return each[..., top : top + height, left : left + width]

        sample["image"], sample["label"] = crop(sample["image"]), crop(sample["label"])
        sample["instance"] = crop(sample["instance"])
        return sample


def _index(place: Place | int) -> int:
    return place.sample if isinstance(place, Place) else place
