"""Training: the LightningModule and its callbacks."""

from oasis.training.checkpoints import Checkpoints, ConfigInCheckpoint
from oasis.training.curves import KeepCurves
from oasis.training.ema import GeneratorEMA
from oasis.training.encoding_log import EncodingLog
from oasis.training.ending import report_errors, telling_errors
from oasis.training.folder_lock import alone_in
from oasis.training.identity import differences, essentials, fingerprint
from oasis.training.image_logger import ImageLogger
from oasis.training.judge import JudgeTraining, train_judge
from oasis.training.loss_plot import LossPlot
from oasis.training.memory import memory_advice
from oasis.training.metrics import Metrics
from oasis.training.module import OASIS
from oasis.training.optimizers import fused_adam
from oasis.training.partners import partner_advice
from oasis.training.progress import ProgressBar, Throughput
from oasis.training.quiet import quiet
from oasis.training.run_folder import (
    advice,
    final_metrics,
    finished_before,
    list_files,
    print_networks,
    telling_how_to_go_on,
    write_config,
)
from oasis.training.run_summary import RunSummary, read_summary, write_json
from oasis.training.sampling import fixed_noise, sampling_generator
from oasis.training.signals import StopOnSignal, Stopped
from oasis.training.trainer import make_trainer
from oasis.training.watch import StopOnNonFinite

__all__ = [
    "OASIS",
    "Checkpoints",
    "ConfigInCheckpoint",
    "EncodingLog",
    "GeneratorEMA",
    "ImageLogger",
    "JudgeTraining",
    "KeepCurves",
    "LossPlot",
    "Metrics",
    "ProgressBar",
    "RunSummary",
    "StopOnNonFinite",
    "StopOnSignal",
    "Stopped",
    "Throughput",
    "advice",
    "alone_in",
    "differences",
    "essentials",
    "final_metrics",
    "fingerprint",
    "finished_before",
    "fixed_noise",
    "fused_adam",
    "list_files",
    "make_trainer",
    "memory_advice",
    "partner_advice",
    "print_networks",
    "quiet",
    "read_summary",
    "report_errors",
    "sampling_generator",
    "telling_errors",
    "telling_how_to_go_on",
    "train_judge",
    "write_config",
    "write_json",
]
