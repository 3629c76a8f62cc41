"""An offline W&B run of a tiny training, read back: it holds what was promised, and the same numbers as the CSV."""

import json
import signal
import time
from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from run_files import csv_rows
from segmenting import untrained_segmenter
from wandb_files import contents, files_of, frames, isolate, nested, numbers

from oasis.training import GANModule

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def nobody(monkeypatch, tmp_path):
    isolate(monkeypatch, tmp_path)


def table(run):
    """metrics.csv: step -> name -> value."""
    rows = defaultdict(dict)
    for row in csv_rows(run):
        rows[int(row["step"])] |= {k: float(v) for k, v in row.items() if v and k != "step"}
    return dict(rows)


@pytest.mark.filterwarnings("ignore:.*generated and.*real images", "ignore:.*fewer than the")
def test_it_holds_the_numbers_of_the_csv_settings_tags_and_the_end(fit, ids, monkeypatch, tmp_path):
    run = fit(
        "run", "logger=wandb", "discriminator=panoptic", "encoding=boundary", "trainer.max_epochs=2", "seed=3",
        "callbacks.image_logger=null", *untrained_segmenter(ids, monkeypatch, tmp_path),
    )  # fmt: skip
    (file,) = files_of(run)
    found, logged = contents(file), table(run)
    assert numbers(found.rows) == logged
    assert found.stats > 0  # of the machine
    for name, better in (("segmenter/miou", max), ("segmenter/frechet", min), ("val/generator_adversarial", min)):
        values = [row[name] for row in logged.values() if name in row]
        assert found.summary[name] == {"last": values[-1], better.__name__: better(values)}
    for name in ("discriminator/fake", "real_photos/segmenter/miou", "untrained/segmenter/frechet"):
        assert found.summary[name] == logged[6][name]
    assert {metric.step_metric for name, metric in found.metrics.items() if name != "batches_seen"} == {"batches_seen"}
    assert {"generator/adversarial", "discriminator/label_mix", "generator/center"} <= found.rows[-1].keys()
    assert "val/generator_adversarial" in found.rows[-1]
    assert all(row["batches_seen"] == row["_step"] for row in found.rows)
    assert (found.run.project, found.run.run_group, found.run.display_name) == (
        "panoptic-oasis", "test", "boundary/panoptic/seed_3",
    )  # fmt: skip
    assert {"boundary", "panoptic", "cityscapes"} <= set(found.run.tags)
    assert found.exit_code == 0
    settings = nested(found.run.config.update)
    settings.pop("_wandb")
    assert settings == yaml.safe_load((run / "config.yaml").read_text())


@pytest.mark.skipif(find_spec("wandb.sdk.internal.datastore") is None, reason="W&B since 0.2x reads in another program")
def test_w_and_b_s_own_reader_sees_the_same_records(fit):
    from wandb.sdk.internal.datastore import DataStore

    (file,) = files_of(fit("run", "logger=wandb", "trainer.max_epochs=1"))
    store = DataStore()
    store.open_for_scan(str(file))
    theirs = list(iter(store.scan_data, None))
    assert [bytes(data) for data in theirs] == list(frames(file.read_bytes()))


def test_it_holds_pictures_with_classes_and_instances_as_masks(fit, tiny, ids):
    run = fit("run", "logger=wandb", "trainer.max_epochs=1", "callbacks.image_logger.every_batches=2")
    (file,) = files_of(run)
    media = file.parent / "files"
    first, second = (row for row in contents(file).rows if "samples/grid" in row)
    assert (first["_step"], second["_step"]) == (2, 3)
    grid = np.asarray(Image.open(media / first["samples/grid"]["path"]))
    assert np.array_equal(grid, np.asarray(Image.open(run / "samples" / "batch_00000002.png")))
    generated = [np.asarray(Image.open(media / path)) for path in first["samples/generated"]["filenames"]]
    assert np.array_equal(generated[0], grid[18:146:4, 2 * 260 :: 4][:, :64])  # the third column of the grid
    assert first["samples/generated"]["captions"] == ["town_000100_000019", "town_000101_000019"]
    assert "samples/photo" in first
    assert "samples/photo" not in second  # always the same
    for sample, name in enumerate(("town_000100_000019", "town_000101_000019")):
        masks = first["samples/generated"]["all_masks"][sample]
        classes, instances = (np.asarray(Image.open(media / masks[key]["path"])) for key in ("classes", "instances"))
        assert np.array_equal(classes, np.asarray(Image.open(tiny.label("val", name)))[1::2, 1::2])
        raw = np.asarray(Image.open(tiny.instance("val", name))).astype(int)[1::2, 1::2]
        cars = [instances[raw == 26000 + number] for number in (0, 2)]
        assert all(len(set(car)) == 1 for car in cars)
        assert len({0, *cars[0], *cars[1]}) == 3  # two instances, neither of them none
        assert not instances[raw < 1000].any()
    labels = json.dumps([update["_wandb"] for update in contents(file).updates if "_wandb" in update])
    assert all(json.dumps(name) in labels for name in ids.names)


def test_two_runs_of_one_process_are_two_and_each_is_closed(fit):
    found = [files_of(fit(name, "logger=wandb", "trainer.max_epochs=1")) for name in ("a", "b")]
    assert [len(files) for files in found] == [1, 1]
    (first,), (second,) = found
    assert contents(first).run.run_id != contents(second).run.run_id
    assert contents(first).exit_code == contents(second).exit_code == 0


def test_a_resumed_run_goes_on_with_the_same_w_and_b_run(fit):
    first = fit("first", "logger=wandb", "trainer.max_epochs=1")
    again = fit("again", "logger=wandb", "trainer.max_epochs=2", f"resume={first}/checkpoints/last.ckpt")
    (one,), (two,) = files_of(first), files_of(again)
    assert contents(one).run.run_id == contents(two).run.run_id
    assert sorted(numbers(contents(one).rows)) == [1, 2, 3]
    assert sorted(numbers(contents(two).rows)) == [4, 5, 6]
    # and without W&B in between
    third = fit("third", "trainer.max_epochs=1")
    (fresh,) = files_of(fit("fresh", "logger=wandb", "trainer.max_epochs=2", f"resume={third}/checkpoints/last.ckpt"))
    assert contents(fresh).run.run_id != contents(one).run.run_id


def test_a_run_cut_within_an_epoch_repeats_no_other_values(fit, monkeypatch, tmp_path):
    original = GANModule.training_step

    def cut(self, batch, batch_idx):
        if self.batches_seen == 5:
            raise ConnectionResetError("cut off")
        return original(self, batch, batch_idx)

    settings = ("logger=wandb", "trainer.max_epochs=2", "callbacks.checkpoints.every_batches=2", "resume=auto")
    with monkeypatch.context() as patch:
        patch.setattr(GANModule, "training_step", cut)
        with pytest.raises(ConnectionResetError):
            fit("run", *settings)
    run = fit("run", *settings)
    one, two = (contents(file) for file in files_of(run))
    assert one.run.run_id == two.run.run_id
    assert (one.exit_code, two.exit_code) == (1, 0)
    assert sorted(numbers(one.rows)) == [1, 2, 3, 4, 5]
    assert sorted(numbers(two.rows)) == [5, 6]  # batch 5 was trained on twice, from the same weights
    before, after = numbers(one.rows)[5], numbers(two.rows)[5]
    assert {k: v for k, v in before.items() if "speed" not in k} == {k: v for k, v in after.items() if "speed" not in k}
    assert numbers(one.rows) | numbers(two.rows) == table(run)


def test_checkpoints_become_artifacts_when_asked_for(fit):
    settings = ("logger=wandb", "trainer.max_epochs=1", "callbacks.checkpoints.monitor=val/generator_adversarial")
    (file,) = files_of(fit("without", *settings))
    assert contents(file).artifacts == []
    (file,) = files_of(fit("with", *settings, "logger.wandb.checkpoints=true"))
    found = contents(file)
    assert [(set(one.aliases), one.type) for one in found.artifacts] == [
        ({"latest", "last"}, "model"), ({"latest", "best"}, "model"),
    ]  # fmt: skip
    assert [[entry.path for entry in one.manifest.contents] for one in found.artifacts] == [
        ["last.ckpt"],
        ["best.ckpt"],
    ]


def test_kill_9_leaves_a_readable_beginning(python, tiny_overrides, tmp_path):
    run = tmp_path / "runs" / "killed"
    command = ["train.py", *tiny_overrides, f"paths.output_dir={run}", "logger=wandb",
               "trainer.max_epochs=1000", "trainer.check_val_every_n_epoch=1000",
               "callbacks.image_logger=null"]  # fmt: skip
    training = python.start(*command)
    try:
        ends, rows = time.monotonic() + 120, []
        while len(rows) < 3 and training.process.is_alive() and time.monotonic() < ends:
            time.sleep(0.1)
            rows = [row for file in run.glob("wandb/offline-run-*/*.wandb") for row in contents(file).rows]
    finally:
        training.send_signal(signal.SIGKILL)
        printed = training.end().stderr
    assert len(rows) >= 3, printed[-2000:]
    (file,) = run.glob("wandb/offline-run-*/*.wandb")
    found, logged = contents(file), table(run)
    assert nested(found.run.config.update)["seed"] == 0
    steps = numbers(found.rows)
    assert sorted(steps) == list(range(1, len(steps) + 1))
    shared = steps.keys() & logged.keys()
    assert shared
    assert all(steps[step] == logged[step] for step in shared)
    assert found.exit_code is None
