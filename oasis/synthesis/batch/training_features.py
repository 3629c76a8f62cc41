"""The features of all training segments, for `oasis styles`."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from oasis.checkpoint import Restored
from oasis.data import LabelMapDataModule
from oasis.errors import ConfigurationError
from oasis.evaluation.evaluated_models import require_same_classes
from oasis.models import StyleEncoding, encodes_style


class TrainingFeatures:
    """Encodes the training photos of a dataset.

    Args:
        restored: a model with a style per segment.
        path: its checkpoint, for errors.
        data: the dataset, with the model's encoding.
        device: where to compute.

    Raises:
        ConfigurationError: a model without such styles, or a dataset of other classes.
        DatasetError: the dataset is missing or invalid.
    """

    def __init__(self, restored: Restored, path: Path, data: LabelMapDataModule, device: torch.device) -> None:
        generator = restored.generator.to(device)
        if not generator.style_per_segment or not encodes_style(generator):
            raise ConfigurationError(
                f"{path}: its {type(generator).__name__} has no styles of single segments. Models that have them: "
                "model=pix2pixhd_features, and a pix2pixHD imported with `oasis import-official --encoder`."
            )
        require_same_classes(restored, data, path)
        data.prepare_data()
        self.count = len(data.dataset("train"))
        self._encoder: StyleEncoding = generator
        self._data, self._device = data, device

    @torch.no_grad()
    def of_classes(self, on_photos: Callable[[int], None]) -> list[Tensor]:
        """The features of each class.

        Args:
            on_photos: called with the number of photos of each batch.

        Returns:
            (N, D) float32 on the CPU for each class: a row for each of its segments.
        """
        rows: list[tuple[Tensor, Tensor]] = []
        for samples in self._data.loader_of("train", range(self.count)):
            batch = self._data.encode(self._data.transfer_batch_to_device(samples, self._device, 0))
            features = self._encoder.encode_style(batch.image, batch.segments).mean
            for each, segments, label in zip(features, batch.segments, batch.label, strict=True):
                rows.append(_of_segments(each.cpu(), segments.cpu(), label.cpu()))
            on_photos(len(batch))
        labels, values = (torch.cat(parts) for parts in zip(*rows, strict=True))
        return [values[labels == index] for index in range(self._data.label_space.num_classes)]


def _of_segments(features: Tensor, segments: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """The class (S,) and the features (S, D) of each segment of (D, H, W) features."""
    numbers = segments.flatten()
    present = torch.unique(numbers)
    # Any pixel of a segment will do: all have its features.
    pixel = torch.zeros(int(present.max()) + 1, dtype=torch.int64)
    pixel[numbers] = torch.arange(len(numbers))
    chosen = pixel[present]
    return label.flatten()[chosen], features.flatten(1)[:, chosen].T
