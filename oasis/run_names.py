"""Names in run folders and checkpoints, which readers need without the training code."""

LAST = "last.ckpt"
BEST = "best.ckpt"
CHECKPOINTS = "checkpoints"
"""The folder of a run that holds both."""

EMA_KEY = "generator_ema"
"""Where a checkpoint holds the averaged generator."""
