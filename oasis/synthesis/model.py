"""A checkpoint's networks on a device, from an opened label map to the generator's picture."""

from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from oasis.checkpoint import Restored
from oasis.checkpoint.clusters import read_clusters
from oasis.devices import find_device
from oasis.errors import CheckpointError
from oasis.instances import segment_ids
from oasis.models import FeatureClusters
from oasis.synthesis.conditioning import condition_of, tensors_of
from oasis.synthesis.fitting import require_size
from oasis.synthesis.label_map import LabelMap
from oasis.synthesis.noise import Noise


class GeneratingModel:
    """Encoding and generator of a checkpoint, at one size on one device.

    Args:
        restored: the restored checkpoint.
        height: of the generated pictures.
        width: of the generated pictures.
        name: in captions.
        device: `cpu`, `cuda`, `cuda:1`, ...; `auto` = a GPU if there is one.
        bf16: compute in bfloat16 where that is safe: faster on GPUs, slightly less exact.
        checkpoint: its file, beside which are the clusters of a model with a style per segment.

    Attributes:
        restored: the restored checkpoint.
        label_space: the classes.
        encoding: encodes label maps for the generator.
        generator: the averaged one if the run kept an average.
        device: where it computes.

    Raises:
        ConfigurationError: no such device, or a size that the generator does not support.
    """

    def __init__(
        self,
        restored: Restored,
        height: int,
        width: int,
        name: str,
        device: str = "auto",
        bf16: bool = False,
        checkpoint: Path | None = None,
    ) -> None:
        self.checkpoint = checkpoint
        self.restored, self.label_space = restored, restored.label_space
        self.height, self.width, self.name, self.bf16 = height, width, name, bf16
        self.device = find_device(device)
        self.encoding = restored.encoding.eval().to(self.device)
        self.generator = restored.generator.eval().requires_grad_(False).to(self.device)
        require_size(self.generator, height, width, name)

    @property
    def needs_instances(self) -> bool:
        """Whether label maps with things need an instance map."""
        return self.encoding.needs_instances or self.generator.needs_segments

    @cached_property
    def clusters(self) -> FeatureClusters:
        """What the segments of a model with a style per segment draw from; see `read_clusters`."""
        if self.checkpoint is None:
            raise CheckpointError(f"{self.name}: no file of a checkpoint, beside which clusters of styles would be.")
        return read_clusters(self.encoding, self.generator, self.checkpoint)

    def noise(self, seed: int) -> Noise:
        """The noise of this seed; see `Noise`."""
        return Noise.draw(self.generator.noise_dim, seed)

    def inputs(self, label_map: LabelMap, noise: Noise) -> tuple[Tensor, Tensor]:
        """The condition (1, K, H, W) and the segments (1, H, W) of an opened map, see `Generator.forward`."""
        tensors = tensors_of(label_map.resized(self.height, self.width))
        label, instance = (each.to(self.device) for each in tensors)
        condition = condition_of(self.encoding, label, instance, noise)
        return condition, segment_ids(label, instance, self.label_space.num_classes)

    def image(self, condition: Tensor, segments: Tensor, noise: Tensor | None) -> Tensor:
        """The generator's picture, (1, 3, H, W) in [-1, 1]; differentiable."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            image: Tensor = self.generator(condition, noise, *([segments] if self.generator.needs_segments else []))
        return image
