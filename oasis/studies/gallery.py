"""The picture of a README: label maps, pictures of baseline and best encoding, or of all arms, and photos."""

from collections.abc import Sequence
from pathlib import Path

import torch

from oasis.errors import ConfigurationError
from oasis.evaluation import EvaluatedModel
from oasis.metrics.names import describe
from oasis.studies.arms import Arm
from oasis.studies.samples import NOISE_SEED, SPLIT, generate_with
from oasis.studies.study import RunGroup
from oasis.visualize import colorize, colorize_instances, sample_grid

# The metric that chooses the best encoding by default: the first of these that was measured.
_CHOSEN_BY = (
    "segmenter/pq_things",
    "segmenter/pq",
    "segmenter/touching_recall",
    "segmenter/miou",
    "fid",
    "segmenter/frechet",
)


def write_gallery(
    group: RunGroup, path: Path, *, streets: int = 4, metric: str | None = None, every_arm: bool = False
) -> list[str]:
    """Write a grid of label map, instances, baseline, best other encoding and photo, one row per street.

    The streets are those of the validation split with the most instances, where encodings differ most: chosen by their
    label maps, never by the generated pictures.

    Args:
        group: whose arms are shown.
        path: the PNG to write.
        streets: rows.
        metric: its mean determines the best encoding; None = PQ of things, or the first other one measured.
        every_arm: show all arms instead of baseline and best.

    Returns:
        Notes for the reader of the picture.

    Raises:
        ConfigurationError: no other encoding, or no checkpoint.
    """
    notes: list[str] = []
    arms = group.arms if every_arm else _baseline_and_best(group, metric, notes)
    generated = generate_with(group, arms, lambda model: most_crowded(model, streets), notes)
    needed = generated is not None and (every_arm or arms[-1] in generated.fakes)
    if generated is None or not needed:
        raise ConfigurationError(
            "gallery: " + " ".join(notes[not every_arm :]) + " Name runs that still have checkpoints/last.ckpt."
        )
    batch = generated.batch
    pairs = zip(batch.instance.cpu(), batch.image.cpu(), strict=True)
    shown = {
        "label map": colorize(batch.label, generated.label_space.palette),
        "instances": torch.stack([colorize_instances(instance, photo) for instance, photo in pairs]),
        **{str(arm): fake for arm, fake in generated.fakes.items()},
        "photo": batch.image,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    sample_grid(shown).save(path)
    return notes


def _baseline_and_best(group: RunGroup, metric: str | None, notes: list[str]) -> list[Arm]:
    """The baseline of the best other encoding, if it has been run, and that encoding."""
    chosen_by = metric or next((name for name in _CHOSEN_BY if name in group.metrics), None)
    best = None if chosen_by is None else best_arm(group, chosen_by)
    if best is None or chosen_by is None:
        raise ConfigurationError(
            f"gallery: no encoding but {group.baseline} has a {chosen_by or 'metric'}, of {group.metrics}; name "
            "another metric, or more runs."
        )
    notes.append(f"Best by {describe(chosen_by).title}, mean over seeds: {best}.")
    return [arm for arm in (best.choosing(encoding=group.baseline), best) if arm in group.arms]


def best_arm(group: RunGroup, metric: str) -> Arm | None:
    """The arm with the best mean of a metric, without the baseline's encoding; None if there is none."""
    scores = {arm: group.score(arm, metric) for arm in group.arms if arm.encoding != group.baseline}
    means = {arm: score.mean for arm, score in scores.items() if score is not None}
    sign = 1 if describe(metric).higher_is_better else -1
    return max(means, key=lambda arm: sign * means[arm], default=None)


def most_crowded(model: EvaluatedModel, count: int) -> Sequence[int]:
    """Indices of the label maps of the validation split with the most instances, in descending order."""
    size = len(model.data.dataset(SPLIT))
    crowds: list[int] = []
    for samples in model.data.loader_of(SPLIT, range(size)):
        batch = model.data.encode(samples, seed=NOISE_SEED)
        crowds += [int((instance.unique() > 0).sum()) for instance in batch.instance]
    return sorted(range(size), key=lambda place: (-crowds[place], place))[:count]
