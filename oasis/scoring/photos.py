"""Features of real photos, with which fakes are compared."""

from collections.abc import Iterator, Sequence

import torch
from rich.progress import track
from torch import Tensor

from oasis.batch import Batch
from oasis.data import LabelMapDataModule
from oasis.data.sample import Split
from oasis.data.sized_maps import SizedMaps
from oasis.metrics import FeatureExtractor
from oasis.scoring.store import stored
from oasis.segmenters import Segmenter


def maps_for(segmenter: Segmenter | None, data: LabelMapDataModule, split: Split) -> SizedMaps | None:
    """The label maps that a segmenter's predictions are compared with, if they are not those of the batches.

    Args:
        segmenter: may be None.
        data: the dataset.
        split: of the batches.

    Returns:
        Reads them at the segmenter's own size; None if it has none.

    Raises:
        ConfigurationError: the pictures are windows, see `oasis.data.scaling.Preparation.of_whole`.
    """
    if segmenter is None or segmenter.size is None:
        return None
    return data.maps_at(split, *segmenter.size)


class RealPhotos:
    """Features of a dataset's photos, computed once and cached.

    Args:
        data: the dataset.
        device: where to compute.
        split: the split whose label maps are used.
        progress: whether to show a bar while features are computed.
        reference: the split whose photos distances are measured from; None = `split`. INADE and CLADE use those of
            train.
        chosen: positions in the split of the photos that count; None = all.
    """

    def __init__(
        self,
        data: LabelMapDataModule,
        device: torch.device,
        split: Split = "val",
        progress: bool = True,
        reference: Split | None = None,
        chosen: Sequence[int] | None = None,
    ) -> None:
        self.data = data
        self.device = device
        self.split = split
        self.progress = progress
        self.reference = reference or split
        self._chosen = chosen

    @property
    def chosen(self) -> Sequence[int]:
        """Positions in the split of the photos that count, in order."""
        return range(len(self.data.dataset(self.split))) if self._chosen is None else self._chosen

    @property
    def other_split(self) -> Split:
        """A split whose photos are not those that distances are measured from: train, if it can be."""
        if self.reference != "train":
            return "train"
        return "val" if self.split == "train" else self.split

    def features(self, extractor: FeatureExtractor) -> Tensor:
        """Features of all photos of the reference; of those that count, if it is the split itself.

        Returns:
            (N, D) float32 on the CPU, in the order of the split.
        """
        counted = self.chosen if self.reference == self.split else range(len(self.data.dataset(self.reference)))
        return self._features(extractor, self.reference, counted)

    def other_features(self, extractor: FeatureExtractor) -> Tensor:
        """Features of as many photos of another split than the reference as there are label maps, always the same.

        Their distance from the photos of the reference is the real-photo reference: the score of as many perfect
        pictures.

        Returns:
            (M, D) float32 on the CPU; M is the number of label maps, or less if the other split is smaller.
        """
        if self.other_split == "val" and not self.data.has_validation:
            return torch.empty(0, extractor.num_features)
        there = len(self.data.dataset(self.other_split))
        wanted = min(there, len(self.chosen))
        order = torch.randperm(there, generator=torch.Generator().manual_seed(0))
        return self._features(extractor, self.other_split, sorted(order[:wanted].tolist()))

    def batches(self, split: Split, chosen: Sequence[int], title: str) -> Iterator[Batch]:
        """Samples of a split on the device, unshuffled and unflipped, with a progress bar."""
        loader = self.data.loader_of(split, chosen)
        for samples in track(loader, title, disable=not self.progress, transient=True):
            yield self.data.encode(self.data.transfer_batch_to_device(samples, self.device, 0))

    def _features(self, extractor: FeatureExtractor, split: Split, chosen: Sequence[int]) -> Tensor:
        dataset = self.data.dataset(split)
        key = {
            "what": "features of photos",
            "dataset": dataset.fingerprint(),
            "chosen": list(chosen),
            "extractor": extractor.fingerprint,
        }

        def describe() -> Tensor:
            title = f"describing {len(chosen)} photos ({split}) for {extractor.title}"
            with torch.no_grad():
                return torch.cat([extractor(batch.image) for batch in self.batches(split, chosen, title)])

        return stored(key, describe)
