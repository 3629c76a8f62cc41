"""The maps and photos of a dataset's split as the inputs of `oasis generate`, read as training reads them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.errors import InstantiationException
from hydra.utils import instantiate

from oasis.checkpoint import Restored
from oasis.checkpoint.own_data import own_data_config
from oasis.data import ADE20K, BDD100K, Cityscapes, COCOPanoptic, COCOStuff, Dataset, Mapillary
from oasis.data.decoding import read_maps
from oasis.data.files.meaning import has_cityscapes_ids
from oasis.data.listing import Listing
from oasis.data.sample import Split, as_split
from oasis.errors import CheckpointError, ConfigurationError, OasisError
from oasis.labels import LabelSpace
from oasis.synthesis import LabelMap, Synthesizer
from oasis.synthesis.batch.inputs import Input
from oasis.synthesis.translation import translated

if TYPE_CHECKING:
    from oasis.data import LabelMapDataModule  # Lightning's, which takes seconds that single maps need not wait for

_CITYSCAPES, _FOLDER = "oasis.data.Cityscapes", "oasis.data.Folder"
_DATASET_ALONE = "oasis.data.building.dataset_alone"  # without the data module, whose parts take seconds to load
_LAYOUTS: Mapping[str, Callable[[Path], Dataset]] = {
    "ade20k": ADE20K,
    "coco_stuff": COCOStuff,
    "coco_panoptic": COCOPanoptic,
    "bdd100k": BDD100K,
    "bdd100k_semantic": lambda root: BDD100K(root, "sem_seg"),
    "mapillary": Mapillary,
    "mapillary data.version=v1.2": lambda root: Mapillary(root, "v1.2"),
    "cityscapes": Cityscapes,
}  # by their settings; those that a folder shows by its folders


@dataclass(frozen=True)
class NamedDataset:
    """A dataset that settings name, such as `data=ade20k data.root=DIR`.

    Attributes:
        make: its data module, from the height, width and classes of a model.
        names_classes: whether the settings name a label space too.
    """

    make: "Callable[[int, int, LabelSpace], LabelMapDataModule]"
    names_classes: bool


@dataclass(frozen=True)
class DatasetMaps:
    """The samples of a split.

    Attributes:
        data: the dataset, and how strictly its files are read.
        label_space: which class each raw id of its maps is.
        split: `train`, `val` or `test`.

    Raises:
        ConfigurationError: the dataset's maps never have the ids of this label space; no such split.
    """

    data: "LabelMapDataModule"
    label_space: LabelSpace
    split: str

    def __post_init__(self) -> None:
        as_split(self.split)
        self.data.source.require_label_space(self.label_space)

    def maps(self) -> list[Input]:
        """The label maps by name, with their instance maps.

        Raises:
            ConfigurationError: there are none.
            DatasetError: see `Dataset.listing`; or two files for one sample.
        """
        listing = self._listing()
        if not listing.labels:
            raise ConfigurationError(f"--split {self.split}: {listing.map_folder} holds no label maps.")
        return [Input(name, path, listing.instances.get(name)) for name, path in sorted(listing.labels.items())]

    def photos(self) -> list[Input]:
        """The photos by name; see `maps`."""
        return [Input(name, path) for name, path in sorted(self._listing().photos.items())]

    def read(self, each: Input, label_space: LabelSpace, replaced: Mapping[str, str]) -> LabelMap:
        """Read one of the `maps`.

        Args:
            each: the map.
            label_space: the model's, in which the classes are found by their names.
            replaced: see `translated`.

        Raises:
            DatasetError: see `read_maps` and `translated`.
        """
        data = self.data
        label, instance = read_maps(
            data.source, each.path, each.instance, self.label_space, data.on_inconsistent_ids, data.max_pixels
        )
        found = LabelMap(label, instance, self.label_space, str(each.path))
        same = self.label_space == label_space and not replaced
        return found if same else translated(found, label_space, replaced)

    def _listing(self) -> Listing:
        listing = self.data.source.listing(as_split(self.split))
        for double in listing.doubles:
            raise double
        return listing


def own_dataset(synthesizer: Synthesizer, root: Path) -> "LabelMapDataModule | None":
    """The dataset in a folder, if that has the layout that a checkpoint was trained on; else None.

    Args:
        synthesizer: that of the checkpoint.
        root: the folder.
    """
    restored, encoding = synthesizer.restored, synthesizer.encoding
    target = dataset_target(restored)
    if synthesizer.checkpoint is None or target is None:
        return None
    try:
        config = {**own_data_config(restored, synthesizer.checkpoint), "root": str(root)}
        source: object = instantiate({**config, "_target_": _DATASET_ALONE}, encoding=encoding)
        if not isinstance(source, Dataset) or not _fits(source):
            return None
        if target == _FOLDER and "photos" not in config:  # exported, without the names of its folders
            return None
        data: LabelMapDataModule = instantiate(config, encoding=encoding)
    except (CheckpointError, ConfigurationError):  # imported and exported models have no dataset
        return None
    except InstantiationException as error:
        if "exporter" in restored.config and isinstance(error.__cause__, TypeError):
            return None  # a dataset of another package, whose settings are not exported
        raise
    return data


def dataset_target(restored: Restored) -> str | None:
    """The `_target_` of the dataset that a checkpoint was trained on, which is not imported; None if it is unknown.

    Files of earlier exporters, which lack `exporter`, are of Cityscapes by what they say, whatever they were trained
    on: they are believed if the model has the classes of Cityscapes at their ids.
    """
    data = restored.config.get("data")
    named = data.get("dataset") if isinstance(data, dict) else None
    target = named.get("_target_") if isinstance(named, dict) else None
    if not isinstance(data, dict) or not isinstance(target, str):
        return None
    doubtful = target == _CITYSCAPES and data.get("root") is None and "exporter" not in restored.config
    space = restored.label_space
    believed = not doubtful or has_cityscapes_ids(space) or space == LabelSpace.built_in("cityscapes_categories")
    return target if believed else None


def trained_on(restored: Restored, dataset: Dataset) -> bool:
    """Whether a checkpoint was trained on a dataset of this layout, and with a label space that it may have."""
    target, kind = dataset_target(restored) or "", type(dataset)
    ours, theirs = (name.partition(".")[0] for name in (target, kind.__module__))
    if target.rpartition(".")[2] != kind.__name__ or ours != theirs:
        return False
    try:
        dataset.require_label_space(restored.label_space)
    except ConfigurationError:
        return False
    return True


def require_no_dataset(folder: Path) -> None:
    """Raise if a folder is the root of a dataset, whose files are not all label maps of the model.

    Raises:
        ConfigurationError: it has the layout of a dataset; the message says how to name it.
    """
    found = [name for name, make in _LAYOUTS.items() if _fits(make(folder))]
    if found:
        named = " or ".join(f"`data={name} data.root={folder}`" for name in found)
        raise ConfigurationError(
            f"{folder} has the layout of a dataset, but not of the one that this model was trained on. Name it, "
            f"not the folder, so that its files are read as its own: {named}; or give the folder of its label maps."
        )


def _fits(dataset: Dataset) -> bool:
    """Whether a folder has a dataset's layout; one of another package may name its splits without looking for them."""
    try:
        return any(_has(dataset, split) for split in dataset.splits())
    except OasisError:
        return False


def _has(dataset: Dataset, split: Split) -> bool:
    try:
        dataset.listing(split)
    except OasisError:
        return False
    return True
