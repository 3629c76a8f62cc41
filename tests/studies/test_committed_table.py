"""The committed table is what the committed runs give."""

import pytest

from experiments.panoptic_encodings.make_table import RESULTS, RUNS, TABLE, main, table_of
from oasis.studies import find_runs, write_runs_table

EXPERIMENTS = RESULTS.parents[1]
BASELINES = {"instances": ("semantic", "instance_noise")}  # what run.sh of an experiment compares all arms with
COMMITTED = [
    (runs, BASELINES.get(experiment, ()))
    for experiment in (RESULTS.parent.name, "models", "instances")
    for runs in sorted((EXPERIMENTS / experiment / "results").rglob(RUNS))
]


@pytest.mark.parametrize(("runs", "against"), COMMITTED, ids=lambda each: "/".join(getattr(each, "parts", ())[-4:-1]))
def test_the_committed_table_follows_from_the_committed_runs(runs, against):
    assert runs.with_name(TABLE).read_text(encoding="utf-8") == table_of(runs, against)


def test_a_table_is_made_from_runs(folders, tmp_path):
    for seed, (low, high) in enumerate(((0.30, 0.36), (0.32, 0.37), (0.34, 0.41))):
        folders.summarized(f"semantic/{seed}", "semantic", seed, low)
        folders.summarized(f"boundary/{seed}", "boundary", seed, high)
    write_runs_table(find_runs([folders.root]).runs, tmp_path / RUNS)
    main(["--results", str(tmp_path)])
    text = (tmp_path / TABLE).read_text()
    assert "| semantic | oasis | 3 | 2.00 ± 0.00 | 32.00 ± 2.00 |" in text
    assert r"| boundary / oasis | 3 | +0.00 \[+0.00, +0.00\] | **+6.00 \[+3.52, +8.48\]** |" in text
    assert "- boundary / oasis against semantic / oasis: better in PQ" in text
    assert text == table_of(tmp_path / RUNS)
    rows = (tmp_path / RUNS).read_text().replace("0.41", "0.42")
    (tmp_path / RUNS).write_text(rows)
    assert text != table_of(tmp_path / RUNS)
