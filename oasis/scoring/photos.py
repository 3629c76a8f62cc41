"""Features of real photos, with which fakes are compared."""

from collections.abc import Iterator, Sequence

import torch
from rich.progress import track
from torch import Tensor

from oasis.batch import Batch
from oasis.data import LabelMapDataModule
from oasis.data.samples import Split
from oasis.metrics import FeatureExtractor
from oasis.scoring.store import stored


class RealPhotos:
    """Features of a dataset's photos, computed once and cached.

    Args:
        data: the dataset.
        device: where to compute.
        split: the split whose label maps are used.
        progress: whether to show a bar while features are computed.
        chosen: positions in the split of the photos that count; None = all.
    """

    def __init__(
        self,
        data: LabelMapDataModule,
        device: torch.device,
        split: Split = "val",
        progress: bool = True,
        chosen: Sequence[int] | None = None,
    ) -> None:
        self.data = data
        self.device = device
        self.split = split
        self.progress = progress
        self._chosen = chosen

    @property
    def chosen(self) -> Sequence[int]:
        """Positions in the split of the photos that count, in order."""
        return range(len(self.data.dataset(self.split))) if self._chosen is None else self._chosen

    def features(self, extractor: FeatureExtractor) -> Tensor:
        """Features of all photos of the split that count.

        Returns:
            (N, D) float32 on the CPU, in the order of the split.
        """
        return self._features(extractor, self.split, self.chosen)

    def other_features(self, extractor: FeatureExtractor) -> Tensor:
        """Features of as many photos of the training split, the same at every call.

        Their distance from the photos of the split is the real-photo reference: the score of as many perfect pictures.

        Returns:
            (M, D) float32 on the CPU; M is N, or less if the training split is smaller.
        """
        train = len(self.data.dataset("train"))
        wanted = min(train, len(self.chosen))
        order = torch.randperm(train, generator=torch.Generator().manual_seed(0))
        return self._features(extractor, "train", sorted(order[:wanted].tolist()))

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
            title = f"describing {len(chosen)} photos ({split}) for {extractor.frechet_name}"
            with torch.no_grad():
                return torch.cat([extractor(batch.image) for batch in self.batches(split, chosen, title)])

        return stored(key, describe)
