"""`oasis evaluate --train-on-fakes`, as typed."""

import csv
import json

import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner

from oasis.cli import app
from oasis.cli.usefulness import usefulness_table, write_usefulness
from oasis.usefulness import PHOTOS, Usefulness

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*generated and.*real images", "ignore:.*fewer than the"),
    pytest.mark.usefixtures("no_weights"),
]
FAKES, BOTH = "fakes of a", "photos and fakes of a"
SCORES = {PHOTOS: (0.5, 0.6, 0.58), FAKES: (0.3, 0.35, 0.31), BOTH: (0.55, 0.61, 0.6)}


@pytest.fixture
def usefulness():
    scores = {arm: {"miou": values, "pq_things": (0.1, float("nan"), 0.2)} for arm, values in SCORES.items()}
    return Usefulness(scores, ("a",), (0, 1, 2), (0,), "How it was done.")


def oasis(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_from_a_checkpoint_to_all_files(trained, tmp_path):
    run = trained("run", "trainer.max_epochs=1", "generator.init_gain=1")
    output = tmp_path / "report"
    few = ("--fakes-steps", 10, "--fakes-seeds", 4, "--fakes-draws", 1, "--diversity-images", 0)
    done = oasis("evaluate", run, "--output", output, "--train-on-fakes", *few, "metrics=none", "segmenter=none")
    assert done.exit_code == 0, done.output
    assert done.output.index("as measured on this machine") < done.output.index("Written")
    results = json.loads((output / "results.json").read_text())
    (column,), (photos, untrained) = results["columns"], results["references"]
    for name in ("usefulness/miou", "usefulness_both/touching_recall"):
        assert len(column["scores"][name]["values"]) == 4
    assert {"usefulness/pq_things", "usefulness_both/pq_things"} <= photos["scores"].keys()
    assert "usefulness/miou" in untrained["scores"]
    arms = json.loads((output / "usefulness.json").read_text())["arms"]
    assert arms["fakes of test"]["miou"]["values"] == column["scores"]["usefulness/miou"]["values"]
    assert arms[PHOTOS]["miou"]["values"] == photos["scores"]["usefulness_both/miou"]["values"]
    with (output / "results.csv").open() as file:  # more segmenters than noise seeds
        rows = {(row["metric"], row["column"]): row for row in csv.DictReader(file)}
    last = rows["usefulness/miou", "test"]["draw_3"]
    assert float(last) == column["scores"]["usefulness/miou"]["values"][3]
    page = (output / "report.html").read_text()
    assert "10 steps of 4 pictures of the 7 training maps, 1 draws" in page
    assert "over the seeds of the segmenters" in page
    assert "minus" in done.output


def test_intervals_are_students(usefulness, tmp_path):
    write_usefulness(usefulness, tmp_path / "usefulness.json")
    arms = json.loads((tmp_path / "usefulness.json").read_text())["arms"]
    for arm, values in SCORES.items():
        expected = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
        assert arms[arm]["miou"]["interval"] == pytest.approx(expected)
    paired = np.array(SCORES[BOTH]) - SCORES[PHOTOS]
    against = arms[BOTH]["miou"]["minus_photos_alone"]
    assert against["mean"] == pytest.approx(paired.mean())
    assert against["interval"] == pytest.approx(stats.t.interval(0.95, 2, paired.mean(), stats.sem(paired)))
    assert arms[PHOTOS]["miou"]["minus_photos_alone"] is None
    assert arms[PHOTOS]["pq_things"]["values"] == [0.1, None, 0.2]


def test_the_table_has_each_arm_with_its_interval(usefulness):
    table = usefulness_table(usefulness)
    arms, scores, against = ([str(cell) for cell in column.cells] for column in table.columns[:3])
    assert arms == list(SCORES)
    low, high = stats.t.interval(0.95, 2, np.mean(SCORES[FAKES]), stats.sem(SCORES[FAKES]))
    assert scores[1] == f"{100 * np.mean(SCORES[FAKES]):.2f} [{100 * low:.2f}, {100 * high:.2f}]"
    assert against[0] == ""
    assert against[1].startswith("-24.00 [")
    assert against[2].startswith("+2.67 [")


def test_without_a_checkpoint(tmp_path):
    done = oasis("evaluate", "--train-on-fakes", "-o", tmp_path / "report", "data=synthetic")
    assert done.exit_code == 1
    assert "No checkpoint is named" in done.output


def test_testing_on_training_photos_is_refused_before_anything_else(trained, tmp_path):
    run = trained("run", "trainer.max_epochs=1", "generator.init_gain=1")
    done = oasis("evaluate", run, "--train-on-fakes", "-o", tmp_path / "report", "--split", "train")
    assert done.exit_code == 1
    assert "Use --split val" in done.output
    assert not (tmp_path / "report").exists()
