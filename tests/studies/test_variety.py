"""Measuring the variety of runs' pictures after training."""

import json
import statistics

import pytest

from experiments.panoptic_encodings.variety import main
from oasis.errors import ConfigurationError
from oasis.studies import read_runs_table


@pytest.fixture
def measure(trained, tmp_path):
    run = trained("run", "trainer.max_epochs=1", "generator.init_gain=1", "encoding=instance_noise", "seed=4")

    def measured():
        main([str(run), "--output", str(tmp_path / "variety")])
        (row,) = read_runs_table(tmp_path / "variety" / "runs.csv")
        return row

    return run, measured, tmp_path / "variety" / "run.json"


def test_a_row_holds_the_means_over_draws_and_those_of_photos(measure):
    _, measured, results = measure
    row = measured()
    assert (row.encoding, row.discriminator, row.seed) == ("instance_noise", "oasis", 4)
    generated = json.loads(results.read_text())["columns"][0]["scores"]
    for name in ("instances/color", "diversity/ms_ssim"):
        assert len(set(generated[name]["values"])) == 3
        assert row.metrics[name] == pytest.approx(statistics.mean(generated[name]["values"]))
    assert set(row.metrics) == {"instances/color", "diversity/ms_ssim"}  # nothing of single classes
    assert row.real_photos.keys() == {"instances/color"}  # of photos there is one draw


def test_what_was_measured_is_not_measured_again(measure):
    _, measured, results = measure
    before = measured()
    content = json.loads(results.read_text())
    content["columns"][0]["scores"]["instances/color"]["values"] = [0.25, 0.5, 0.75]
    results.write_text(json.dumps(content))
    after = measured()
    assert after.metrics["instances/color"] == 0.5
    assert after.metrics["diversity/ms_ssim"] == before.metrics["diversity/ms_ssim"]


def test_a_run_without_a_checkpoint(measure):
    run, measured, _ = measure
    for file in (run / "checkpoints").iterdir():
        file.unlink()
    with pytest.raises(ConfigurationError, match=r"no checkpoint to generate with"):
        measured()
