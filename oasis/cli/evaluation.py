"""The implementation of `oasis evaluate`."""

import inspect
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.utils import get_method, instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from PIL import Image

from oasis.checkpoint import Restored
from oasis.checkpoint.own_data import own_data_config
from oasis.cli.arguments import SEARCH_PATH, group_of, setting_name
from oasis.cli.conf import load_config, require_kinds
from oasis.cli.evaluated_images import Images, named_data
from oasis.data import LabelMapDataModule
from oasis.data.sample import as_split
from oasis.devices import find_device
from oasis.errors import CheckpointError, ConfigurationError
from oasis.evaluation import Comparison, Evaluation, load_lpips, open_models, untrained
from oasis.metrics import SegmenterFeatures, listed, segmenter_features
from oasis.scoring import MetricNetworks, load_metric_networks
from oasis.synthesis.batch.dataset_maps import dataset_target, trained_on
from oasis.training.error_reporting import explained

_BUILD = "oasis.data.build_data_module"
_OF_SIZE = ("height", "width", "batch_size")
_GIVEN = ("dataset", "encoding")  # by the checkpoint


def evaluate_sources(
    checkpoints: Sequence[Path],
    images: Images,
    overrides: Sequence[str],
    seeds: Sequence[int],
    split: str,
    diversity_images: int,
    device: str,
    reference: str | None = None,
) -> tuple[Comparison, list[tuple[str, Image.Image]]]:
    """Measure checkpoints, and pictures, with the metrics and the segmenter of the settings.

    Args:
        checkpoints: files or run folders.
        images: pictures of other programs, measured on the data of the first checkpoint; without a checkpoint, on the
            data that the settings name.
        overrides: Hydra's, as `oasis train` takes them; `segmenter=unet` by default.
        seeds: of the noise.
        split: train, val or test.
        diversity_images: see `Evaluation`.
        device: torch's name of one, or `auto`.
        reference: the split whose photos distances are measured from; None = `split`.

    Returns:
        The comparison, and its sample grids with their captions.

    Raises:
        OasisError: invalid options, or files that cannot be read.
    """
    where = find_device(device)
    settings = ["segmenter=unet", *overrides]
    config = load_config(settings)
    models = open_models(checkpoints, lambda restored, path: data_of(restored, path, overrides))
    data = models[0].data if models else named_data(settings)
    notes: list[str] = []
    pictures = images.open(data, as_split(split), notes, [model.name for model in models])
    networks = _metric_networks(config, data)
    evaluation = Evaluation(networks, where, seeds, as_split(split), diversity_images, notes=notes)
    evaluation.reference = None if reference is None else as_split(reference, "--reference")
    if diversity_images:
        evaluation.lpips = load_lpips(evaluation.notes)
    comparison = evaluation.run([*models, *pictures], [untrained(model) for model in models[:1]])
    return comparison, evaluation.sample_grids()


def _metric_networks(config: DictConfig, data: LabelMapDataModule) -> MetricNetworks:
    sources = listed(instantiate(config.metrics))
    segmenter = instantiate(config.segmenter) if config.segmenter else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is missing is listed below the table
        networks = load_metric_networks(data, sources, segmenter)
    if networks.segmenter is not None and not any(isinstance(one, SegmenterFeatures) for one in networks.extractors):
        networks.extractors.extend(segmenter_features(networks.segmenter))
    return networks


def data_of(restored: Restored, path: Path, overrides: Sequence[str]) -> LabelMapDataModule:
    """The dataset that settings name, at the checkpoint's picture size, or the checkpoint's own with some changes.

    Raises:
        CheckpointError: the checkpoint's own dataset is meant, but not known, or is not to be called.
        ConfigurationError: a setting that does not exist; or a dataset with other classes at the checkpoint's ids.
    """
    ours = [override for override in overrides if group_of(override) == "data"]
    of_classes = [override for override in overrides if group_of(override) == "label_space"]
    found_in = [override for override in overrides if setting_name(override) == SEARCH_PATH]
    if any(setting_name(override) == "data" for override in ours):
        settings = [*_sizes(restored), *ours, *of_classes, *found_in]
        config: Any = OmegaConf.to_container(load_config(settings).data, resolve=True)
        if not of_classes:
            _require_same_ids(restored, instantiate(config, encoding=restored.encoding))
            config["label_space"] = restored.config["label_space"]
    else:
        own = _own_config(restored, path)
        _require_known(own, ours, path)
        config = OmegaConf.to_container(OmegaConf.merge(own, _changes(ours)))
        if of_classes:
            config["label_space"] = OmegaConf.to_container(
                load_config([*of_classes, *found_in]).label_space, resolve=True
            )
    data: LabelMapDataModule = instantiate(config, encoding=restored.encoding)
    return data


def _sizes(restored: Restored) -> list[str]:
    """Settings that a named dataset shares with the checkpoint's own, whose class need not be known for them."""
    own = restored.config.get("data")
    known = own if isinstance(own, dict) else {}
    return [f"data.{name}={known[name]}" for name in _OF_SIZE if isinstance(known.get(name), int)]


def _own_config(restored: Restored, path: Path) -> dict[str, Any]:
    own = own_data_config(restored, path)
    if "_target_" not in own or (own["_target_"] == _BUILD and dataset_target(restored) is None):
        raise CheckpointError(
            f"{path}: does not say which dataset it was trained on, by which its maps would be read. Name one: "
            "data=cityscapes data.root=DIR."
        )
    return own


def _require_known(own: dict[str, Any], overrides: Sequence[str], path: Path) -> None:
    """Raise if a setting does not change the checkpoint's own dataset, but removes something or does not exist.

    Raises:
        ConfigurationError: the message lists the settings.
    """
    if own["_target_"] == _BUILD:
        parts = (LabelMapDataModule, get_method(own["dataset"]["_target_"]))
        known = sorted({name for part in parts for name in inspect.signature(part).parameters} - {*_GIVEN})
    else:
        known = list(own)
    for override in overrides:
        name = setting_name(override).removeprefix("data.").partition(".")[0]
        if override.startswith("~") or name not in known:
            raise ConfigurationError(
                f"{override}: not a change of the data that {path} was trained on. Write data.NAME=VALUE, with a NAME "
                f"of {', '.join(known)}; or name another dataset: data=cityscapes data.root=DIR."
            )


def _changes(overrides: Sequence[str]) -> DictConfig:
    """The settings of the data, without `data.`, as Hydra understands them.

    Raises:
        ConfigurationError: one that Hydra does not understand, or of another type than it has to be.
    """
    changes = OmegaConf.create()
    try:
        for each in OverridesParser.create().parse_overrides([override.lstrip("+") for override in overrides]):
            OmegaConf.update(changes, each.key_or_group.removeprefix("data."), each.value(), force_add=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigurationError(explained(error)) from error
    require_kinds(changes)
    return changes


def _require_same_ids(restored: Restored, data: LabelMapDataModule) -> None:
    """Refuse a dataset whose label maps have the checkpoint's ids for other classes.

    Args:
        restored: the checkpoint.
        data: the dataset, with its own classes.
    """
    here, there = restored.label_space, data.label_space
    names = (
        (raw, here.names[index], there.names[there.raw_to_class[raw]])
        for raw, index in enumerate(here.raw_to_class)
        if index not in (-1, here.ignore_index) and there.raw_to_class[raw] >= 0
    )
    unlike = next((each for each in names if each[1] != each[2]), None)
    if unlike is not None and not trained_on(restored, data.source):
        raise ConfigurationError(
            f"{data.source.root}: label id {unlike[0]} is {unlike[2]} in this dataset, but {unlike[1]} in the one that "
            "the checkpoint was trained on: pictures would be compared with other classes. To evaluate on it, list the "
            "checkpoint's classes with the ids of these maps: label_space=file label_space.path=classes.yaml."
        )
