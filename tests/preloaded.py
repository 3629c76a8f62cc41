"""Imported once by the server that `starting.Python` forks its processes from."""

import gc
from contextlib import suppress

import matplotlib.pyplot
import torch.distributed.run
from hydra.core.plugins import Plugins

import experiments.reliability.trainings
import train

with suppress(ImportError):  # of the extra "sweeps"
    import submitit.core._submit
    import submitit.local._local

__all__ = ["experiments", "matplotlib", "submitit", "torch", "train"]

Plugins.instance()  # Hydra looks through all that is installed
gc.collect()
gc.freeze()
