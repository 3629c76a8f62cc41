"""Silence for messages that tell a user of this project nothing."""

import logging
import warnings
from typing import Any

_formatwarning = warnings.formatwarning


def filter_warnings() -> None:
    """Leave out Lightning's advertisements and the warnings about what is done here on purpose."""
    # The run folder holds Hydra's files before the CSV logger comes.
    warnings.filterwarnings("ignore", message=".*Experiment logs directory .* exists and is not empty.*")
    # One worker is what a two-core machine can bear; `num_workers` is documented.
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    # It is: the data module keeps its place in the stream of samples in the checkpoint.
    warnings.filterwarnings("ignore", message=".*your dataloader is not resumable.*")
    # Of Lightning's own use of torch.
    warnings.filterwarnings("ignore", message=".*`isinstance.treespec, LeafSpec.` is deprecated.*")
    warnings.formatwarning = _plain
    logging.getLogger("pytorch_lightning.utilities.rank_zero").addFilter(lambda record: "Tip:" not in record.msg)


def _plain(message: Warning | str, category: type[Warning], *where: Any, **line: Any) -> str:
    """What users are warned of does not depend on the line of code that says so."""
    if category is UserWarning:
        return f"warning: {message}\n"
    return _formatwarning(message, category, *where, **line)
