"""Training: the LightningModule and its callbacks."""

from oasis.training.callbacks.checkpoints import Checkpoints, ConfigInCheckpoint
from oasis.training.callbacks.curves import KeepCurves
from oasis.training.callbacks.ema import GeneratorEMA
from oasis.training.callbacks.encoding_log import EncodingLog
from oasis.training.callbacks.image_logger import ImageLogger
from oasis.training.callbacks.loss_plot import LossPlot
from oasis.training.callbacks.metrics import Metrics
from oasis.training.callbacks.nan_guard import StopOnNonFinite
from oasis.training.callbacks.progress import ProgressBar, Throughput
from oasis.training.callbacks.run_summary import RunSummary
from oasis.training.callbacks.signals import StopOnSignal
from oasis.training.error_reporting import report_errors, telling_errors
from oasis.training.module import GANModule
from oasis.training.optimizers import fused_adam
from oasis.training.parts import (
    explaining_arguments,
    keep_off,
    require_own_presets,
    require_sweep,
    require_trusted_parts,
)
from oasis.training.preregistration import Preregistration
from oasis.training.runs.folder_lock import alone_in
from oasis.training.runs.run_folder import (
    advice,
    discard,
    final_metrics,
    finished_before,
    list_files,
    print_networks,
    write_config,
)
from oasis.training.sampling import fixed_noise
from oasis.training.schedules import Constant, LinearDecay
from oasis.training.segmenter import train_segmenter
from oasis.training.trainer import make_trainer
from oasis.training.warning_filters import filter_warnings

__all__ = [
    "Checkpoints",
    "ConfigInCheckpoint",
    "Constant",
    "EncodingLog",
    "GANModule",
    "GeneratorEMA",
    "ImageLogger",
    "KeepCurves",
    "LinearDecay",
    "LossPlot",
    "Metrics",
    "Preregistration",
    "ProgressBar",
    "RunSummary",
    "StopOnNonFinite",
    "StopOnSignal",
    "Throughput",
    "advice",
    "alone_in",
    "discard",
    "explaining_arguments",
    "filter_warnings",
    "final_metrics",
    "finished_before",
    "fixed_noise",
    "fused_adam",
    "keep_off",
    "list_files",
    "make_trainer",
    "print_networks",
    "report_errors",
    "require_own_presets",
    "require_sweep",
    "require_trusted_parts",
    "telling_errors",
    "train_segmenter",
    "write_config",
]
