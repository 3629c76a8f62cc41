"""What is reported beside the announced test, without a claim; see the README, "Test"."""

import statistics
from collections.abc import Iterator, Mapping, Sequence

from experiments.panoptic_networks.plan import BASELINE, NAME, PRIMARY, arm_of, scores
from oasis.metrics import describe
from oasis.report import Cell, Table, cells
from oasis.report.markdown import table_as_markdown
from oasis.report.numbers import NOT_AVAILABLE
from oasis.studies import RunGroup
from oasis.studies.differences import Difference
from oasis.studies.run import Run
from oasis.studies.tables import difference_text

DISTANCE, QUALITY = "segmenter/frechet", "segmenter/rq_things"
MARGIN = 0.1  # of the baseline's distance, above which photos are not called as realistic
COMBINATION = f"{NAME}/combination"
PARTS = (f"{NAME}/instance_noise", f"{NAME}/panoptic_aware")


def supplement(group: RunGroup, arms: Sequence[str]) -> Iterator[str]:
    """The lines of the page about more than the test.

    Args:
        group: all runs.
        arms: without the baseline.
    """
    yield from ("## Beside the test", "")
    yield (
        "Arm minus twice `semantic`, with its 95 % interval; the share of the gap between `semantic` and photos that "
        "it closes; its Fréchet distance relative to that of `semantic`, and whether it is shown to be no worse, which "
        f"means that the upper end of the interval of the difference is below {100 * MARGIN:g} % of the mean of "
        "`semantic`; recognition quality of things, which counts instances found where there are none; what the "
        "untrained generator reaches; costs."
    )
    yield from ("", table_as_markdown(_beside(group, arms)), "")
    if {COMBINATION, *PARTS} <= set(arms):
        yield from ("## The combination and its parts", "", table_as_markdown(_parts(group)), "")


def _beside(group: RunGroup, arms: Sequence[str]) -> Table:
    heads = ("arm", "minus twice", "gap closed %", "Fréchet, times", "shown no worse", "RQ things %", "untrained %",
             "G, M parameters", "minutes")  # fmt: skip
    return Table(cells(*heads), tuple(_row(group, arm) for arm in (BASELINE, *arms)))


def _row(group: RunGroup, arm: str) -> tuple[Cell, ...]:
    found, base = scores(group, arm, PRIMARY), scores(group, BASELINE, PRIMARY)
    double = Difference.between(found, {seed: 2 * value for seed, value in base.items()})
    gain, photos = Difference.between(found, base).mean, group.runs[0].real_photos.get(PRIMARY)
    closed = None if photos is None else gain / (photos - statistics.fmean(base.values()))
    far, base_far = scores(group, arm, DISTANCE), scores(group, BASELINE, DISTANCE)
    allowed = MARGIN * statistics.fmean(base_far.values())
    no_worse = "yes" if Difference.between(far, base_far).interval[1] < allowed else "no"
    runs = [run for run in group.runs if arm_of(run) == arm]
    return cells(
        arm.split("/")[-1],
        NOT_AVAILABLE if arm == BASELINE else difference_text(double, describe(PRIMARY)),
        NOT_AVAILABLE if arm == BASELINE or closed is None else f"{100 * closed:.0f}",
        f"{statistics.fmean(far.values()) / statistics.fmean(base_far.values()):.2f}",
        NOT_AVAILABLE if arm == BASELINE else no_worse,
        _mean(scores(group, arm, QUALITY), 100),
        _mean({run.seed: run.untrained[PRIMARY] for run in runs if PRIMARY in run.untrained}, 100),
        _mean(_costs(runs, "generator_parameters"), 1e-6, 2),
        _mean(_costs(runs, "seconds"), 1 / 60),
    )


def _costs(runs: Sequence[Run], name: str) -> dict[int, float]:
    return {run.seed: run.costs[name] for run in runs if name in run.costs}


def _mean(values: Mapping[int, float], factor: float, decimals: int = 1) -> str:
    return f"{factor * statistics.fmean(values.values()):.{decimals}f}" if values else NOT_AVAILABLE


def _parts(group: RunGroup) -> Table:
    """The combination against each part, and what both gain beyond the sum of the parts' gains."""
    both, *parts, base = (scores(group, arm, PRIMARY) for arm in (COMBINATION, *PARTS, BASELINE))
    compared = {f"minus {arm.split('/')[-1]}": part for arm, part in zip(PARTS, parts, strict=True)}
    seeds = set(base).intersection(*parts)
    compared["minus the sum of the gains"] = {
        seed: sum(part[seed] for part in parts) - base[seed] for seed in sorted(seeds)
    }
    rows = [
        cells(name, difference_text(Difference.between(both, other), describe(PRIMARY)))
        for name, other in compared.items()
    ]
    return Table(cells("combination", describe(PRIMARY).heading), tuple(rows))
