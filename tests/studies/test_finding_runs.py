"""Finding runs, and tables of runs."""

import csv

import pytest

from oasis.errors import ConfigurationError
from oasis.studies import assemble, find_runs, read_runs_table, write_runs_table


def test_folders_are_found_at_any_depth_and_once(folders):
    folders.summarized("study/semantic/seed_0")
    folders.summarized("study/semantic/seed_1", seed=1)
    folders.plain("other", [{"step": 20, "segmenter/pq": 0.1}])
    (folders.root / "study" / "semantic" / "seed_0" / "wandb" / "offline-run-1").mkdir(parents=True)
    (folders.root / "study" / "semantic" / "seed_0" / "wandb" / "offline-run-1" / "run-1.wandb").write_bytes(b"")
    (folders.root / "other" / ".hydra").mkdir()
    (folders.root / "other" / ".hydra" / "config.yaml").write_text("name: x")
    found = find_runs([folders.root, folders.root / "other", folders.root / "study"])
    names = [run.origin.removeprefix(f"{folders.root}/") for run in found.runs]
    assert names == ["other", "study/semantic/seed_0", "study/semantic/seed_1"]
    assert not found.unreadable


def test_a_torn_run_is_told_and_the_others_are_read(folders):
    folders.summarized("good")
    (folders.summarized("torn") / "summary.json").write_text('{"version": 1, "metr')
    found = find_runs([folders.root])
    assert [run.origin for run in found.runs] == [str(folders.root / "good")]
    assert [one.origin for one in found.unreadable] == [str(folders.root / "torn")]
    assert "corrupt, not JSON" in found.unreadable[0].reason


def test_no_runs_at_all_is_an_error(tmp_path):
    with pytest.raises(ConfigurationError, match=r"no runs here. A run is a folder with summary.json, or"):
        find_runs([tmp_path])
    with pytest.raises(ConfigurationError, match=r"missing: no such file or folder"):
        find_runs([tmp_path / "missing"])
    (tmp_path / "x.txt").write_text("")
    with pytest.raises(ConfigurationError, match=r"x.txt: neither a run folder nor a table"):
        find_runs([tmp_path / "x.txt"])


def test_a_table_of_runs_gives_the_same_study(folders, tmp_path):
    for seed in range(3):
        folders.summarized(f"semantic/{seed}", "semantic", seed, 0.3 + 0.01 * seed)
        folders.summarized(f"boundary/{seed}", "boundary", seed, 0.33 + 0.02 * seed)
    runs = find_runs([folders.root]).runs
    write_runs_table(runs, tmp_path / "runs.csv")
    again = find_runs([tmp_path / "runs.csv"]).runs
    one, other = (assemble(each).groups[0] for each in (runs, again))
    assert one.arms == other.arms
    assert one.metrics == other.metrics
    for arm in one.arms:
        assert [one.by_seed(arm, name) for name in one.metrics] == [other.by_seed(arm, name) for name in one.metrics]
        assert [run.costs for run in one.of(arm)] == [run.costs for run in other.of(arm)]
        assert [run.real_photos for run in one.of(arm)] == [run.real_photos for run in other.of(arm)]
    write_runs_table(again, tmp_path / "again.csv")
    with (tmp_path / "runs.csv").open() as file, (tmp_path / "again.csv").open() as second:
        ours, theirs = list(csv.DictReader(file)), list(csv.DictReader(second))
    for row in (*ours, *theirs):
        row.pop("origin")
    assert ours == theirs


def test_a_table_names_no_folder_of_the_machine(folders, tmp_path):
    folders.summarized("study/a/seed_0")
    folders.summarized("study/b/seed_0", "boundary")
    write_runs_table(find_runs([folders.root]).runs, tmp_path / "runs.csv")
    assert str(tmp_path) not in (tmp_path / "runs.csv").read_text()
    assert sorted(run.origin for run in read_runs_table(tmp_path / "runs.csv")) == [
        "a/seed_0 in runs.csv", "b/seed_0 in runs.csv"
    ]  # fmt: skip


def test_other_settings_stay_apart_in_a_table(folders, tmp_path):
    folders.summarized("a")
    folders.summarized("b", "boundary", config={"generator": {"channels": 8}})
    write_runs_table(find_runs([folders.root]).runs, tmp_path / "runs.csv")
    assert len(assemble(read_runs_table(tmp_path / "runs.csv")).groups) == 2


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "encoding,discriminator,seed\nx,y,z\n"])
def test_other_tables_are_refused(text, tmp_path):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ConfigurationError, match=r"t.csv: not a table of runs .*`oasis report RUNS -o DIR` writes one"):
        read_runs_table(tmp_path / "t.csv")
