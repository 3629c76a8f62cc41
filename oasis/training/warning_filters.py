"""Filters of irrelevant warnings."""

import logging
import warnings
from typing import Any

_formatwarning = warnings.formatwarning


def filter_warnings() -> None:
    """Filter Lightning's advertisements and warnings about intended behaviour."""
    # The run folder has Hydra's files before the CSV logger is created.
    warnings.filterwarnings("ignore", message=".*Experiment logs directory .* exists and is not empty.*")
    # One worker is appropriate for a two-core machine; `num_workers` is documented.
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    # The data module keeps its position in the stream of samples in the checkpoint.
    warnings.filterwarnings("ignore", message=".*your dataloader is not resumable.*")
    # A frozen encoder, as that of discriminator=pretrained, stays in eval mode.
    warnings.filterwarnings("ignore", message=".*module.s. in eval mode at the start of training.*")
    # Of Lightning's own use of torch.
    warnings.filterwarnings("ignore", message=".*`isinstance.treespec, LeafSpec.` is deprecated.*")
    warnings.formatwarning = _plain
    logging.getLogger("pytorch_lightning.utilities.rank_zero").addFilter(lambda record: "Tip:" not in record.msg)


def _plain(message: Warning | str, category: type[Warning], *where: Any, **line: Any) -> str:
    """Format a warning without its line of code."""
    if category is UserWarning:
        return f"warning: {message}\n"
    return _formatwarning(message, category, *where, **line)
