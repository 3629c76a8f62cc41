"""The synthetic streets as a dataset that draws itself."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from oasis.data.cityscapes import Cityscapes
from oasis.errors import ConfigurationError
from oasis.streets import SyntheticStreets


class Streets(Cityscapes):
    """Synthetic streets, drawn on first use and read as Cityscapes is.

    Args:
        streets: which ones, and where they are kept.
        root: a dataset in the same layout to read instead: a root that is named is always what is read.
    """

    def __init__(self, streets: SyntheticStreets, root: str | Path | None = None) -> None:
        super().__init__(streets.folder() if root is None else root)
        self.streets = streets if root is None else None

    def prepare(self) -> None:
        """Draw the streets, unless they are there already."""
        if self.streets is not None:
            self.streets.write()

    def require_batch(self, batch_size: int) -> None:
        """Refuse batches that the streets cannot fill.

        Raises:
            ConfigurationError: fewer streets than a batch, or none to validate on.
        """
        if self.streets is not None and (self.streets.train < batch_size or self.streets.val < 1):
            counts = f"data.streets.train={self.streets.train} data.streets.val={self.streets.val}"
            raise ConfigurationError(f"{counts}: at least one batch ({batch_size}) and one street are needed.")

    def identity(self) -> dict[str, Any]:
        """The settings of the streets that were drawn; their folder differs from machine to machine."""
        if self.streets is None:
            return super().identity()
        streets = asdict(self.streets)
        del streets["root"]
        return {"class": type(self).__name__, "streets": streets}
