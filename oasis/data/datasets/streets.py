"""The synthetic streets as a dataset, generated on first use."""

from pathlib import Path
from typing import Any

from oasis.data.dataset import require_numbering
from oasis.data.datasets.cityscapes import Cityscapes
from oasis.errors import ConfigurationError
from oasis.labels import LabelSpace
from oasis.streets import SyntheticStreets


class Streets(Cityscapes):
    """Synthetic streets, generated on first use and read like Cityscapes.

    Args:
        streets: their settings and folder.
        root: a dataset in the same layout to read instead.
    """

    def __init__(self, streets: SyntheticStreets, root: str | Path | None = None) -> None:
        super().__init__(streets.folder() if root is None else root)
        self.streets = streets if root is None else None

    def prepare(self) -> None:
        """Draw the streets, unless they exist."""
        if self.streets is not None:
            self.streets.write()

    def require_batch(self, batch_size: int) -> None:
        """Refuse a batch size above the number of streets.

        Raises:
            ConfigurationError: fewer streets than a batch, or none to validate on.
        """
        if self.streets is not None and (self.streets.train < batch_size or self.streets.val < 1):
            counts = f"data.streets.train={self.streets.train} data.streets.val={self.streets.val}"
            raise ConfigurationError(f"{counts}: at least one batch ({batch_size}) and one street are needed.")

    def require_label_space(self, label_space: LabelSpace) -> None:
        """Refuse label spaces of other numbers than those of Cityscapes; see `Dataset.require_label_space`."""
        if self.streets is None:
            super().require_label_space(label_space)
            return
        require_numbering(
            label_space,
            LabelSpace.cityscapes_ids(),
            "Synthetic streets, whose maps are of Cityscapes' label ids",
            "Use label_space=cityscapes_ids",
        )

    def identity(self) -> dict[str, Any]:
        """The settings of the streets; their folder differs between machines."""
        if self.streets is None:
            return super().identity()
        return {"class": type(self).__name__, "streets": self.streets.settings()}
