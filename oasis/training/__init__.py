"""Training: the LightningModule and its callbacks."""

from oasis.training.checkpoints import Checkpoints, ConfigInCheckpoint
from oasis.training.ema import GeneratorEMA
from oasis.training.image_logger import ImageLogger
from oasis.training.loss_plot import LossPlot
from oasis.training.module import OASIS
from oasis.training.progress import ProgressBar, Throughput
from oasis.training.quiet import quiet
from oasis.training.random_state import RandomState
from oasis.training.run_folder import list_files, print_networks
from oasis.training.watch import StopOnNonFinite

__all__ = [
    "OASIS",
    "Checkpoints",
    "ConfigInCheckpoint",
    "GeneratorEMA",
    "ImageLogger",
    "LossPlot",
    "ProgressBar",
    "RandomState",
    "StopOnNonFinite",
    "Throughput",
    "list_files",
    "print_networks",
    "quiet",
]
