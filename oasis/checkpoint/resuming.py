"""Finding the checkpoint that a run resumes from."""

import glob
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import torch
from hydra.utils import instantiate

from oasis.checkpoint.finding import find_checkpoint, is_on_hub
from oasis.checkpoint.reading import counts, load
from oasis.checkpoint.restoring import restored_label_space
from oasis.data import LabelMapDataModule
from oasis.errors import CheckpointError, NothingToTrainError, OasisError
from oasis.labels import LabelSpace
from oasis.run_names import LAST
from oasis.training.runs.identity import differences, listed, other_settings
from oasis.training.runs.run_folder import SEARCHING, read_config

# Settings that must be equal for the weights and the order of the data to fit.
_SAME = ("encoding", "generator", "discriminator", "data.batch_size")
_MEANINGLESS_ONCE_TRAINED = ("init_gain", ".fast", ".sparse", ".merge_resampling", ".weights_file")
_DATA = LabelMapDataModule.__name__
_NEEDED = ("loops", "optimizer_states", "callbacks", _DATA)
_STEM = Path(LAST).stem

_Found = tuple[Path, dict[str, Any]]  # a checkpoint and its configuration
_Fits = Callable[[Path, Mapping[str, Any]], bool]


def find_to_resume(
    resume: str | None,
    runs: str | Path,
    config: Mapping[str, Any],
    job: str | None = None,
    folder: Path | None = None,
) -> Path | None:
    """The checkpoint to resume from, checked to be intact and to fit the run.

    Args:
        resume: None = start anew; `last` = the newest good one of this experiment below `runs`, which may be meant to
            be longer; `auto` = the same, but start anew if there is none, so that one command line serves the first
            start and all others; else a path.
        runs: the folder of the runs of one name.
        config: the resolved configuration of the run about to start.
        job: the name of this run's folder, if it is a job of a sweep: `last` and `auto` then search only folders of
            this name. None = it is not such a job.
        folder: this run's own folder. If it has a good checkpoint, the run was interrupted: it resumes from there,
            unless `resume` is a path. None = it has none.

    Returns:
        Its path; None to start anew.

    Raises:
        CheckpointError: not found; see `load`; or the checkpoint was written by another configuration.
    """
    found = None
    if resume is not None and resume not in SEARCHING:
        found = _named(find_checkpoint(str(resume)) if is_on_hub(str(resume)) else Path(str(resume)))
    elif folder is not None:
        found = _first_good(_newest_first(folder.glob("checkpoints/*.ckpt")))
    if found is None and resume in SEARCHING:
        found = _among_runs(str(resume), Path(runs), job, config)
    if found is None:
        return None
    path, written = found
    _require_fitting(path, written, config)
    return path


def _require_fitting(path: Path, written: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    """Refuse a checkpoint whose weights or order of the data do not fit a run."""
    classes = _other_classes(config, written, path)
    told = [f"label_space: {classes}"] if classes else []
    told += [
        f"{key}: {ours} now, {theirs} in the checkpoint"
        for name in _SAME
        for key, ours, theirs in differences(_compared(config, name), _compared(written, name), name)
        if not key.endswith(_MEANINGLESS_ONCE_TRAINED)
    ]
    if told:
        raise CheckpointError(
            f"{path} was written by another configuration:\n  " + "\n  ".join(told) + "\nResume it with the "
            "settings it was written with, or start anew without resume."
        )


def _other_classes(config: Mapping[str, Any], written: Mapping[str, Any], path: Path) -> str:
    """In what the classes of a run differ from those of its checkpoint, in words; empty if they are the same."""
    ours, theirs = config.get("label_space"), written.get("label_space")
    if ours == theirs:
        return ""
    if ours is None or theirs is None:
        return f"{ours} now, {theirs} in the checkpoint"
    space: LabelSpace = instantiate(ours)
    return space.differences(restored_label_space(theirs, path), "now", "in the checkpoint")


def _compared(config: Mapping[str, Any], dotted: str) -> object:
    return _without_classes(_look_up(config, dotted))


def _without_classes(part: object) -> object:
    """A part's settings without the label space, which is compared on its own."""
    if isinstance(part, Mapping):
        return {key: _without_classes(value) for key, value in part.items() if key != "label_space"}
    return [_without_classes(value) for value in part] if isinstance(part, list) else part


def require_something_left(path: Path, config: Mapping[str, Any], folder: Path) -> None:
    """Refuse a checkpoint that has reached the `max_epochs` or `max_steps` of the run to resume.

    Not in the run's own folder: that run may have been interrupted before it wrote its summary.

    Args:
        path: from `find_to_resume`.
        config: the resolved configuration of the run about to start.
        folder: this run's own.

    Raises:
        NothingToTrainError: the message names the limit to raise.
    """
    if path.resolve().is_relative_to(folder.resolve()):
        return
    checkpoint = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    done = {
        "max_epochs": _look_up(checkpoint, "loops.fit_loop.epoch_progress.current.processed"),
        "max_steps": checkpoint.get("global_step"),
    }
    for name, reached in done.items():
        limit = _look_up(config, f"trainer.{name}")
        if isinstance(limit, int) and isinstance(reached, int) and 0 <= limit <= reached:
            raise NothingToTrainError(
                f"{path}: training is complete (trainer.{name}={limit}). Nothing was written. To train on, raise "
                f"trainer.{name}."
            )


def _among_runs(resume: str, runs: Path, job: str | None, config: Mapping[str, Any]) -> _Found | None:
    """The newest good checkpoint of this experiment below a folder.

    Raises:
        CheckpointError: there is none, but `resume` is `last`.
    """
    within = "**" if job is None else f"*/{glob.escape(job)}"  # a sweep's folder, a job's in it
    foreign = []

    def is_ours(path: Path, written: Mapping[str, Any]) -> bool:
        others = other_settings(config, written)
        if others:
            told = listed(others, "in the checkpoint")
            foreign.append(f"{path} was passed over, it is of another experiment:\n{told}\n")
        return not others

    found = _first_good(_newest_first(runs.glob(f"{within}/checkpoints/*.ckpt")), is_ours)
    if found is None and resume == "last":
        below = runs if job is None else Path(runs, "*", job)
        newest = f"{foreign[0]}To go on from it all the same, name it (resume=FILE). Else leave" if foreign else "Leave"
        raise CheckpointError(
            f"resume=last: no run below {below} has an intact checkpoints/{LAST} of this experiment. {newest} resume "
            "out, or use resume=auto."
        )
    if found is None and foreign:
        warnings.warn(f"resume=auto starts anew. {foreign[0]}", stacklevel=2)
    return found


def _resumable(path: Path) -> dict[str, Any]:
    """An intact checkpoint with everything that training needs, which is more than generating needs."""
    checkpoint = load(path)
    missing = [name for name in _NEEDED if name not in checkpoint]
    if missing:
        raise CheckpointError(
            f"{path}: it holds no {', '.join(missing)}: it can generate, but training cannot resume from it."
        )
    if not counts(checkpoint[_DATA], "batches_served"):
        raise CheckpointError(f"{path}: it does not say how far the data was read; a run cannot resume from it.")
    return checkpoint


def _newest_first(paths: Iterable[Path]) -> list[Path]:
    """Checkpoints of a run's last state, newest first: `last` and its numbered predecessors."""
    kept = [path for path in paths if path.is_file() and path.stem.startswith((_STEM, "batch_"))]
    return sorted(kept, key=lambda path: (path.stat().st_mtime_ns, path.name == LAST), reverse=True)


def _first_good(candidates: Iterable[Path], fits: _Fits | None = None) -> _Found | None:
    """The first readable one and its configuration; warns of damaged ones before it.

    Args:
        candidates: the newest first.
        fits: whether a run can go on from a file with this configuration; None = from any.
    """
    config_in = cache(_config_in)
    passed_over = False
    for path in candidates:
        if fits is not None and (told := config_in(path.parent.parent)) is not None and not fits(path, told):
            continue  # a long file need not be read
        try:
            config = _resumable(path)["config"]
        except CheckpointError as error:
            warnings.warn(f"Passed over: {error}", stacklevel=2)
            passed_over = True
            continue
        if fits is not None and not fits(path, config):
            continue
        if passed_over:
            warnings.warn(f"Going on from {path}, which is older.", stacklevel=2)
        return path, config
    return None


def _config_in(folder: Path) -> dict[str, Any] | None:
    """The configuration in the folder of a run; None if it cannot be read."""
    with suppress(OasisError):
        return read_config(folder)
    return None


def _named(path: Path) -> tuple[Path, dict[str, Any]]:
    try:
        return path, _resumable(path)["config"]
    except CheckpointError as error:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            beside = _first_good([other for other in _newest_first(path.parent.glob("*.ckpt")) if other != path])
        if beside is None:
            raise
        raise CheckpointError(f"{error} The newest good one beside it: resume={beside[0]}") from error


def _look_up(config: Mapping[str, Any], dotted: str) -> object:
    found: Any = config
    for name in dotted.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
