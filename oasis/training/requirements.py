"""What a training needs of device and dataset, said before its first batch."""

import torch
from pytorch_lightning import Trainer

from oasis.data.samples import Samples
from oasis.errors import ConfigurationError


def refuse_unfit_precision(trainer: Trainer) -> None:
    """Refuse precisions in which nothing is learnt, or which the device only imitates.

    Raises:
        ConfigurationError: with the precision, and the one to use.
    """
    if trainer.precision in ("bf16-true", "16-true"):
        raise ConfigurationError(
            f"trainer.precision={trainer.precision}: weights of 16 bits cannot hold Adam's small steps nor an "
            "average. Use trainer.precision=bf16-mixed."
        )
    cuda = trainer.strategy.root_device.type == "cuda"
    if trainer.precision == "bf16-mixed" and cuda and not torch.cuda.is_bf16_supported(False):
        raise ConfigurationError(
            f"trainer.precision=bf16-mixed: {torch.cuda.get_device_name()} has no bfloat16 and would only imitate "
            "it. Use trainer.precision=16-mixed."
        )


def refuse_missing_instances(dataset: Samples) -> None:
    """Refuse a dataset without instance maps where a loss term learns from them.

    Raises:
        ConfigurationError: with the first sample that has none, and the settings that do without.
    """
    without = [files for files in dataset.files if files.instance is None]
    if without:
        raise ConfigurationError(
            f"{len(without)} of {len(dataset)} samples in {dataset.root} have no instance map "
            f"({dataset.dataset.instance_files}), first {without[0].label}: the losses of discriminator=panoptic and "
            f"model/label_mix=segment learn from them. Add them, or train with discriminator=oasis "
            f"model/label_mix=class."
        )
