"""Migration of configurations and metric names from earlier versions.

A configuration has its format in `format`; without it, the format is 1. To rename a setting, a class or a metric, add a
row to one of the tables below: all renamings since the last release belong to one step. After a release, increment
`FORMAT` and add a function to `_STEPS`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from oasis.errors import CheckpointError

FORMAT = 4  # of the configurations that this version writes

# Format 1 to 2. A setting's dotted name; a row may name a group, which moves with everything in it.
_SETTINGS = {
    "judge": "segmenter",
    "callbacks.metrics.judge": "callbacks.metrics.segmenter",
    "data.use_prepared": "data.use_cache",
    "data.prepare": "data.build_cache",
    "data.prepared_folder": "data.cache_folder",
}
_OF_OBJECTIVES = (
    "balance_classes", "label_mix", "label_mix_weight", "instance_loss", "perceptual_weight", "perceptual_weights_file",
    "joint_pass",
)  # fmt: skip
# Values of `_target_`, at any depth.
_TARGETS = {
    "oasis.data.CityscapesDataModule": "oasis.data.build_data_module",
    "oasis.metrics.judge_features": "oasis.metrics.segmenter_features",
    "oasis.metrics.mask2former": "oasis.segmenters.Mask2FormerSegmenter.for_dataset",
    "oasis.metrics.unet": "oasis.segmenters.UNetSegmenter.for_dataset",
    "oasis.training.OASIS": "oasis.training.GANModule",
}
# Class names under which Lightning keeps states in a checkpoint.
_STATES = {
    "CityscapesDataModule": "LabelMapDataModule",
}
# Prefixes of metric names, which are values of some settings and keys of `summary.json`.
_METRICS = {
    "judge/": "segmenter/",
}
_HOLD_METRICS = ("callbacks.checkpoints.monitor",)

# Format 2 to 3. Photos were stretched, never cropped; OASIS's perceptual term, if on, was always required; and what was
# fixed in Cityscapes' layout.
_PERCEPTUAL = {"oasis.objectives.OASISObjective": {"perceptual_required": True}}
_STRETCHED = {"resize": None, "short_side": None}
_FOLDERS = {"annotations": "gtFine", "label_suffix": "labelIds", "train_split": "train"}

# Format 3 to 4. Generators took one pixel of a cell and saw all pixels around one; no loss was of single instances;
# a segmenter always averaged four views.
_PLAIN = {"condition_resize": "nearest", "panoptic": {"_target_": "oasis.models.PlainSurroundings"}}
_PUBLISHED = {"upsampling": "nearest"}
_BEFORE_FORMAT_4: dict[str, dict[str, Any]] = {
    "oasis.models.OASISGenerator": {**_PLAIN, **_PUBLISHED, "texture_noise": False},
    "oasis.models.SPADEGenerator": {**_PLAIN, **_PUBLISHED},
    **{
        f"oasis.models.{name}": {**_PUBLISHED, "texture_noise": False}
        for name in ("INADEGenerator", "SPADEINADEGenerator", "SegmentTokenGenerator", "TransformerGenerator")
    },
    "oasis.objectives.OASISObjective": {
        "weights_from": {"_target_": "oasis.losses.LabelCounts"},
        "instance_adversarial_weight": None,
        "instance_contrast_weight": None,
        "instance_contrast_temperature": 0.1,
    },
    "oasis.segmenters.UNetSegmenter.for_dataset": {"views": 4},
    "oasis.training.make_trainer": {"threads": None},
}


def stamped(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with the current format."""
    return {"format": FORMAT, **config}


def migrated(config: Mapping[str, Any], source: object) -> dict[str, Any]:
    """Migrate a configuration to the current format; `config` itself is not changed.

    Args:
        config: plain containers, from a checkpoint or a run folder.
        source: the file, for the error.

    Raises:
        CheckpointError: a later or invalid format.
    """
    found = config.get("format", 1)
    if not isinstance(found, int) or not 1 <= found <= FORMAT:
        raise CheckpointError(
            f"{source}: its configuration is of format {found!r}, this version reads 1 to {FORMAT}. Update "
            "panoptic-oasis, or use the version that wrote it."
        )
    result = dict(config)
    for step in _STEPS[found - 1 :]:
        result = step(result)
    return {**result, "format": FORMAT}


def rename_states(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """Rename the states in a checkpoint, in place; returns it."""
    for old, new in _STATES.items():
        if old in checkpoint:
            checkpoint.setdefault(new, checkpoint.pop(old))
    return checkpoint


def migrated_metric(name: str) -> str:
    """The current name of a metric, such as `segmenter/pq` for `judge/pq`; after prefixes such as `real_photos/`."""
    parts = name.split("/")
    for at in range(len(parts)):
        rest = "/".join(parts[at:])
        for old, new in _METRICS.items():
            if rest.startswith(old):
                return "/".join([*parts[:at], new + rest.removeprefix(old)])
    return name


def migrated_metrics(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Scores by name, under the current names."""
    return {migrated_metric(name): value for name, value in scores.items()}


def migrated_results(content: Mapping[str, Any]) -> dict[str, Any]:
    """The results of `oasis evaluate`, whose entry `judge` is now `segmenter`."""
    return {_SETTINGS["judge"] if name == "judge" else name: value for name, value in content.items()}


def _from_format_1(config: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = _with_targets(config, _TARGETS)
    for old, new in _SETTINGS.items():
        move(result, old, new)
    _give_objective(result)
    _give_dataset(result)
    for name in _HOLD_METRICS:
        change(result, name, lambda value: migrated_metric(value) if isinstance(value, str) else value)
    return result


def _give_objective(config: dict[str, Any]) -> None:
    """Format 1 had the losses as settings of the model, without objective and schedule."""
    model = config.get("model")
    if not isinstance(model, dict) or "objective" in model:
        return
    for name in _OF_OBJECTIVES:
        move(config, f"model.{name}", f"objective.{name}")
    objective = {"_target_": "oasis.objectives.OASISObjective", "label_space": config.get("label_space")}
    objective |= config.get("objective") or {}
    schedule = {"_target_": "oasis.training.Constant"}
    config["objective"], config["schedule"] = objective, schedule
    model |= {"objective": objective, "schedule": schedule, "clip_norm": None, "accumulate_batches": 1}


def _give_dataset(config: dict[str, Any]) -> None:
    """Format 1 had no dataset in the data module, which read Cityscapes or synthetic streets."""
    data = config.get("data")
    if not isinstance(data, dict) or "dataset" in data:
        return
    name = "Cityscapes" if data.get("streets") is None else "Streets"
    data["dataset"] = {"_target_": f"oasis.data.{name}", "_partial_": True}
    if data.get("streets") is None:
        data.pop("streets", None)


def _from_format_2(config: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = _with_settings(config, _PERCEPTUAL)
    data = result.get("data")
    if not isinstance(data, dict):
        return result
    dataset = data.get("dataset")
    is_cityscapes = isinstance(dataset, dict) and dataset.get("_target_") == "oasis.data.Cityscapes"
    return {**result, "data": {**_STRETCHED, **(_FOLDERS if is_cityscapes else {}), **data}}


def _from_format_3(config: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = _with_settings(config, _BEFORE_FORMAT_4)
    return result


_STEPS: tuple[Callable[[dict[str, Any]], dict[str, Any]], ...] = (_from_format_1, _from_format_2, _from_format_3)


def move(config: dict[str, Any], old: str, new: str) -> None:
    """Rename a setting, in place; does nothing if it is missing or the new one exists."""
    *path, last = old.split(".")
    within = _group(config, path)
    *new_path, new_last = new.split(".")
    if within is None or last not in within:
        return
    target = config
    for name in new_path:
        target = target.setdefault(name, {})
        if not isinstance(target, dict):
            return
    target.setdefault(new_last, within.pop(last))


def change(config: dict[str, Any], name: str, by: Callable[[Any], Any]) -> None:
    """Replace a setting by `by(setting)`, in place; does nothing if it is missing."""
    *path, last = name.split(".")
    within = _group(config, path)
    if within is not None and last in within:
        within[last] = by(within[last])


def _group(config: dict[str, Any], path: list[str]) -> dict[str, Any] | None:
    found: Any = config
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None


def _with_targets(part: Any, targets: Mapping[str, str]) -> Any:
    """A copy of a configuration in which each `_target_` has its current name."""
    return _copied(part, lambda group: {k: targets.get(str(v), v) if k == "_target_" else v for k, v in group.items()})


def _with_settings(part: Any, of_targets: Mapping[str, Mapping[str, Any]]) -> Any:
    """A copy of a configuration in which each `_target_` has further settings, unless it has them already."""
    return _copied(part, lambda group: {**of_targets.get(str(group.get("_target_")), {}), **group})


def _copied(part: Any, by: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """A copy of a configuration in which each group, at any depth and in lists, is replaced by `by(group)`."""
    if isinstance(part, Mapping):
        return by({name: _copied(value, by) for name, value in part.items()})
    if isinstance(part, list | tuple):
        return [_copied(value, by) for value in part]
    return part
