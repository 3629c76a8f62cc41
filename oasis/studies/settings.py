"""The settings that must be equal in compared runs, and the names of choices."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from oasis.training.callbacks.run_summary import choices_of_parts

# Settings in which runs of one experiment may differ: paths, speed, logging.
_GROUPS = ("label_space", "data", "generator", "objective", "schedule", "model", "trainer", "metrics", "segmenter")
_FREE = (
    "data.seed", "data.num_workers", "data.pin_memory", "data.build_cache", "data.cache_folder", "data.use_cache",
    "data.worker_timeout", "data.label_space", "generator.fast", "generator.sparse", "model.seed", "model.generator",
    "model.discriminator", "model.label_space", "objective.instance_loss.label_space", "model.compile",
    "model.recompute", "objective.label_space", "model.objective", "objective.joint_pass", "model.schedule",
    "model.channels_last", "trainer.accelerator", "trainer.devices", "trainer.num_nodes", "trainer.strategy",
    "trainer.benchmark", "trainer.log_every_n_steps", "trainer.default_root_dir", "trainer.num_sanity_val_steps",
    "trainer.enable_progress_bar", "trainer.enable_model_summary", "trainer.check_val_every_n_epoch",
    "trainer.val_check_interval", "trainer.logger",
)  # fmt: skip
_WELL_KNOWN = {"boundary+center_offset+instance_noise": "panoptic"}


def comparable_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """All settings that define an experiment, except encoding, discriminator and seed.

    Args:
        config: the resolved configuration of a run.

    Returns:
        Flat: dotted name -> value, sorted.
    """
    chosen = {group: config[group] for group in _GROUPS if config.get(group) is not None}
    callbacks = config.get("callbacks") or {}
    if callbacks.get("ema") is not None:
        chosen["callbacks"] = {"ema": callbacks["ema"]}
    flat = dict(_flat(chosen))
    return {name: flat[name] for name in sorted(flat) if not _is_free(name)}


def variant(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of encoding and discriminator, flat, without the label space, which they share."""
    chosen = {group: config[group] for group in ("encoding", "discriminator") if config.get(group) is not None}
    return {
        name: value for name, value in _flat(chosen) if "label_space" not in name and not name.endswith("_convert_")
    }


def differing(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """The differences of settings, one `name: ours / theirs` each."""
    names = sorted(ours.keys() | theirs.keys())
    pairs = [(name, ours.get(name, "not set"), theirs.get(name, "not set")) for name in names]
    return [f"{name}: {mine} / {other}" for name, mine, other in pairs if mine != other]


def encoding_name(config: Mapping[str, Any]) -> str:
    """The name of an encoding in conf/, derived from its class and switches.

    Args:
        config: of the encoding, with its `_target_`; such as `{"_target_": "oasis.encodings.Semantic"}`.
    """
    parts = config.get("parts")
    if isinstance(parts, Sequence) and parts:
        joined = "+".join(encoding_name(part) for part in parts)
        return _WELL_KNOWN.get(joined, joined)
    switches = [name for name, value in config.items() if value is True]
    return "_".join([_snake(_class_name(config)), *switches])


def discriminator_name(config: Mapping[str, Any]) -> str:
    """The name of a discriminator in conf/, derived from its class: `oasis`, `panoptic`.

    Runs with any other one have recorded its name.
    """
    return _snake(_class_name(config)).removesuffix("_discriminator")


def choices_of_config(config: Mapping[str, Any], choices: Mapping[str, Any] | None = None) -> dict[str, str]:
    """The named choices of a run; unrecorded names of encoding and discriminator are derived from their classes.

    Args:
        config: the resolved configuration of the run; its `RunSummary` has the choices.
        choices: Hydra's choices, if known.
    """
    summary = (config.get("callbacks") or {}).get("summary") or {}
    told = choices_of_parts(choices or summary.get("choices") or summary)
    by_class = {
        "encoding": encoding_name(config.get("encoding") or {}),
        "discriminator": discriminator_name(config.get("discriminator") or {}),
    }
    return {**by_class, **told}


def total_batches(config: Mapping[str, Any]) -> int | None:
    """The requested number of batches; None if it depends on the size of a dataset that is not available.

    Lightning's `max_steps` counts two per batch.
    """
    trainer, data = (config.get(group) or {} for group in ("trainer", "data"))
    bounds = []
    if isinstance(trainer.get("max_steps"), int) and trainer["max_steps"] >= 0:
        bounds.append(trainer["max_steps"] // 2)
    epochs, limit = trainer.get("max_epochs"), trainer.get("limit_train_batches")
    photos, size = (data.get("streets") or {}).get("train"), data.get("batch_size")
    in_epoch = photos // size if isinstance(photos, int) and isinstance(size, int) and size else None
    if isinstance(limit, int) and not isinstance(limit, bool):
        in_epoch = limit if in_epoch is None else min(limit, in_epoch)
    elif isinstance(limit, float) and in_epoch is not None:
        in_epoch = int(in_epoch * limit)
    if isinstance(epochs, int) and epochs >= 0:
        if in_epoch is None:
            return min(bounds, default=None)
        bounds.append(epochs * in_epoch)
    return min(bounds, default=None)


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, Sequence) and not isinstance(value, str):
            yield from _flat({str(place): part for place, part in enumerate(value)}, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _is_free(name: str) -> bool:
    return any(name == free or name.startswith(f"{free}.") for free in _FREE)


def _class_name(config: Mapping[str, Any]) -> str:
    return str(config.get("_target_", "unknown")).rsplit(".", 1)[-1]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
