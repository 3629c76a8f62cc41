"""What `conf/data/*.yaml` call."""

import inspect
from collections.abc import Callable
from typing import Any

from oasis.data.datamodule import LabelMapDataModule
from oasis.data.dataset import Dataset


def build_data_module(dataset: Callable[..., Dataset], **settings: Any) -> LabelMapDataModule:
    """A data module and the dataset that it reads, from one flat list of settings.

    So each setting has one name on the command line, `data.root` and `data.height` alike, whoever takes it.

    Args:
        dataset: makes the dataset; takes those settings that its signature names, such as `root`.
        settings: of the dataset, and all others of `LabelMapDataModule`.

    Raises:
        ConfigurationError: see the dataset and `LabelMapDataModule`.
        TypeError: a setting that neither of them takes.
    """
    names = inspect.signature(dataset).parameters
    its_own = {name: settings.pop(name) for name in names if name in settings}
    return LabelMapDataModule(dataset=dataset(**its_own), **settings)
