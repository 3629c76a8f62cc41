"""From a pilot to the number of seeds: against published numbers of pairs and simulated experiments."""

import math

import numpy as np
import pytest
from planned_runs import AWARE, two_arms
from scipy import stats

from experiments.panoptic_networks import plan
from experiments.panoptic_networks.power import effect_shown, pairs_needed, power, report, spreads
from oasis.errors import ConfigurationError
from oasis.studies import write_runs_table


@pytest.fixture
def table(tmp_path):
    def write(runs):
        write_runs_table(runs, tmp_path / "runs.csv")
        return tmp_path / "runs.csv"

    return write


# Published pairs of a two-sided paired t test: G*Power's manual and tables after Cohen 1988.
@pytest.mark.parametrize(
    ("effect", "wanted", "pairs"), [(0.5, 0.8, 34), (0.5, 0.9, 44), (0.5, 0.95, 54), (0.8, 0.8, 15), (0.2, 0.8, 199)]
)
def test_numbers_of_pairs_are_the_published_ones(effect, wanted, pairs):
    assert pairs_needed(effect, 1.0, wanted, 0.05) == pairs


def test_power_is_the_share_of_simulated_experiments():
    draws = np.random.default_rng(0)
    for effect, spread, pairs, alpha in ((3.0, 2.0, 8, 0.01 / 7), (1.0, 2.0, 5, 0.05), (0.0, 1.0, 4, 0.1)):
        p_values = stats.ttest_1samp(draws.normal(effect, spread, (20_000, pairs)), 0, axis=1).pvalue
        error = math.sqrt(0.25 / 20_000)
        assert power(effect, spread, pairs, alpha) == pytest.approx(np.mean(p_values < alpha), abs=3.5 * error)
    assert power(50.0, 1.0, 30, 0.001) == pytest.approx(1.0)
    with pytest.raises(ConfigurationError, match=r"An effect of 0\.01 with a spread of 5 needs more than 1000 seeds"):
        pairs_needed(0.01, 5.0, 0.9, 0.01)


def test_a_pilot_gives_the_number_of_seeds(table):
    pilot = table(two_arms([0.10, 0.12, 0.11], [0.13, 0.17, 0.12], 100, stage="pilot"))
    assert spreads(pilot) == pytest.approx({AWARE: 2.0})  # 3, 5, 1 points
    text = report(pilot, effect=3.0, wanted=0.9, arms=7, alpha=0.01)
    number = pairs_needed(3.0, 2.0, 0.9, 0.01 / 7)
    assert f"An effect of 3 points takes {number} seeds" in text
    assert number < 20
    shown = [f"{effect_shown(2.0, count, 0.9, 0.01 / 7):.1f}" for count in (4, 8, 12)]
    assert f"| panoptic\\_aware | 2.00 | {' | '.join(shown)} |" in text
    assert f"**Seeds: 12**, which show {shown[-1]} points." in text


@pytest.mark.parametrize(("spread", "pairs"), [(2.0, 4), (10.0, 12), (0.3, 30)])
def test_the_effect_shown_has_the_power(spread, pairs):
    effect = effect_shown(spread, pairs, 0.9, 0.01)
    assert power(effect, spread, pairs, 0.01) == pytest.approx(0.9, abs=0.002)


@pytest.mark.parametrize(
    ("runs", "told"),
    [
        (two_arms([0.1], [0.2], 100, stage="pilot"), "have 1 seeds in common .* a spread needs two"),
        (two_arms([0.1, 0.1], [0.2, 0.2]), "is of plan panoptic_networks, stage confirmation, not of .* pilot"),
        (two_arms([0.1, 0.2], [], 100, stage="pilot"), "there is no spread to plan with"),
    ],
    ids=["one seed", "confirmation", "one arm"],
)
def test_a_pilot_that_tells_nothing_is_refused(table, runs, told):
    with pytest.raises(ConfigurationError, match=told):
        spreads(table(runs))


@pytest.mark.skipif(not (plan.RESULTS / "pilot" / "runs.csv").is_file(), reason="the pilot has not been run")
def test_the_committed_number_of_seeds_follows_from_the_committed_pilot():
    pilot = plan.RESULTS / "pilot" / "runs.csv"
    assert (pilot.parent / "power.md").read_text(encoding="utf-8") == report(pilot, 3.0, 0.9, 7, 0.01)
