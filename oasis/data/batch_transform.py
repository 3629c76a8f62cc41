"""From integers of the files to what the networks take."""

import torch
from torch import Tensor

from oasis.batch import Batch
from oasis.data.samples import Sample
from oasis.data.transforms import compact_instances, flip_some, to_unit_range
from oasis.encodings import Encoding
from oasis.labels import LabelSpace
from oasis.randomness import Stream, sample_generators


class BatchTransform:
    """Mirrors, normalises and encodes a batch, on whatever device its integers are.

    All that is random is drawn for each sample from a source of its own, so that a sample is the same in any batch
    and any process.

    Args:
        encoding: how label maps are shown to the networks.
        label_space: what the raw ids mean.
        flip: mirror half of the training samples left to right.

    Attributes:
        measurements: of the encoding, see `Encoding.measurements`, summed over the last batch.
    """

    def __init__(self, encoding: Encoding, label_space: LabelSpace, flip: bool) -> None:
        self.encoding = encoding
        self.label_space = label_space
        self.flip = flip
        self.measurements: dict[str, Tensor] = {}

    def __call__(self, sample: Sample, positions: list[int] | None, seed: int) -> Batch:
        """Prepare.

        Args:
            sample: collated samples, see `Sample`, with a leading batch dimension.
            positions: B positions in the stream of training samples: half of them are mirrored, and random encodings
                draw anew for each. None = not for training: nothing is mirrored, and what is drawn depends on the
                sample's place in the split.
            seed: of all that is drawn.
        """
        image, label, instance = sample["image"], sample["label"], sample["instance"]
        if positions is not None and self.flip:
            sources = sample_generators(seed, positions, Stream.FLIP)
            flips = torch.stack([torch.rand((), generator=source) < 0.5 for source in sources])
            image, label, instance = flip_some(flips.to(image.device, non_blocking=True), image, label, instance)
        label = self.label_space.to_classes(label)
        instance = compact_instances(instance)
        index = torch.as_tensor(sample["index"])
        if positions is None:
            sources = sample_generators(seed, index.tolist(), Stream.ENCODING)
        else:
            sources = sample_generators(seed, positions, Stream.TRAINING_ENCODING)
        self.encoding.train(positions is not None)
        condition = self._condition(label, instance, sources)
        return Batch(to_unit_range(image), label, instance, condition, list(sample["name"]), index, positions)

    @torch.no_grad()
    def _condition(self, label: Tensor, instance: Tensor, sources: list[torch.Generator]) -> Tensor:
        parts, reports = [], []
        for one_label, one_instance, source in zip(label.unsqueeze(1), instance.unsqueeze(1), sources, strict=True):
            parts.append(self.encoding(one_label, one_instance, source))  # batches of one
            reports.append(self.encoding.measurements())
        self.measurements = {name: torch.stack([one[name] for one in reports]).sum() for name in reports[0]}
        return torch.cat(parts)
