"""The dataset that a command's settings name."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oasis.data import LabelMapDataModule
    from oasis.encodings import Encoding
    from oasis.labels import LabelSpace


def load_data(settings: Sequence[str], encoding: "Callable[[LabelSpace], Encoding]") -> "LabelMapDataModule":
    """Make the data module of `oasis train SETTINGS`, and prepare its files.

    Args:
        settings: Hydra's, such as `data=cityscapes data.root=DIR`.
        encoding: makes the encoding from the label space that the settings name.

    Raises:
        ConfigurationError: a setting that does not exist.
        DatasetError: no dataset there, or an invalid one.
    """
    from hydra.utils import instantiate

    from oasis.cli.conf import load_config

    config = load_config(settings)
    data: LabelMapDataModule = instantiate(config.data, encoding=encoding(instantiate(config.label_space)))
    data.prepare_data()
    return data
