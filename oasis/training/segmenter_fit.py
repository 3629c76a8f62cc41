"""One training of a segmenter with a fixed trainer, and its scores on the validation split."""

import functools
from collections.abc import Mapping

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import TQDMProgressBar
from pytorch_lightning.utilities.exceptions import MisconfigurationException  # type: ignore[attr-defined]
from rich.table import Table
from torch import Tensor

from oasis.data import LabelMapDataModule
from oasis.devices import find_device
from oasis.encodings import Encoding
from oasis.encodings.base import Generators
from oasis.errors import ConfigurationError
from oasis.metrics import describe, split_class
from oasis.scoring import SEGMENTER_PREFIX, RealPhotos, scores_of_photos
from oasis.segmenters import UNetSegmenter
from oasis.training.segmenter import SegmenterTraining, train_segmenter
from oasis.training.warning_filters import filter_warnings

_BATCHES_A_REFRESH = 20


class NoCondition(Encoding):
    """No channels: segmenters take photos, and encoding unused one-hot maps would take 5 % of the time."""

    @property
    def channels(self) -> int:
        """0."""
        return 0

    def forward(self, label: Tensor, instance: Tensor, generators: Generators = None) -> Tensor:
        """(B, 0, H, W) float32."""
        return label.new_zeros(len(label), 0, *label.shape[1:], dtype=torch.float32)


def fit_segmenter(
    data: LabelMapDataModule, channels: int, depth: int, epochs: int, seed: int, device: str, precision: str
) -> UNetSegmenter:
    """Train with a progress bar; no checkpoints and no logs are written.

    Raises:
        ConfigurationError: settings that the network or the trainer does not accept.
    """
    filter_warnings()
    where = find_device(device)
    try:
        bar = TQDMProgressBar(refresh_rate=_BATCHES_A_REFRESH)  # Lightning's own choice is silent in a log file
        trainer = segmenter_trainer(where, fast_precision(where) if precision == "auto" else precision, bar, epochs)
    except (ValueError, MisconfigurationException) as error:
        raise ConfigurationError(f"--device {device} --precision {precision}: {error}") from error
    return train_segmenter(functools.partial(SegmenterTraining, channels=channels, depth=depth), data, trainer, seed)


def segmenter_trainer(
    device: torch.device, precision: str, progress: pl.Callback, epochs: int, steps: int = -1
) -> pl.Trainer:
    """A trainer of one process that writes nothing.

    Args:
        device: where to train.
        precision: Lightning's name of one, see `fast_precision`.
        progress: shows it.
        epochs: passes over the loader's samples.
        steps: optimizer steps after which training ends; -1 = only after the epochs.
    """
    return pl.Trainer(
        accelerator=device.type,
        precision=precision,  # type: ignore[arg-type]  # Lightning refuses unknown names
        devices=1 if device.index is None else [device.index],
        max_epochs=epochs,
        max_steps=steps,
        callbacks=[progress],
        enable_progress_bar=isinstance(progress, TQDMProgressBar),
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        limit_val_batches=0,  # scored once, after training
    )


def fast_precision(device: torch.device) -> str:
    """bfloat16 if the processor has instructions for it; without them it is slower than float32."""
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        known = torch.cpu.get_capabilities()
        fast = device.type == "cpu" and bool(known.get("avx512_bf16") or known.get("amx_bf16"))
    return "bf16-mixed" if fast else "32-true"


def held_out_scores(segmenter: UNetSegmenter, data: LabelMapDataModule) -> dict[str, float]:
    """Scores on the validation split, which it was not trained on."""
    scores = scores_of_photos(RealPhotos(data, torch.device("cpu")), {}, segmenter)
    return {name: value for name, value in scores.items() if name.startswith(SEGMENTER_PREFIX)}


def scores_table(scores: Mapping[str, float], photos: int) -> Table:
    """Scores over all classes, then the IoU of each class."""
    table = Table(title=f"The segmenter on {photos} real photos that it never saw")
    table.add_column("")
    table.add_column("score", justify="right")
    for name, value in scores.items():
        family, class_name = split_class(name)
        if class_name is None or family == "segmenter/iou":
            known = describe(name)
            table.add_row(known.heading, known.show(value))
    return table
