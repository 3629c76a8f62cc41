"""Mapillary Vistas, as downloaded."""

from pathlib import Path
from typing import Any, ClassVar

from oasis.data.dataset import require_numbering
from oasis.data.datasets.paired_folders import PairedFolders, SplitFolders
from oasis.data.instance_maps import INSTANCE_FORMATS
from oasis.data.sample import Split
from oasis.errors import ConfigurationError, DatasetError
from oasis.label_formats import MAPILLARY_VERSIONS, find_mapillary_config
from oasis.labels import LabelSpace

_FOLDERS: dict[Split, str] = {"train": "training", "val": "validation", "test": "testing"}


class Mapillary(PairedFolders):
    """Mapillary Vistas 1.2 or 2.0.

    `FOLDER/images/NAME.jpg`, `FOLDER/VERSION/labels/NAME.png` (class indices, 8 bits with a palette) and, optionally,
    `FOLDER/VERSION/instances/NAME.png` (16 bits, class index * 256 + k); FOLDER is `training` or `validation`. The
    download of version 1.2 alone has `labels` and `instances` directly in FOLDER. `config_VERSION.json` (`config.json`)
    lists the classes. The test split has photos only.

    Args:
        root: the folder with `training`, `validation` and the configuration.
        version: `v1.2` or `v2.0`.

    Raises:
        ConfigurationError: no root; no such version.

    Source: Neuhold et al. 2017, "The Mapillary Vistas Dataset"; its README and demo.py.
    """

    contents: ClassVar[str] = (
        "Mapillary Vistas: training and validation, each with images and v2.0/{labels,instances} (with data.version="
        "v1.2, v1.2/ or neither), and config_v2.0.json; get it from mapillary.com/dataset/vistas"
    )
    instance_files: ClassVar[str] = "instances/*.png"
    instance_maps = INSTANCE_FORMATS["mapillary"]

    def __init__(self, root: str | Path | None, version: str = "v2.0") -> None:
        super().__init__(root)
        if version not in MAPILLARY_VERSIONS:
            raise ConfigurationError(f"data.version={version}: choose one of {', '.join(MAPILLARY_VERSIONS)}.")
        self.version = version

    def identity(self) -> dict[str, Any]:
        """The root's name and the version."""
        return {**super().identity(), "version": self.version}

    def folders(self, split: Split) -> SplitFolders:
        """The folders of a split; that of instance maps only if it exists."""
        folder = self.root / _FOLDERS[split]
        maps = folder / self.version
        if self.version == "v1.2" and not maps.is_dir():
            maps = folder
        instances = maps / "instances"
        return SplitFolders(folder / "images", maps / "labels", instances if instances.is_dir() else None)

    def splits(self) -> list[Split]:
        """The splits with label maps; see `PairedFolders.splits`."""
        try:
            return super().splits()
        except DatasetError as error:
            others = (version for version in MAPILLARY_VERSIONS if version != self.version)
            for other in others:
                if Mapillary(self.root, other).folders("train").labels.is_dir():
                    raise DatasetError(
                        f"data.root={self.root} holds version {other} of Mapillary Vistas, not {self.version}: set "
                        f"data.version={other}."
                    ) from error
            raise

    def require_label_space(self, label_space: LabelSpace) -> None:
        """Refuse label spaces of other numbers, as of the other version; see `Dataset.require_label_space`."""
        config = find_mapillary_config(self.root, self.version)
        if config is not None:
            official = LabelSpace.from_file(config)
            what = f"{config} lists {official.num_classes} classes"
            require_numbering(label_space, official, what, "Use label_space=mapillary, the default")
