"""The transform from a file's integers to a batch for the networks."""

import torch

from oasis.batch import Batch
from oasis.data.sample import Sample
from oasis.data.transforms import compact_instances, flip_some, to_unit_range
from oasis.encodings import Encoding
from oasis.instances import segment_ids
from oasis.labels import LabelSpace
from oasis.randomness import Stream, sample_generators


class BatchTransform:
    """Mirrors, normalises and encodes a batch, on the device of its integers.

    Random numbers are drawn for each sample from its own generator, so that a sample is the same in any batch and any
    process.

    Args:
        encoding: encodes the label maps.
        label_space: maps the raw ids to classes.
        flip: mirror half of the training samples left to right.
    """

    def __init__(self, encoding: Encoding, label_space: LabelSpace, flip: bool) -> None:
        self.encoding = encoding
        self.label_space = label_space
        self.flip = flip

    def __call__(self, sample: Sample, positions: list[int] | None, seed: int) -> Batch:
        """Transform collated samples to a batch.

        Args:
            sample: collated samples, see `Sample`, with a leading batch dimension.
            positions: B positions in the stream of training samples: half of them are mirrored, and random encodings
                draw anew for each. None = not for training: nothing is mirrored, and random numbers depend on the
                sample's index in the split.
            seed: of all random numbers.
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
        with torch.no_grad():
            condition = self.encoding(label, instance, sources)
        counted = sample["counted"] if "counted" in sample else torch.ones_like(index, dtype=torch.bool)
        return Batch(
            image=to_unit_range(image),
            label=label,
            instance=instance,
            segments=segment_ids(label, self.encoding.of_things(label, instance), self.label_space.num_classes),
            condition=condition,
            name=list(sample["name"]),
            index=index,
            counted=torch.as_tensor(counted),
            positions=positions,
        )
