"""What the preregistered experiment says of segmenters that were trained on its pictures."""

import json
import re

import numpy as np
import pytest
from scipy import stats

from experiments.panoptic_networks import usefulness
from experiments.panoptic_networks.plan import RESULTS
from oasis.errors import ConfigurationError
from oasis.evaluation import Score
from oasis.usefulness import PHOTOS, UNTRAINED

SEMANTIC, COMBINATION = (0.20, 0.22, 0.21), (0.30, 0.29, 0.36)  # mIoU of segmenters, by the generator's seed


def keep(folder, scores, protocol="1500 steps.", **changes):
    """A usefulness.json of each generator: two segmenters around its score, twice as good on both."""
    folder.mkdir(parents=True)
    for seed, score in enumerate(scores):
        arms = {PHOTOS: 0.5, f"fakes of {folder.name}": score, f"photos and fakes of {folder.name}": 2 * score}
        arms[UNTRAINED] = 0.1
        values = {arm: {"miou": {"values": [value - 0.01, value + 0.01]}} for arm, value in arms.items()}
        content = {"format": 1, "protocol": protocol, "arms": values, **changes}
        (folder / f"seed_{seed}.json").write_text(json.dumps(content))


def test_arms_are_compared_by_the_generators_seed(tmp_path):
    keep(tmp_path / "semantic", SEMANTIC)
    keep(tmp_path / "combination", COMBINATION)
    usefulness.main(["combination", "--folder", str(tmp_path)])
    table = (tmp_path / "table.md").read_text()
    assert "1500 steps." in table
    rows = {row[0].strip(): row[1].strip() for row in re.findall(r"^\| ([^|]+)\|([^|]+)\|$", table, re.MULTILINE)}
    assert rows["photos alone"] == "50.00 (49.00, 51.00)"
    assert rows["fakes of the untrained generator"] == "10.00 (9.00, 11.00)"
    assert rows["fakes of semantic"] == "21.00 ± 1.00"
    for source, times in (("fakes", 100), ("photos and fakes", 200)):
        pairs = times * (np.array(COMBINATION) - SEMANTIC)
        low, high = stats.t.interval(0.95, 2, pairs.mean(), stats.sem(pairs))
        told = [float(number) for number in re.findall(r"[-+][\d.]+", rows[f"{source}: combination minus semantic"])]
        assert told == pytest.approx([pairs.mean(), low, high], abs=0.0051)


def test_what_cannot_be_compared_is_refused(tmp_path):
    keep(tmp_path / "semantic", SEMANTIC)
    with pytest.raises(ConfigurationError, match=r"inade: no seed_N.json.*ARM=inade usefulness.sh"):
        usefulness.table_of(tmp_path, "inade")
    for name, scores, changes, message in (
        ("fewer", COMBINATION[:2], {}, r"fewer has the seeds \[0, 1\], semantic \[0, 1, 2\]"),
        ("shorter", COMBINATION, {"protocol": "300 steps."}, r"different ways:\n1500 steps.\n300 steps."),
        ("newer", COMBINATION, {"format": 2}, r"newer.seed_.\.json: format 2, not 1"),
        ("empty", COMBINATION, {"arms": {}}, r"0 generators, not one"),
        ("missing", (0.3, float("nan"), 0.3), {}, r"seed_1.json: miou: \[nan, nan\]. A pair with a missing score"),
    ):
        keep(tmp_path / name, scores, **changes)
        with pytest.raises(ConfigurationError, match=message):
            usefulness.table_of(tmp_path, name)


def test_the_committed_table_follows_from_the_committed_scores_and_is_on_the_page():
    folder = RESULTS / usefulness.FOLDER
    table = (folder / "table.md").read_text(encoding="utf-8")
    assert table == usefulness.table_of(folder, "combination")
    page = (RESULTS.parent / "README.md").read_text(encoding="utf-8").replace("**", "")
    rows = [line.replace("\\", "").replace("**", "").split(" | ", 1)[1] for line in table.splitlines()[10:]]
    assert len(rows) == 8
    assert all(row in page for row in rows)
    choice = (RESULTS.parents[2] / "docs" / "which-encoding.md").read_text(encoding="utf-8")
    found = {
        arm: Score(tuple(each.mean("fakes", "touching_recall") for each in usefulness.read_arm(folder / arm).values()))
        for arm in ("semantic", "combination")
    }
    assert all(f"{100 * score.mean:.1f} ± {100 * score.spread:.1f} %" in choice for score in found.values())
