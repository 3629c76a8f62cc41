"""Reading run folders, from a summary or from configuration and metrics."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped, unused-ignore]

from oasis.errors import ConfigurationError
from oasis.migration import migrated, migrated_metrics
from oasis.run_names import LAST
from oasis.studies.arms import ALWAYS
from oasis.studies.curves import is_metric, last_batch, last_metrics, read_curves, typical_speed
from oasis.studies.naming import with_options_in_names
from oasis.studies.run import COSTS, Run
from oasis.studies.settings import (
    choices_of_config,
    comparable_settings,
    discriminator_name,
    encoding_name,
    total_batches,
    variant,
)
from oasis.studies.stages import settings_of_plan
from oasis.training.callbacks.run_summary import choices_of_parts
from oasis.training.preregistration import Preregistration

SUMMARY, CONFIG, METRICS = "summary.json", "config.yaml", "metrics.csv"
_VERSION = 1
_FACTS = ("name", "arm", "device", "threads", "torch", "panoptic_oasis", "commit", "fingerprint")


def is_run_folder(folder: Path) -> bool:
    """Whether this is a run folder, of a finished run or not."""
    return (folder / SUMMARY).is_file() or (folder / CONFIG).is_file()


def read_run_folder(folder: Path) -> Run:
    """Read the folder of a run.

    Args:
        folder: with summary.json, or with config.yaml and metrics.csv.

    Raises:
        ConfigurationError: one of these files is corrupt, invalid, or of a newer version.
    """
    config = _read_config(folder / CONFIG)
    curves = read_curves(folder / METRICS) if (folder / METRICS).is_file() else {}
    last = folder / "checkpoints" / LAST
    about: dict[str, Any] = {
        "origin": str(folder),
        "settings": comparable_settings(config),
        "variant": variant(config),
        "curves": curves,
        "checkpoint": last if last.is_file() else None,
    }
    found = (folder / SUMMARY).is_file()
    run = _from_summary(folder / SUMMARY, about) if found else _from_curves(folder, config, about)
    return with_options_in_names(run)


def _from_summary(path: Path, about: dict[str, Any]) -> Run:
    """The run from its summary."""
    content = _read_summary(path)
    costs = {name: content.get(name) for name in COSTS}
    parameters = content.get("parameters") or {}
    costs |= {f"{network}_parameters": parameters.get(network) for network in ("generator", "discriminator")}
    try:
        batches = int(content["batches"])
        plan = content.get("preregistration") or {}
        settings = about.pop("settings") or _settings_of_summary(content)
        return Run(
            choices=_choices_of_summary(content),
            seed=int(content["seed"]),
            batches=batches,
            finished=content["finished"] is True,
            metrics={name: value for name, value in _scores(content.get("metrics")).items() if is_metric(name)},
            real_photos=_scores(content.get("real_photos")),
            untrained=_scores(content.get("untrained")),
            costs=_numbers(costs),
            settings={**settings, **settings_of_plan(plan), "batches": batches},
            facts=_facts(content, plan),
            protocols={str(name): str(line) for name, line in (content.get("protocols") or {}).items()},
            ended=path.stat().st_mtime,
            **about,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError(f"{path}: not the summary of a run ({type(error).__name__}: {error}).") from error


def _from_curves(folder: Path, config: Mapping[str, Any], about: dict[str, Any]) -> Run:
    """The run from its configuration and metrics."""
    curves = about["curves"]
    metrics, real, untrained = last_metrics(curves)
    batches, wanted = last_batch(curves), total_batches(config)
    newest = max((path.stat().st_mtime for path in (folder / METRICS, folder / CONFIG) if path.is_file()), default=0.0)
    seed, plan = int(config.get("seed") or 0), _plan(config)
    record = plan.record(seed) if plan else {}
    about["settings"] = {**about["settings"], **settings_of_plan(record), "batches": batches}
    return Run(
        choices=choices_of_config(config, _choices(folder)),
        seed=seed,
        batches=batches,
        # If the requested number of batches is unknown, runs of other lengths form other groups.
        finished=batches > 0 and (wanted is None or batches >= wanted),
        metrics=metrics,
        real_photos=real,
        untrained=untrained,
        costs=typical_speed(curves),
        facts=_facts({"name": config.get("name") or None}, record),
        ended=newest,
        **about,
    )


def _read_summary(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{path}: corrupt, not JSON ({error}). Delete it to read the run from its {METRICS}, or train it again."
        ) from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path}: not the summary of a run: it holds a {type(content).__name__}.")
    if content.get("version") != _VERSION:
        raise ConfigurationError(
            f"{path}: version {content.get('version')} of a summary, but this report reads version {_VERSION}. "
            "Use the version of panoptic-oasis that wrote it."
        )
    groups = ("metrics", "real_photos", "untrained")
    return content | {name: migrated_metrics(content[name]) for name in groups if isinstance(content.get(name), dict)}


def _read_config(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path}: corrupt, not YAML ({str(error).splitlines()[0]}).") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path}: not the configuration of a run: it holds a {type(content).__name__}.")
    return migrated(content, path)


def _plan(config: Mapping[str, Any]) -> Preregistration | None:
    plan = config.get("preregistration")
    return Preregistration(plan["name"], plan["arm"], plan["stages"]) if plan else None


def _facts(content: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, str]:
    known = {**content, "arm": plan.get("arm")}
    return {name: str(known[name]) for name in _FACTS if known.get(name) is not None}


def _choices(folder: Path) -> dict[str, str]:
    """The chosen option of each group, if Hydra recorded it."""
    try:
        content = yaml.safe_load((folder / ".hydra" / "hydra.yaml").read_text(encoding="utf-8"))
        return dict(content["hydra"]["runtime"]["choices"])
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, ValueError):
        return {}


def _settings_of_summary(content: Mapping[str, Any]) -> dict[str, Any]:
    dataset = content.get("dataset") or {}
    facts = dataset if isinstance(dataset, Mapping) else {"dataset": dataset}
    return {f"data.{name}": value for name, value in sorted(facts.items())} | {
        "data.batch_size": content.get("batch_size")
    }


def _choices_of_summary(content: Mapping[str, Any]) -> dict[str, str]:
    known = dict(content.get("choices") or {part: content[part] for part in ALWAYS})  # earlier: these two
    for part, name_of in (("encoding", encoding_name), ("discriminator", discriminator_name)):
        known[part] = name_of(known[part]) if isinstance(known[part], Mapping) else known[part]
    return choices_of_parts(known)


def _scores(values: Any) -> dict[str, float]:
    return migrated_metrics(_numbers(values))


def _numbers(values: Any) -> dict[str, float]:
    """The entries of a mapping that are numbers."""
    known = {name: value for name, value in (values or {}).items() if isinstance(value, int | float)}
    return {str(name): float(value) for name, value in known.items() if not isinstance(value, bool)}
