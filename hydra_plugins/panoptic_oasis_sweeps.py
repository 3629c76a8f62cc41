"""`python train.py -m seed=0,1`: folders of a sweep that are short, and the same whenever it is started again.

Hydra loads what lies in a folder of this name.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.experimental.callback import Callback
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict

# What conf/train.yaml says of folders; an experiment or a command line that says otherwise is left alone.
_DIR, _SUBDIR = "${paths.output_dir}", "${hydra.job.num}"
_OUTPUT = "paths.output_dir="
_ASIDE = ("hydra", "paths.", "resume", "logger", "summary")  # how keys begin that do not make it another sweep
_LONGEST = 100  # characters of a folder's name; file systems take 255 bytes


class FoldersOfSweeps(Callback):
    """Puts `NamingSweeper` in the place of Hydra's own sweeper, but not of one that somebody chose."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Called before the sweeper is made."""
        basic = f"{BasicSweeper.__module__}.{BasicSweeper.__name__}"
        if config.hydra.sweeper._target_ == basic:
            config.hydra.sweeper._target_ = f"{NamingSweeper.__module__}.{NamingSweeper.__name__}"


class NamingSweeper(BasicSweeper):
    """All combinations of values, as Hydra's own, in folders `NAME/sweep_ID/SETTINGS`.

    ID is of the settings that all jobs share, SETTINGS are those that differ: the same command finds its folders again.
    """

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Say where the folders of all jobs are."""
        sweep: Any = OmegaConf.to_container(config.hydra.sweep, resolve=False)
        asked = list(config.hydra.overrides.task)
        self._folder: str | None = None
        if (sweep["dir"], sweep["subdir"]) == (_DIR, _SUBDIR) and not any(one.startswith(_OUTPUT) for one in asked):
            self._folder = f"${{paths.runs}}/${{name}}/sweep_{sweep_id(asked)}"
            with open_dict(config):
                config.hydra.sweep.dir = self._folder
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)

    def split_arguments(  # type: ignore[override]  # static there
        self, overrides: list[Override], max_batch_size: int | None
    ) -> list[list[list[str]]]:
        """Batches of jobs, each a list of settings, with its folder among them."""
        batches = BasicSweeper.split_arguments(overrides, max_batch_size)
        if self._folder is None:
            return batches
        names = iter(job_names([job for batch in batches for job in batch]))
        return [
            [[*job, f"hydra.sweep.dir='{self._folder}'", f"hydra.sweep.subdir={next(names)}"] for job in batch]
            for batch in batches
        ]


def sweep_id(asked: Sequence[str]) -> str:
    """Six hexadecimal digits of the settings that all jobs of a sweep share.

    Args:
        asked: settings as they were given.
    """
    shared = [one for one in OverridesParser.create().parse_overrides(list(asked)) if not one.is_sweep_override()]
    lines = (str(one.input_line) for one in shared if not one.key_or_group.startswith(_ASIDE))
    return _digest(sorted(lines))


def job_names(jobs: Sequence[Sequence[str]]) -> list[str]:
    """A name for each job: the settings in which it differs, without slashes and what a command line needs quotes for.

    Args:
        jobs: settings of each, `key=value`.
    """
    counts = Counter(setting for job in jobs for setting in set(job))
    swept = [[setting for setting in job if counts[setting] < len(jobs)] for job in jobs]
    names = ["_".join(map(_plain, settings)) or "run" for settings in swept]
    taken = Counter(names)
    return [
        name if len(name) <= _LONGEST and taken[name] == 1 else f"{name[: _LONGEST - 7]}_{_digest(settings)}"
        for name, settings in zip(names, swept, strict=True)
    ]


def _plain(setting: str) -> str:
    key, _, value = setting.partition("=")
    return f"{_word(key.rsplit('.', 1)[-1])}-{_word(value)}"


def _word(text: str) -> str:
    others = "[^A-Za-z0-9.+-]+"
    return re.sub(others, "-", re.sub(f"^{others}|{others}$", "", text))


def _digest(settings: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(settings).encode()).hexdigest()[:6]
