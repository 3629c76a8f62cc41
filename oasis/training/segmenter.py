"""Training the project's own segmenter on the photos of a dataset."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from pytorch_lightning import LightningModule, Trainer, seed_everything
from pytorch_lightning.utilities import rank_zero_warn
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor

from oasis.batch import Batch
from oasis.data import LabelMapDataModule
from oasis.errors import ConfigurationError, NonFiniteLossError
from oasis.instances import areas, center_offsets
from oasis.labels import LabelSpace
from oasis.losses import InstanceLoss
from oasis.segmenters.panoptic_unet import PanopticUNet
from oasis.segmenters.unet import UNetSegmenter, named_classes
from oasis.training.base import data_of
from oasis.training.optimizers import fused_adamw

_NOT_NAMED = -1  # the target of pixels whose class is not predicted


class SegmenterTraining(LightningModule):
    """Trains a network to find classes and instances in photos, for a `UNetSegmenter`.

    The loss is a cross-entropy over the evaluated classes, in which rare ones and small instances have larger weights,
    the `center_loss`, and the L1 distance of the offsets, in which pixels of large instances have smaller weights: an
    error of two pixels matters for a bicycle, but not for a bus. Pixels of all other classes are ignored. AdamW, one
    cycle of the learning rate.

    Args:
        label_space: the classes.
        channels: width of the network, see `PanopticUNet`.
        depth: of the network, see `PanopticUNet`.
        learning_rate: the highest of the cycle.
        weight_decay: of AdamW.
        balance: a class of frequency f has weight f^-balance: 0 = equal pixels, 1 = equal classes.
        max_weight: the largest weight of a pixel; the average weight is 1.
        correction: the share of the balance that the segmenter undoes, in 0..1: trained with weights, it predicts rare
            classes too often, trained without, too rarely.
        center_weight: of `center_loss`.
        offset_weight: of the offsets.
        small_weight: factor on the weight of pixels of small instances in the cross-entropy.
        small_area: area of a small instance, as a share of the picture; 1/128 is 16x16 pixels of 128x256.

    Raises:
        ConfigurationError: a learning rate or a largest weight that is not above 0; a balance or a correction outside
            0..1; see `InstanceLoss` and `PanopticUNet`.

    Source: Cheng et al. 2020 (Panoptic-DeepLab), section 3.2, for the losses; Yang et al. 2019 (DeeperLab), section
    3.3.1, for the weight of small instances; Smith and Topin 2018, for the cycle; Menon et al. 2021, section 4, for the
    correction.
    """

    seen: Tensor
    target_of: Tensor

    def __init__(
        self,
        label_space: LabelSpace,
        channels: int = 32,
        depth: int = 5,
        learning_rate: float = 1e-2,
        weight_decay: float = 1e-2,
        balance: float = 0.6,
        max_weight: float = 20.0,
        correction: float = 0.5,
        center_weight: float = 100.0,
        offset_weight: float = 10.0,
        small_weight: float = 3.0,
        small_area: float = 1 / 128,
    ) -> None:
        super().__init__()
        for name, value in (
            ("learning_rate", learning_rate),
            ("max_weight", max_weight),
            ("small_weight", small_weight),
        ):
            if not value > 0:
                raise ConfigurationError(f"{name}={value}: must be above 0")
        if offset_weight < 0:
            raise ConfigurationError(f"offset_weight={offset_weight}: must be 0 (off) or above")
        for name, value in (("balance", balance), ("correction", correction)):
            if not 0 <= value <= 1:
                raise ConfigurationError(f"{name}={value}: must be within 0 and 1")
        named = named_classes(label_space)
        self.label_space = label_space
        self.channels, self.depth = channels, depth
        self.network = PanopticUNet(len(named), channels, depth)
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self.balance, self.max_weight, self.correction = balance, max_weight, correction
        self.small_weight, self.small_area, self.offset_weight = small_weight, small_area, offset_weight
        self.instance_loss = InstanceLoss(label_space, center_weight, offset_weight=0.0, boundary_weight=0.0)
        target_of = torch.full((label_space.num_classes,), _NOT_NAMED)
        target_of[named] = torch.arange(len(named))
        self.register_buffer("target_of", target_of, persistent=False)
        self.register_buffer("seen", torch.zeros(len(named), dtype=torch.int64))  # pixels of each class so far

    def setup(self, stage: str) -> None:
        """Warns if there are no instance maps to train on."""
        dataset = data_of(self.trainer).listed("train")
        without = [files for files in dataset.files if files.instance is None]
        if without:
            rank_zero_warn(
                f"{len(without)} of {len(dataset)} samples in {dataset.root} have no instance map "
                f"({dataset.dataset.instance_files}), first {without[0].label}: from them a segmenter learns classes "
                "only"
            )

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """One step of AdamW; logs the terms, also to the progress bar."""
        self.seen += self._pixels(self.target_of[batch.label])
        terms = self.losses(batch)
        total = torch.stack(list(terms.values())).sum()
        if not total.isfinite():
            raise NonFiniteLossError(
                f"batch {self.global_step}: the segmenter's loss is {total.item()}; train it at a lower learning_rate "
                f"than {self.learning_rate}"
            )
        self.log_dict({name: term.detach() for name, term in terms.items()}, prog_bar=True, batch_size=len(batch))
        return total

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """The same terms on validation samples."""
        terms = {f"val/{name}": term for name, term in self.losses(batch).items()}
        self.log_dict(terms, prog_bar=True, batch_size=len(batch))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The loss terms of a batch: scalars float32 named `semantic`, `center` and `offset`."""
        output = self.network(batch.image)
        target = self.target_of[batch.label]
        # Classes that are not predicted are void, even things: caravans have weight 0, and are not instances.
        label = batch.label.masked_fill(target == _NOT_NAMED, self.label_space.ignore_index)
        instance = batch.instance * self.instance_loss.things[label]
        area = areas(instance).gather(1, instance.flatten(1)).view(instance.shape)
        small = (instance > 0) & (area <= self.small_area * instance[0].numel())
        importance = torch.where(small, self.small_weight, 1.0)
        return {
            "semantic": self._semantic_loss(output.logits, target, importance),
            **self.instance_loss({"center": output.center}, label, instance),
            "offset": self.offset_weight * _offset_loss(output.offset, instance, area),
        }

    def class_weights(self) -> Tensor:
        """The weight of each predicted class by its pixels so far: (N,) float32, on average 1 before clipping.

        Classes without pixels so far have weight 0.
        """
        frequency = self.seen / self.seen.sum().clamp(min=1)
        weights = torch.where(frequency > 0, frequency.clamp(min=1e-12) ** -self.balance, 0.0)
        return (weights / (weights * frequency).sum().clamp(min=1e-12)).clamp(max=self.max_weight)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW, and one cycle over the whole run."""
        optimizer = fused_adamw(self.network.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay)
        cycle = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, self.learning_rate, total_steps=int(self.trainer.estimated_stepping_batches), pct_start=0.2
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}

    def segmenter(self, facts: Mapping[str, Any] | None = None) -> UNetSegmenter:
        """A segmenter with the current weights, on the CPU, frozen."""
        segmenter = UNetSegmenter(self.label_space, self.channels, self.depth, facts=facts)
        segmenter.network.load_state_dict(self.network.state_dict())
        weights = self.class_weights().cpu()
        segmenter.network.shift_logits(torch.where(weights > 0, -self.correction * weights.log(), 0.0))
        return segmenter

    def _semantic_loss(self, logits: Tensor, target: Tensor, importance: Tensor) -> Tensor:
        """Weighted cross-entropy: (B, N, H, W), (B, H, W) int64, (B, H, W) to a scalar, 0 if no pixel counts."""
        weights = self.class_weights()
        # In the network's channels-last format: three times as fast on CPUs.
        by_pixel, target, importance = logits.movedim(1, -1).flatten(0, -2), target.flatten(), importance.flatten()
        loss = F.cross_entropy(by_pixel.float(), target, weights, ignore_index=_NOT_NAMED, reduction="none")
        weight = torch.where(target == _NOT_NAMED, 0.0, weights[target.clamp(min=0)]) * importance
        return (loss * importance).sum() / weight.sum().clamp(min=1e-12)

    def _pixels(self, target: Tensor) -> Tensor:
        """The number of pixels of each target: (B, H, W) int64 to (N,) int64, without ignored ones."""
        flat = target.flatten() + 1
        return self.seen.new_zeros(len(self.seen) + 1).scatter_add_(0, flat, torch.ones_like(flat))[1:]


def _offset_loss(predicted: Tensor, instance: Tensor, area: Tensor) -> Tensor:
    """Mean L1 distance of the offsets, in heights, with pixel weights area^-1/2.

    (B, 2, H, W) float, (B, H, W) int64, (B, H, W) int64 to a scalar; 0 without any instance.
    """
    distance = (predicted.float() - center_offsets(instance) / instance.shape[-2]).abs().sum(dim=1)
    weight = torch.where(instance > 0, area.clamp(min=1).float().rsqrt(), 0.0)
    return (distance * weight).sum() / weight.sum().clamp(min=1e-12)


def train_segmenter(
    training: Callable[[LabelSpace], SegmenterTraining],
    data: LabelMapDataModule,
    trainer: Trainer,
    seed: int = 0,
    facts: Mapping[str, Any] | None = None,
) -> UNetSegmenter:
    """Train a segmenter on the training split of a dataset.

    The trainer determines length, device and progress bar. The same seed, data and machine give the same segmenter.

    Args:
        training: makes the module from the label space, after the seed is set.
        data: the dataset; its encoding is ignored, so use the cheapest.
        trainer: unused so far.
        seed: of weights and mirroring.
        facts: stored in the segmenter, beside the size and the number of the training pictures.

    Raises:
        ConfigurationError: see `SegmenterTraining`.
        NonFiniteLossError: the loss became NaN or infinite.
    """
    seed_everything(seed, workers=True, verbose=False)
    module = training(data.label_space)
    trainer.fit(module, data)
    size = {"height": data.height, "width": data.width}
    return module.segmenter(
        {**size, "train_images": len(data.dataset("train")), "epochs": trainer.current_epoch, **(facts or {})}
    )
