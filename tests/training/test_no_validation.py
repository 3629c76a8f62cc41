"""Training on a dataset without a validation split."""

import shutil

import pytest
from layouts import write_folder
from run_files import csv_rows

from oasis.errors import ConfigurationError

SHORT = ("trainer.max_epochs=1", "trainer.limit_train_batches=2", "callbacks.image_logger.every_batches=2")


@pytest.fixture
def root(tmp_path):
    return write_folder(tmp_path / "folder", "{kind}")


def test_it_trains_and_says_what_is_not_measured(fit, root):
    with pytest.warns(UserWarning, match=r"folder has no validation split: no score is measured \(FID.*samples/"):
        run = fit("run", "data=folder", f"data.root={root}", "metrics=inception", *SHORT)
    assert (run / "samples" / "batch_00000002.png").is_file()
    assert (run / "checkpoints" / "last.ckpt").is_file()
    assert not [name for name in csv_rows(run)[-1] if name.startswith(("val/", "fid"))]


def test_cityscapes_without_val(fit, tiny):
    for folder in ("leftImg8bit", "gtFine"):
        shutil.rmtree(tiny.root / folder / "val")
    with pytest.warns(UserWarning, match="no validation split"):
        run = fit("run", *SHORT)
    assert (run / "checkpoints" / "last.ckpt").is_file()


@pytest.mark.parametrize("monitor", ["fid", "val/generator"])
def test_a_score_that_will_not_be_measured_cannot_be_monitored(fit, root, monitor):
    with (
        pytest.warns(UserWarning, match="no validation split"),
        pytest.raises(ConfigurationError, match=rf"monitor={monitor}: nothing is validated.*val_fraction"),
    ):
        fit("run", "data=folder", f"data.root={root}", f"callbacks.checkpoints.monitor={monitor}", *SHORT)
