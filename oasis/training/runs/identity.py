"""Comparison of runs' configurations."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# Settings of where and how a run is computed, stored and logged, which do not affect its results.
_ASIDE = {
    "": ("format", "name", "paths", "logger", "resume", "summary", "trust", "debug", "preregistration"),
    "data": (
        "num_workers",
        "pin_memory",
        "worker_timeout",
        "use_cache",
        "build_cache",
        "cache_folder",
    ),
    "trainer": (
        "accelerator",
        "devices",
        "num_nodes",
        "strategy",
        "default_root_dir",
        "log_every_n_steps",
        "enable_progress_bar",
        "enable_model_summary",
    ),
}
# Settings that a run and its continuation may differ in: how long, how fast, and with which scores.
_CONTINUED = (
    "trainer.max_epochs", "trainer.min_epochs", "trainer.max_steps", "trainer.min_steps", "trainer.max_time",
    "trainer.precision", "trainer.threads", "trainer.benchmark", "model.compile", "model.recompute",
    "model.channels_last", "generator.fast", "generator.sparse", "discriminator.merge_resampling",
    "objective.joint_pass", "trainer.check_val_every_n_epoch", "trainer.limit_val_batches",
    "trainer.num_sanity_val_steps", "metrics", "segmenter", "callbacks.metrics",
)  # fmt: skip
_WATCHING = (
    "Checkpoints",
    "EncodingLog",
    "ImageLogger",
    "KeepCurves",
    "LossPlot",
    "ProgressBar",
    "RunSummary",
    "StopOnNonFinite",
    "StopOnSignal",
    "Throughput",
    "WandbRun",
)
_SHOWN = 8  # differences


def essentials(config: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a configuration that determines the results of a run.

    Without names, paths (except their last part), loggers, the device, and callbacks that only observe; unknown
    callbacks are included, and so is `init_from` as it is, since all checkpoints of runs have the same last part.

    Args:
        config: the resolved configuration, plain containers.
    """
    kept = {name: value for name, value in config.items() if name not in _ASIDE[""]}
    for group in ("data", "trainer"):
        part = kept.get(group)
        if isinstance(part, Mapping):
            kept[group] = {name: value for name, value in part.items() if name not in _ASIDE[group]}
    callbacks = kept.get("callbacks") or {}
    kept["callbacks"] = {name: part for name, part in callbacks.items() if part is not None and not _only_watches(part)}
    plain: dict[str, Any] = _without_folders(kept)
    return {**plain, "init_from": kept["init_from"]} if "init_from" in kept else plain


def fingerprint(config: Mapping[str, Any]) -> str:
    """A hash of the experiment: equal if and only if the essentials are equal.

    Args:
        config: the resolved configuration, plain containers.

    Returns:
        SHA-256 of `essentials`, 64 hexadecimal digits.
    """
    text = json.dumps(essentials(config), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def differences(ours: object, theirs: object, name: str = "") -> Iterator[tuple[str, object, object]]:
    """The differences of two configurations.

    Yields:
        Dotted name, our value, their value; None if there is none.
    """
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for key in sorted(ours.keys() | theirs.keys()):
            yield from differences(ours.get(key), theirs.get(key), f"{name}.{key}" if name else key)
    elif ours != theirs:
        yield name, ours, theirs


def other_settings(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[tuple[str, object, object]]:
    """What keeps a run from going on from another one, see `differences`; not how long, how fast, with which scores.

    Args:
        ours: a resolved configuration, plain containers.
        theirs: another one.
    """
    found = differences(essentials(ours), essentials(theirs))
    return [each for each in found if not f"{each[0]}.".startswith(tuple(f"{name}." for name in _CONTINUED))]


def listed(found: Sequence[tuple[str, object, object]], place: str = "there") -> str:
    """Differences in words, a line for each of the first eight.

    Args:
        found: see `differences`.
        place: of their values, `there` or `in the checkpoint`.
    """
    lines = [f"  {name}: {ours} now, {theirs} {place}" for name, ours, theirs in found[:_SHOWN]]
    return "\n".join(lines + [f"  and {len(found) - _SHOWN} more"] * (len(found) > _SHOWN))


def _only_watches(callback: Mapping[str, Any]) -> bool:
    return str(callback.get("_target_", "")).rsplit(".", 1)[-1] in _WATCHING


def _without_folders(part: Any) -> Any:
    if isinstance(part, Mapping):
        return {str(name): _without_folders(value) for name, value in part.items()}
    if isinstance(part, str):
        return part.rstrip("/").rsplit("/", 1)[-1]
    if isinstance(part, Sequence):
        return [_without_folders(value) for value in part]
    return part
