"""The three suspects of the published attempt: their runs, their script, and the table of what each does."""

import os
import subprocess
from pathlib import Path

import pytest
from made_up_runs import make_run
from omegaconf import OmegaConf

from experiments.panoptic_encodings.make_table import RESULTS, RUNS
from experiments.panoptic_encodings.suspects import SUSPECTS, main, suspects_of
from oasis.errors import ConfigurationError
from oasis.studies import assemble, read_runs_table, write_runs_table
from oasis.studies.naming import with_options_in_names
from oasis.studies.run import Run
from oasis.studies.settings import choices_of_config, comparable_settings, variant

ROOT = Path(__file__).parents[2]
LEAKED = "oasis weights_from=encoded_map"
# Encoding, objective, gain -> mIoU of seeds 0 and 1, and 100 times less is the distance.
SCORES = {
    ("semantic", "oasis", "1"): (0.20, 0.24),
    ("semantic", "oasis", "0.02"): (0.02, 0.04),
    ("instance_ids", "oasis", "1"): (0.21, 0.25),
    ("instance_ids", "oasis", "0.02"): (0.01, 0.02),
    ("instance_ids", LEAKED, "1"): (0.15, 0.21),
    ("instance_ids", LEAKED, "0.02"): (0.01, 0.01),
}


def made_up(scores=SCORES, **changes):
    return [
        make_run(
            encoding, seed, discriminator=f"oasis init_gain={gain}", choices={"objective": objective},
            origin=f"{encoding}/{objective}/{gain}/{seed}",
            **{"metrics": {"segmenter/miou": miou, "segmenter/frechet": 100 * miou}, **changes},
        )
        for (encoding, objective, gain), of_seeds in scores.items()
        for seed, miou in enumerate(of_seeds)
    ]  # fmt: skip


def written(runs, folder):
    write_runs_table(runs, folder / RUNS)
    main(["--results", str(folder)])
    return (folder / SUSPECTS).read_text()


def test_eight_rows_of_six_trainings(tmp_path):
    text = written(made_up(), tmp_path)
    rows = [line for line in text.splitlines() if line.startswith(("| no |", "| yes |"))]
    assert [row.split(" | ")[3:5] for row in rows] == [
        ["20.00, 24.00", "22.00"],
        ["2.00, 4.00", "3.00"],
        ["20.00, 24.00", "22.00"],  # nothing leaks without numbers
        ["2.00, 4.00", "3.00"],
        ["21.00, 25.00", "23.00"],
        ["1.00, 2.00", "1.50"],
        ["15.00, 21.00", "18.00"],
        ["1.00, 1.00", "1.00"],
    ]
    assert rows[1].startswith("| no | no | yes |")
    assert rows[2].startswith("| no | yes | no |")
    assert rows[4].startswith("| yes | no | no |")


def test_what_each_suspect_does_alone_and_beside_the_others(tmp_path):
    text = written(made_up(), tmp_path)
    numbers, leaked, small = (
        next(line for line in text.splitlines() if line.startswith(f"| {title} |") and "[" in line)
        for title in ("numbers in the map", "class weights from the map", "small first weights")
    )
    assert numbers.startswith(r"| numbers in the map | **+1.00 \[+1.00, +1.00\]** | -2.00 \[")
    assert leaked.startswith(r"| class weights from the map | the same runs | -0.50 \[")
    assert small.startswith(r"| small first weights | **-19.00 \[-31.71, -6.29\]** | -17.00 \[")


def test_what_is_missing_says_so_and_unfinished_runs_do_not_count(tmp_path):
    clean = {arm: miou for arm, miou in SCORES.items() if arm[1] == "oasis"}
    leaked = {arm: miou for arm, miou in SCORES.items() if arm[1] == LEAKED}
    text = written([*made_up(clean), *made_up(leaked, finished=False)], tmp_path)
    assert "| yes | yes | yes | not yet run | - | not yet run | - |" in text
    assert "| class weights from the map | the same runs | not yet run |" in text
    assert "| yes | no | yes | 1.00, 2.00 |" in text


@pytest.mark.parametrize(
    "arm", [("boundary", "oasis", "1"), ("semantic", "oasis", "0.5")], ids=lambda arm: " ".join(arm)
)
def test_runs_of_other_studies_are_refused(tmp_path, arm):
    write_runs_table(made_up({arm: (0.1, 0.2)}), tmp_path / RUNS)
    with pytest.raises(ConfigurationError, match=rf"encoding={arm[0]} .*={arm[2]} is not of the attempt's study"):
        suspects_of(tmp_path / RUNS)


def test_the_committed_table_follows_from_the_committed_runs():
    folder = RESULTS / "attempt"
    assert (folder / SUSPECTS).read_text(encoding="utf-8") == suspects_of(folder / RUNS)


def script():
    done = subprocess.run(
        [ROOT / "experiments" / "panoptic_encodings" / "attempt.sh", "trainer.max_epochs=2"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "DRY": "1", "SEEDS": "0,1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.split()[1:] for line in done.stdout.splitlines()]  # without -m


def runs_of(composed, words):
    """The runs of a sweep, one for each combination of what is separated by commas, as their folders are read."""
    fixed = [word for word in words if not word.startswith(("hydra", "encoding", "objective", "generator", "seed"))]
    swept = [word.split("=") for word in words if word.startswith(("encoding", "objective", "generator", "seed"))]
    found = [[]]
    for name, values in swept:
        found = [[*before, f"{name}={value}"] for before in found for value in values.split(",")]
    return [run_of(composed, *fixed, *own) for own in found]


def run_of(composed, *overrides):
    config = OmegaConf.to_container(composed(*overrides, "segmenter.weights=unused.pt"), resolve=True)
    assert config["generator"]["init_gain"] == config["discriminator"]["init_gain"]
    return with_options_in_names(
        Run(
            origin=config["paths"]["output_dir"],
            choices=choices_of_config(config),
            seed=config["seed"],
            batches=900,
            finished=True,
            metrics={"segmenter/miou": 0.2, "segmenter/frechet": 1.0},
            settings=comparable_settings(config),
            variant=variant(config),
        )
    )


def test_the_script_trains_what_the_table_shows(composed, tmp_path):
    runs = [run for words in script() for run in runs_of(composed, words)]
    assert len({run.origin for run in runs}) == len(runs) == 12
    assert runs[0].origin == "runs/attempt_study/semantic/label/gain_0.02/seed_0"
    study = assemble(runs)
    assert [len(group.runs) for group in study.groups] == [6, 6]  # one for each gain
    assert all("init_gain" in difference for difference in study.groups[1].unlike)
    write_runs_table([run for group in study.groups for run in group.runs], tmp_path / RUNS)
    assert {run.choices["objective"] for run in read_runs_table(tmp_path / RUNS)} == {"oasis", LEAKED}
    text = suspects_of(tmp_path / RUNS)
    assert text.count("20.00, 20.00") == 8
    assert "not yet run" not in text
