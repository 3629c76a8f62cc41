"""What callbacks rely on: the module they watch, its data, and one another."""

from typing import Any, TypeVar, cast

from pytorch_lightning import Callback, LightningModule, Trainer

from oasis.data import CityscapesDataModule
from oasis.labels import LabelSpace
from oasis.models import OASISGenerator

_Kind = TypeVar("_Kind", bound=Callback)


class GANModule(LightningModule):
    """A module with a generator, that counts what it has seen.

    Lightning's own `global_step` counts optimizer steps, two a batch, so batches and images are counted here,
    and are in the checkpoint.

    Attributes:
        generator: the network in training.
        label_space: the classes.
        batches_seen: batches trained on so far, over all resumed runs.
        images_seen: images trained on so far, on all devices.
    """

    generator: OASISGenerator
    label_space: LabelSpace

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False  # two optimizers, stepped in turn
        self.batches_seen = 0
        self.images_seen = 0

    def log_step(self) -> dict[str, float]:
        """To be logged beside metrics: loggers then count in batches, after a resume too."""
        return {"step": float(self.batches_seen)}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Put the counters in."""
        checkpoint["progress"] = {"batches_seen": self.batches_seen, "images_seen": self.images_seen}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the counters up again."""
        self.batches_seen = checkpoint["progress"]["batches_seen"]
        self.images_seen = checkpoint["progress"]["images_seen"]


def watched(module: LightningModule) -> GANModule:
    """The module as callbacks know it; Lightning's hooks have a wider type."""
    return cast(GANModule, module)


def data_of(trainer: Trainer) -> CityscapesDataModule:
    """The data module that the trainer fits on."""
    return cast(CityscapesDataModule, cast(Any, trainer).datamodule)


def find_callback(trainer: Trainer, kind: type[_Kind]) -> _Kind | None:
    """The trainer's first callback of a kind, None where it has none."""
    return next((callback for callback in cast(Any, trainer).callbacks if isinstance(callback, kind)), None)
