"""The factory that `conf/data/*.yaml` call."""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from oasis.data.dataset import Dataset

if TYPE_CHECKING:
    from oasis.data.datamodule import LabelMapDataModule


def build_data_module(dataset: Callable[..., Dataset], **settings: Any) -> "LabelMapDataModule":
    """Make a data module and its dataset from one flat list of settings.

    So all settings are `data.NAME` on the command line, such as `data.root` and `data.height`.

    Args:
        dataset: makes the dataset; takes those settings that its signature names, such as `root`.
        settings: of the dataset, and all others of `LabelMapDataModule`.

    Raises:
        ConfigurationError: see the dataset and `LabelMapDataModule`.
        TypeError: a setting that neither of them takes.
    """
    from oasis.data.datamodule import LabelMapDataModule  # Lightning's, which takes seconds to load

    source = build_dataset(dataset, settings)
    return LabelMapDataModule(dataset=source, **settings)


def build_dataset(dataset: Callable[..., Dataset], settings: dict[str, Any]) -> Dataset:
    """Make a dataset from those settings that its signature names, which are removed from `settings`."""
    names = inspect.signature(dataset).parameters
    return dataset(**{name: settings.pop(name) for name in names if name in settings})


def dataset_alone(dataset: Callable[..., Dataset], **settings: Any) -> Dataset:
    """The dataset of `build_data_module` with the same settings."""
    return build_dataset(dataset, settings)
