"""Overall tests of factors: against all permutations, and against chance."""

import itertools
import math
from functools import partial

import numpy as np
import pytest
from made_up_runs import make_run

from oasis.studies import assemble
from oasis.studies.overall import DRAWS, factors, level_apart, overall_conclusions, permutation_p_value

ENCODINGS = ("semantic", "boundary", "position")


def by_every_rearrangement(table):
    """A slow reference: all permutations of the levels within each block."""

    def between(rows):
        means = [sum(column) / len(column) for column in zip(*rows, strict=True)]
        grand = sum(means) / len(means)
        return sum((mean - grand) ** 2 for mean in means)

    seen = between(table)
    deals = list(itertools.product(*(itertools.permutations(row) for row in table)))
    return sum(between(deal) >= seen - 1e-12 for deal in deals) / len(deals)


@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_share_of_all_rearrangements(seed):
    table = np.random.default_rng(seed).normal(size=(3, 3)) + np.arange(3) * 0.7 * seed
    expected = by_every_rearrangement(table.tolist())
    error = 4 * math.sqrt(expected * (1 - expected) / DRAWS) + 1 / DRAWS
    assert permutation_p_value(table) == pytest.approx(expected, abs=error)


def by_every_choice(table, place):
    """The p of one level against the others, slowly: any of each block's numbers might have been its own."""

    def distance(chosen):
        taken = sum(row[column] for row, column in zip(table, chosen, strict=True))
        left = sum(map(sum, table)) - taken
        return abs(taken / len(table) - left / (len(table) * (len(table[0]) - 1)))

    seen = distance([place] * len(table))
    choices = list(itertools.product(range(len(table[0])), repeat=len(table)))
    return sum(distance(chosen) >= seen - 1e-12 for chosen in choices) / len(choices)


@pytest.mark.parametrize("place", range(4))
def test_one_level_against_the_others_is_the_share_of_all_choices(place):
    table = np.random.default_rng(place).normal(size=(4, 4)) + np.eye(4)[2] * 0.9
    expected = by_every_choice(table.tolist(), place)
    error = 4 * math.sqrt(expected * (1 - expected) / DRAWS) + 1 / DRAWS
    assert permutation_p_value(table, partial(level_apart, place)) == pytest.approx(expected, abs=error)


def test_what_stays_the_same_in_all_blocks_is_found_under_what_differs_between_them():
    blocks = np.random.default_rng(0).normal(scale=100, size=(6, 1))
    levels = np.random.default_rng(1).normal(size=(1, 9))
    assert permutation_p_value(blocks + levels) == 1 / (1 + DRAWS)
    assert permutation_p_value(np.broadcast_to(blocks, (6, 9))) == 1.0  # no level differs


def test_where_nothing_matters_one_in_twenty_is_below_a_twentieth():
    tables = np.random.default_rng(5).normal(size=(200, 4, 3))
    share = np.mean([permutation_p_value(table) < 0.05 for table in tables])
    assert 0.01 < share < 0.10


def runs(value):
    return [
        make_run(encoding, seed, value(encoding, seed, discriminator), discriminator=discriminator)
        for encoding in ENCODINGS
        for discriminator in ("oasis", "panoptic")
        for seed in range(3)
    ]


def test_each_factor_is_tested_among_runs_that_differ_in_it_alone():
    noise = np.random.default_rng(0)
    group = assemble(runs(lambda e, s, d: 0.1 * ENCODINGS.index(e) + s + 1e-3 * noise.normal())).groups[0]
    encoding, semantic, discriminator, seed = factors(group)
    assert (semantic.name, semantic.levels, semantic.blocks) == ("semantic or another", 2, 3)
    assert semantic.p_values["segmenter/pq"] == pytest.approx(1 / 3**3, abs=0.006)  # each seed's lowest by chance
    assert (encoding.name, encoding.levels, encoding.blocks) == ("encoding", 3, 3)
    assert (discriminator.levels, discriminator.blocks) == (2, 3)
    assert (seed.levels, seed.blocks) == (3, 6)
    assert encoding.p_values["segmenter/pq"] == pytest.approx(1 / 6**2, abs=0.006)  # three rows in one order
    assert seed.p_values["segmenter/pq"] < 0.001
    assert discriminator.p_values["segmenter/pq"] > 0.05
    told = overall_conclusions([encoding, discriminator])
    assert told[0].startswith("All 3 encodings at once, with 3 seeds: it matters for PQ (p = 0.02")
    assert told[1].startswith("All 2 discriminators at once, with 3 seeds: it cannot be shown to matter for PQ")


def test_runs_of_one_seed_are_one_repetition_whatever_else_they_differ_in():
    # First weights decide which encoding is lucky with a seed, under either discriminator alike.
    draw = np.random.default_rng(7)
    below = []
    for _ in range(60):
        luck = draw.normal(size=(3, 3))
        some = runs(lambda e, s, d, luck=luck: luck[ENCODINGS.index(e), s] + 0.1 * draw.normal())
        below.append([factor.p_values["segmenter/pq"] < 0.05 for factor in factors(assemble(some).groups[0])[:2]])
    assert np.mean(below, axis=0).max() < 0.15  # 0.05 and chance; six blocks would find something in 0.25


def test_a_baseline_that_is_last_in_three_blocks_of_four_is_so_by_chance_once_in_64():
    noise = {
        "semantic": (0.0, 0.0, 0.0),
        "boundary": (0.8, 0.9, 0.8),
        "position": (0.9, 0.8, 0.9),
        "panoptic": (1.0, 0.7, 0.7),
    }
    some = [make_run(encoding, seed, value) for encoding, values in noise.items() for seed, value in enumerate(values)]
    _, semantic, _ = factors(assemble(some).groups[0])
    assert semantic.p_values["segmenter/pq"] == pytest.approx(1 / 4**3, abs=0.006)
    assert overall_conclusions([semantic])[0].startswith(
        "semantic against the 3 others taken together, with 3 seeds: it matters"
    )


def test_blocks_with_a_run_missing_are_left_out():
    some = [run for run in runs(lambda e, s, d: 0.3) if (run.encoding, run.seed) != ("position", 2)]
    encoding, semantic = factors(assemble(some).groups[0])[:2]
    assert (encoding.levels, encoding.blocks, semantic.blocks) == (3, 2, 2)
    assert encoding.p_values["segmenter/pq"] == 1.0


def test_the_order_of_the_runs_does_not_matter():
    noise = np.random.default_rng(1)
    some = runs(lambda e, s, d: noise.normal())
    assert factors(assemble(some).groups[0]) == factors(assemble(some[::-1]).groups[0])


def test_a_number_that_is_missing_is_no_number():
    some = [
        make_run(e, s, metrics={"segmenter/pq": 0.3, "segmenter/miou": math.nan}) for e in ENCODINGS for s in (0, 1)
    ]
    p_values = factors(assemble(some).groups[0])[0].p_values
    assert set(p_values) == {"segmenter/pq"} or math.isnan(p_values["segmenter/miou"])


def test_with_one_other_encoding_or_no_baseline_there_is_no_second_question():
    two = [make_run(e, s, 0.1 * s) for e in ENCODINGS[:2] for s in range(3)]
    assert [factor.name for factor in factors(assemble(two).groups[0])] == ["encoding", "seed"]
    without = [run for run in runs(lambda e, s, d: 0.1 * s) if run.encoding != "semantic"]
    assert "semantic or another" not in [factor.name for factor in factors(assemble(without).groups[0])]


def test_one_arm_or_one_seed_cannot_be_tested():
    assert factors(assemble([make_run(seed=s) for s in range(3)]).groups[0]) == []
    assert factors(assemble([make_run(e) for e in ENCODINGS]).groups[0]) == []
