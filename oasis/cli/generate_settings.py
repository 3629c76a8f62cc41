"""The dataset and the segmenter that the settings of `oasis generate` name."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from oasis.cli.datasets import load_data
from oasis.cli.generate_places import names_dataset
from oasis.errors import ConfigurationError

if TYPE_CHECKING:
    from oasis.data.instance_maps import InstanceMaps
    from oasis.labels import LabelSpace
    from oasis.segmenters import SegmenterSource
    from oasis.synthesis.batch.dataset_maps import NamedDataset

_SEGMENTER = "segmenter"
_LABEL_SPACE = "label_space"


def maps_source(settings: Sequence[str], source: Path | None) -> "Path | NamedDataset":
    """INPUT if given, else the dataset that the settings name.

    Raises:
        ConfigurationError: both an input and a dataset are named, or neither.
    """
    data = [setting for setting in settings if not setting.startswith(_SEGMENTER)]
    if source is not None and data:
        raise ConfigurationError(
            f"Both an input, {source}, and a dataset, {' '.join(data)}, are named. Leave one of them out."
        )
    if source is not None:
        return source
    if not names_dataset(data):
        raise ConfigurationError(
            "No input is named. Give a label map, a folder of them, the root of a dataset, or the settings of one: "
            "data=synthetic, or data=cityscapes data.root=DIR."
        )
    from oasis.encodings import Semantic
    from oasis.synthesis.batch.dataset_maps import NamedDataset

    return NamedDataset(
        lambda height, width, space: load_data(
            [f"data.height={height}", f"data.width={width}", *data], lambda _: Semantic(space)
        ),
        names_classes=any(setting.startswith(_LABEL_SPACE) for setting in data),
    )


def format_of_instances(name: str | None) -> "InstanceMaps | None":
    """The format of `--instance-format NAME`; see `find_instance_format`.

    Raises:
        ConfigurationError: there is none.
    """
    if name is None:
        return None
    from oasis.data.instance_maps import find_instance_format

    return find_instance_format(name, "--instance-format ")


def space_of_input(name: str | None, settings: Sequence[str]) -> "LabelSpace | None":
    """The label space of `--label-space-of-input NAME|FILE`; see `LabelSpace.named`.

    Raises:
        ConfigurationError: there is none; or the settings name one too.
    """
    if name is None:
        return None
    others = [setting for setting in settings if setting.startswith(_LABEL_SPACE)]
    if others:
        raise ConfigurationError(
            f"--label-space-of-input {name} and {' '.join(others)} both name the classes. Leave one of them out."
        )
    from oasis.labels import LabelSpace

    return LabelSpace.named(name)


def replacements(pairs: Sequence[str]) -> dict[str, str]:
    """The classes of each `--replace FROM=TO`.

    Raises:
        ConfigurationError: a text without both, or the same FROM twice.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        name, _, other = pair.partition("=")
        if not name or not other:
            raise ConfigurationError(f"--replace {pair}: write two classes, such as --replace 'zebra=horse'.")
        if name in found:
            raise ConfigurationError(f"--replace {pair}: {name!r} is replaced by {found[name]!r} already.")
        found[name] = other
    return found


def segmenter_source(settings: Sequence[str], weights: Path | None, from_photos: bool) -> "SegmenterSource | None":
    """A factory of the segmenter that the settings name, `segmenter=unet` by default; None without photos.

    Args:
        settings: Hydra's, such as `segmenter=mask2former`.
        weights: a file that `oasis train-segmenter` wrote.
        from_photos: whether INPUT are photos.

    Raises:
        ConfigurationError: a segmenter without photos, or photos without a segmenter; a file and settings of one.
    """
    ours = [setting for setting in settings if setting.startswith(_SEGMENTER)]
    if not from_photos:
        if ours or weights is not None:
            named = " ".join(ours) or f"--segmenter {weights}"
            raise ConfigurationError(f"{named}: a segmenter is for photos; add --from-photos, or leave it out.")
        return None
    if ours and weights is not None:
        raise ConfigurationError(f"--segmenter {weights} and {' '.join(ours)} both name one. Leave one of them out.")
    from functools import partial

    from hydra.utils import instantiate

    from oasis.cli.conf import load_config

    if weights is not None:
        from oasis.segmenters import UNetSegmenter

        return partial(UNetSegmenter.for_dataset, weights=str(weights))
    config = load_config(["segmenter=unet", *ours])
    if not config.segmenter:
        raise ConfigurationError("segmenter=none: photos need a segmenter that says what is in them. Leave it out.")
    source: SegmenterSource = instantiate(config.segmenter)
    return source
