"""State dicts of the official OASIS, made checkpoints of this project."""

from oasis.checkpoint.official.importing import Imported, import_official
from oasis.checkpoint.official.names import official_names
from oasis.checkpoint.official.reading import read_state_dict

__all__ = ["Imported", "import_official", "official_names", "read_state_dict"]
