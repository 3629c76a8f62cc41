"""Several loggers together: the same numbers in all of them, and the same training."""

from collections import defaultdict

import numpy as np
import pytest
from omegaconf import OmegaConf
from PIL import Image
from run_files import csv_rows
from wandb_files import contents, files_of, isolate, numbers

from oasis.errors import ConfigurationError
from oasis.training.loggers.tensorboard_logging import TensorBoardLogger
from oasis.training.runs.identity import fingerprint


def table(run):
    """metrics.csv: name -> step -> value."""
    columns = defaultdict(dict)
    for row in csv_rows(run):
        for name in row.keys() - {"step"}:
            if row[name]:
                columns[name][int(row["step"])] = float(row[name])
    return dict(columns)


def events(run):
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = accumulators.EventAccumulator(str(run / "tensorboard"), size_guidance={"images": 0, "scalars": 0})
    return found.Reload()


def test_nothing_but_the_csv_is_written_by_default(composed):
    assert list(composed().logger) == ["csv"]
    assert "wandb" not in composed().callbacks


@pytest.mark.parametrize("group", ["[tensorboard,wandb]", "[wandb,tensorboard]", "[csv,wandb,tensorboard]"])
def test_several_are_a_list(composed, group):
    assert sorted(composed(f"logger={group}", "experiment=study").logger) == ["csv", "tensorboard", "wandb"]


def test_what_is_configured_is_made_of_the_run(composed):
    cfg = composed("logger=wandb", "encoding=boundary", "seed=2", "name=mine", "paths.output_dir=/there")
    made = OmegaConf.to_container(cfg.logger.wandb, resolve=True)
    assert (made["group"], made["name"], made["folder"]) == ("mine", "boundary/oasis/seed_2", "/there")
    assert made["tags"] == ["boundary", "oasis", "synthetic"]


def test_loggers_make_no_other_experiment(composed):
    """A run may be resumed, or skipped as finished, under another logger."""
    prints = {
        fingerprint(OmegaConf.to_container(composed(f"logger={logger}", "paths.output_dir=x"), resolve=True))
        for logger in ("csv", "tensorboard", "wandb")
    }
    assert len(prints) == 1


def test_all_loggers_have_the_same_numbers_and_pictures(fit, monkeypatch, tmp_path):
    isolate(monkeypatch, tmp_path)
    run = fit("all", "logger=[tensorboard,wandb]", "trainer.max_epochs=2")
    logged, board = table(run), events(run)
    assert set(board.Tags()["scalars"]) == set(logged)
    for name, values in logged.items():
        seen = {event.step: event.value for event in board.Scalars(name)}
        assert seen.keys() == values.keys()
        assert [seen[step] for step in values] == pytest.approx(list(values.values()), rel=1e-6), (
            name
        )  # kept in 32 bits
    (file,) = files_of(run)
    theirs = numbers(contents(file).rows)
    assert {name: {s: row[name] for s, row in theirs.items() if name in row} for name in logged} == logged
    (image,) = board.Images("samples/grid")
    (tmp_path / "grid.png").write_bytes(image.encoded_image_string)
    grid = np.asarray(Image.open(run / "samples" / "batch_00000006.png"))
    assert image.step == 6
    assert np.array_equal(np.asarray(Image.open(tmp_path / "grid.png")), grid)
    assert "generated/town_000100_000019" in board.Tags()["images"]


def test_logging_changes_no_loss(fit, monkeypatch, tmp_path):
    isolate(monkeypatch, tmp_path)
    alone, watched = (table(fit(name, f"logger={name}", "trainer.max_epochs=1")) for name in ("csv", "wandb"))
    for columns in (alone, watched):
        columns.pop("speed/images_per_second")
    assert alone == watched


def test_pictures_go_to_loggers_of_other_makers_too(fit, monkeypatch):
    from pytorch_lightning.loggers import CSVLogger

    seen = []
    taken = lambda self, key, images, step: seen.append((key, images[0].size, step))  # noqa: E731
    monkeypatch.setattr(CSVLogger, "log_image", taken, raising=False)
    fit("run", "trainer.max_epochs=1")
    assert seen == [("samples", (776, 278), 3)]


def test_tensorboard_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr("lightning_fabric.loggers.tensorboard._TENSORBOARD_AVAILABLE", False)
    monkeypatch.setattr("lightning_fabric.loggers.tensorboard._TENSORBOARDX_AVAILABLE", False)
    with pytest.raises(ConfigurationError, match=r"logger=tensorboard.*pip install 'panoptic-oasis\[tensorboard\]'"):
        TensorBoardLogger("unused")
