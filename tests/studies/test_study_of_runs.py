"""Groups and differences of runs, against numbers by hand."""

import math
import statistics

import pytest
from made_up_runs import make_run

from oasis.errors import ConfigurationError
from oasis.studies import assemble
from oasis.studies.arms import Arm
from oasis.studies.pairs import baseline_pairs, choice_pairs, comparisons
from oasis.studies.run import LeftOut
from oasis.studies.words import conclusions, how_to_read

SEMANTIC, BOUNDARY = Arm.of("semantic", "oasis"), Arm.of("boundary", "oasis")


def study_of(semantic, boundary, **more):
    runs = [make_run("semantic", seed, value) for seed, value in enumerate(semantic)]
    return assemble([*runs, *(make_run("boundary", seed, value) for seed, value in enumerate(boundary))], **more)


def test_scores_and_differences_are_those_worked_out_by_hand():
    study = study_of([0.30, 0.32, 0.34], [0.36, 0.37, 0.41])
    (group,) = study.groups
    assert not study.warnings
    score = group.score(BOUNDARY, "segmenter/pq")
    assert score.mean == pytest.approx(0.38)
    assert score.spread == pytest.approx(statistics.stdev([0.36, 0.37, 0.41]))
    one = group.difference(BOUNDARY, SEMANTIC, "segmenter/pq")  # 0.06, 0.05, 0.07
    half = 4.302653 * 0.01 / math.sqrt(3)
    assert one.mean == pytest.approx(0.06)
    assert one.interval == pytest.approx((0.06 - half, 0.06 + half), rel=1e-6)


def test_the_verdict_follows_the_interval_and_the_direction():
    def said(semantic, boundary, metric="segmenter/pq"):
        group = study_of(semantic, boundary).groups[0]
        runs = tuple(make_run(r.encoding, r.seed, metrics={metric: r.metrics["segmenter/pq"]}) for r in group.runs)
        group = assemble(runs).groups[0]
        return next(conclusions(group, baseline_pairs(group)))

    clear, unclear = ([0.30, 0.32, 0.34], [0.36, 0.37, 0.41]), ([0.30, 0.32, 0.34], [0.30, 0.37, 0.41])
    assert "better in PQ +6.00 [+3.52, +8.48] (sign-flip p = 0.25)" in said(*clear)
    assert "worse in PQ -6.00 [-8.48, -3.52]" in said(*clear[::-1])
    assert "better in FID -0.06" in said(*clear[::-1], metric="fid")
    assert said(*unclear).endswith("cannot be told apart with 3 seeds in PQ.")
    assert "better" not in said(*unclear)
    assert said([0.3], [0.4]).endswith("fewer than two common seeds in PQ.")


def test_what_cannot_be_told_comes_last_and_together():
    scores = {
        "semantic": [0.30, 0.32, 0.34],
        "boundary": [0.30, 0.37, 0.41],
        "panoptic": [0.36, 0.37, 0.41],
        "position": [0.28, 0.37, 0.31],
    }
    runs = [make_run(name, seed, pq) for name, values in scores.items() for seed, pq in enumerate(values)]
    group = assemble(runs).groups[0]
    first, last = conclusions(group, baseline_pairs(group))
    assert first.startswith("panoptic / oasis against semantic / oasis: better in PQ")
    words = "cannot be told apart with 3 seeds in PQ."
    assert last == f"boundary / oasis and position / oasis against semantic / oasis: {words}"


def test_seeds_are_paired_by_their_number_not_by_their_place():
    runs = [make_run("semantic", seed, 0.1 * seed) for seed in (0, 1, 2)]
    runs += [make_run("boundary", seed, 0.1 * seed + 0.01) for seed in (2, 1, 5)]
    one = assemble(runs).groups[0].difference(BOUNDARY, SEMANTIC, "segmenter/pq")
    assert dict(one.values) == pytest.approx({1: 0.01, 2: 0.01})


def test_how_wide_intervals_are_is_said():
    group = study_of([0.30, 0.32, 0.34], [0.36, 0.37, 0.41]).groups[0]
    text = " ".join(how_to_read(comparisons(group)))
    assert "With 3 seeds an interval reaches 2.48 standard deviations" in text
    assert "it is wide" in text
    assert "no p below 0.25 with 3 pairs, so that by itself it can never reach 0.05" in text
    assert "These tables hold 1 interval." in text
    alone = study_of([0.3], [0.4]).groups[0]
    assert "there are no intervals" in how_to_read(comparisons(alone))[0]


def test_discriminators_are_compared_within_an_encoding():
    runs = [
        make_run(e, s, 0.3, discriminator=d)
        for e in ("semantic", "boundary")
        for d in ("oasis", "panoptic")
        for s in (0, 1)
    ]
    group = assemble(runs).groups[0]
    assert [str(arm) for arm in group.arms] == [
        "semantic / oasis", "boundary / oasis", "semantic / panoptic", "boundary / panoptic"
    ]  # fmt: skip
    assert [str(arm) for arm, _ in baseline_pairs(group)] == ["boundary / oasis", "boundary / panoptic"]
    assert [(str(arm), str(other)) for arm, other in choice_pairs(group, "discriminator")] == [
        ("semantic / panoptic", "semantic / oasis"), ("boundary / panoptic", "boundary / oasis")
    ]  # fmt: skip


def test_over_all_discriminators_seeds_are_the_repetitions():
    values = {"oasis": {"semantic": (0.30, 0.32), "boundary": (0.36, 0.37)},
              "panoptic": {"semantic": (0.10, 0.20), "boundary": (0.20, 0.22)}}  # fmt: skip
    runs = [
        make_run(encoding, seed, value, discriminator=discriminator)
        for discriminator, encodings in values.items()
        for encoding, own in encodings.items()
        for seed, value in enumerate(own)
    ]
    first, *others = comparisons(assemble(runs).groups[0])
    assert [one.title for one in others] == ["Differences from semantic", "Differences from the discriminator oasis"]
    ((arm, other),) = first.pairs
    assert str(arm) == "boundary / oasis + panoptic"
    one = first.group.difference(arm, other, "segmenter/pq")
    assert dict(one.values) == pytest.approx({0: (0.06 + 0.10) / 2, 1: (0.05 + 0.02) / 2})
    text = " ".join(how_to_read([first, *others]))
    assert "With 2 seeds an interval" in text
    assert "These tables hold 5 intervals." in text


def test_with_one_discriminator_nothing_is_put_together():
    group = study_of([0.30, 0.32], [0.36, 0.37]).groups[0]
    assert [one.title for one in comparisons(group)] == ["Differences from semantic"]


def other_budget(run, **settings):
    return make_run(
        run.encoding, run.seed, run.metrics["segmenter/pq"], settings={**run.settings, **settings}, origin="far"
    )


def test_other_budgets_are_shown_apart():
    runs = [make_run("semantic", 0), make_run("boundary", 0)]
    study = assemble([*runs, other_budget(runs[1], batches=900)])
    assert [len(group.runs) for group in study.groups] == [2, 1]
    assert study.groups[1].unlike == ("batches: 20 / 900",)
    assert (
        "1 of the runs were trained under other settings (batches: 20 / 900): they are shown apart" in study.warnings[0]
    )


def test_a_seed_run_twice_counts_once():
    first, again = make_run(origin="old", ended=1.0, pq=0.1), make_run(origin="new", ended=2.0, pq=0.2)
    study = assemble([again, first])
    assert [run.origin for run in study.groups[0].runs] == ["new"]
    assert study.warnings == (
        "semantic / oasis with seed 0 was run 2 times: new is the newest and counts, old does not.",
    )


def test_the_newest_finished_one_counts():
    runs = [make_run(origin="old", ended=1.0), make_run(origin="new", ended=2.0, finished=False)]
    study = assemble(runs)
    assert [run.origin for run in study.groups[0].runs] == ["old"]
    assert [(one.origin, one.reason[:29]) for one in study.left_out] == [("new", "not finished, its log ends at")]


def test_runs_without_metrics_are_listed():
    study = assemble([make_run(), make_run("boundary", metrics={}, origin="empty")], [LeftOut("torn", "torn")])
    assert [one.origin for one in study.left_out] == ["torn", "empty"]
    assert "without metrics. Train with metrics=segmenter segmenter=unet" in study.left_out[1].reason


def test_nothing_usable_is_an_error_that_lists_all():
    with pytest.raises(ConfigurationError, match=r"(?s)No run is finished and has metrics:.*a: torn.*b: not finished"):
        assemble([make_run(origin="b", finished=False)], [LeftOut("a", "torn")])


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({"settings": {"batches": 900}, "origin": "far"}, "trained under other settings"),
        ({"origin": "again"}, "was run 2 times"),
        ({"seed": 1, "finished": False, "origin": "half"}, "half: not finished"),
    ],
    ids=["budget", "twice", "unfinished"],
)
def test_strict_refuses_what_is_otherwise_told(extra, expected):
    runs = [make_run(), make_run(**extra)]
    assemble(runs)
    with pytest.raises(ConfigurationError, match=f"--strict: .*{expected}"):
        assemble(runs, strict=True)


def test_photos_that_score_otherwise_are_noticed():
    runs = [make_run(seed=0, real_photos={"segmenter/pq": 0.8}), make_run(seed=1, real_photos={"segmenter/pq": 0.7})]
    assert "Real photos get from 0.7 to 0.8 in segmenter/pq" in assemble(runs).warnings[0]


def test_a_missing_baseline_is_told():
    assert assemble([make_run("boundary")]).warnings[0].startswith("No run of semantic / oasis")


def test_encodings_of_one_name_and_other_settings_are_told_apart():
    runs = [
        make_run("masks", seed, variant={"encoding.slots": slots}, origin=f"{slots}/{seed}")
        for slots in (32, 64)
        for seed in (0, 1)
    ]
    study = assemble(runs, baseline="masks slots=32")
    assert [arm.encoding for arm in study.groups[0].arms] == ["masks slots=32", "masks slots=64"]
    assert not study.warnings


def test_numbers_that_are_none_are_left_out():
    runs = [make_run(seed=seed, pq=value) for seed, value in enumerate((0.1, math.nan, 0.3))]
    score = assemble(runs).groups[0].score(SEMANTIC, "segmenter/pq")
    assert score.values == (0.1, 0.3)


def test_losses_and_factors_are_no_columns():
    metrics = {
        "segmenter/pq": 0.1,
        "segmenter/sq": 0.2,
        "segmenter/touching_count": 9.0,
        "segmenter/iou/car": 0.3,
        "strange": 1.0,
    }
    assert assemble([make_run(metrics=metrics)]).groups[0].metrics == ["segmenter/pq"]
