import errno
import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from run_files import csv_column, csv_rows

from oasis.checkpoint import load, restore
from oasis.checkpoint.resuming import find_to_resume
from oasis.errors import CheckpointError, ConfigurationError, NoRoomError, exit_code
from oasis.files import put_in_place
from oasis.training import Checkpoints


@pytest.fixture
def run(trained):
    return trained("run", "trainer.max_epochs=2")


def last(run):
    return run / "checkpoints" / "last.ckpt"


def test_files_and_intervals(fit, read_checkpoint):
    run = fit(
        "run",
        "trainer.max_epochs=2",
        "callbacks.checkpoints.keep_every_batches=2",
        "callbacks.checkpoints.every_batches=5",
    )
    names = sorted(path.name for path in (run / "checkpoints").iterdir())
    numbered = ["batch_00000002.ckpt", "batch_00000004.ckpt", "batch_00000006.ckpt"]
    assert names == [*numbered, "last-1.ckpt", "last.ckpt"]
    assert read_checkpoint(run, "last-1.ckpt")["progress"]["batches_seen"] == 5
    assert read_checkpoint(run)["progress"]["batches_seen"] == 6
    for batches in (2, 4, 6):
        progress = read_checkpoint(run, f"batch_{batches:08d}.ckpt")["progress"]
        assert progress == {"batches_seen": batches, "images_seen": 2 * batches}


@pytest.mark.parametrize("mode", ["min", "max"])
def test_best_by_a_metric(fit, read_checkpoint, mode):
    monitor = "val/discriminator_fake"
    monitored = f"callbacks.checkpoints.monitor={monitor}", f"callbacks.checkpoints.mode={mode}"
    run = fit("run", "trainer.max_epochs=4", *monitored)
    scores = csv_column(run, monitor)
    assert len(scores) == 4
    best = min(scores) if mode == "min" else max(scores)
    found = read_checkpoint(run, "best.ckpt")
    assert found["progress"]["batches_seen"] == 3 * (scores.index(best) + 1)
    kept = [state for state in found["callbacks"].values() if "best_score" in state]
    assert kept[0]["best_score"] == pytest.approx(best, abs=1e-6)


def with_score(path, score, to):
    """A copy of a checkpoint with another best score."""
    checkpoint = load(path)
    for state in checkpoint["callbacks"].values():
        if "best_score" in state:
            state["best_score"] = score
    torch.save(checkpoint, to)


@pytest.mark.parametrize(("beside", "kept"), [(-1.0, True), (-2.0, False), ("corrupt", False), (None, False)])
def test_the_best_so_far_survives_a_resume(trained, fit, tmp_path, beside, kept):
    """A resumed run whose metric only gets worse writes no new best, and keeps the one that its score belongs to."""
    monitored = "callbacks.checkpoints.monitor=val/discriminator_real", "callbacks.checkpoints.mode=min"
    run = trained("run", "trainer.max_epochs=1", *monitored)
    changed, best = tmp_path / "last.ckpt", tmp_path / "best.ckpt"
    with_score(last(run), -1.0, changed)  # better than any cross-entropy
    if beside == "corrupt":
        best.write_bytes(b"corrupt")
    elif beside is not None:
        with_score(last(run).with_name("best.ckpt"), beside, best)
    resumed = fit("resumed", "trainer.max_epochs=2", f"resume={changed}", *monitored)
    found = resumed / "checkpoints" / "best.ckpt"
    assert found.exists() == kept
    assert not kept or found.read_bytes() == best.read_bytes()


def test_unknown_metric(fit):
    with pytest.raises(ConfigurationError, match=r"monitor=val/fid.*val/generator_adversarial"):
        fit("run", "trainer.max_epochs=1", "callbacks.checkpoints.monitor=val/fid")


def test_a_checkpoint_alone_generates_the_same_picture(run):
    restored = restore(last(run))
    checkpoint = torch.load(last(run), weights_only=True)
    assert restored.encoding.channels == 35
    assert restored.label_space.num_classes == 35
    config = checkpoint["config"]
    generator = instantiate(config["generator"])(condition_channels=35)
    weights = {k.removeprefix("module."): v for k, v in checkpoint["generator_ema"].items() if k != "n_averaged"}
    generator.load_state_dict(weights)
    label = torch.randint(0, 34, (1, 32, 64))
    condition = restored.encoding(label, torch.zeros_like(label))
    noise = torch.randn(1, 4)
    with torch.no_grad():
        assert torch.equal(restored.generator(condition, noise), generator.eval()(condition, noise))


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_keeps_the_checkpoint_before(run, fit, monkeypatch, code):
    before, fsync = last(run).read_bytes(), os.fsync

    def full(handle):
        """What is written before training fits; the checkpoint does not."""
        if os.readlink(f"/proc/self/fd/{handle}").endswith("last.ckpt.part"):
            raise OSError(code, os.strerror(code))
        fsync(handle)

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(
        NoRoomError, match=r"last\.ckpt\.part: .* could not be written.*keep_last.*resume=last"
    ) as raised:
        fit("run", "trainer.max_epochs=3", f"resume={last(run)}")
    assert exit_code(raised.value) == 74
    assert last(run).read_bytes() == before
    assert not list(run.rglob("*.part"))


def test_older_ones_get_numbers(tmp_path):
    for number in range(5):
        (tmp_path / "new").write_text(str(number))
        put_in_place(tmp_path / "new", tmp_path / "last.ckpt", keep=2)
    found = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert found == {"last.ckpt": "4", "last-1.ckpt": "3", "last-2.ckpt": "2"}


@pytest.mark.parametrize("renames", range(3))
def test_at_any_moment_there_is_a_good_one(tmp_path, monkeypatch, renames):
    """The machine may stop after any rename."""
    for name in ("last.ckpt", "last-1.ckpt", "last.ckpt.part"):
        (tmp_path / name).write_text(name)
    left, replace = [renames], Path.replace

    def stopping(self, target):
        if not left[0]:
            raise SystemExit
        left[0] -= 1
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", stopping)
    with pytest.raises(SystemExit):
        put_in_place(tmp_path / "last.ckpt.part", tmp_path / "last.ckpt", keep=2)
    assert "last.ckpt" in {path.read_text() for path in tmp_path.glob("last*.ckpt")}


@pytest.mark.parametrize(
    "setting",
    ["keep_last=-1", "keep_last=None", "every_batches=-1", "every_batches=0", "every_batches=often",
     "keep_every_batches=-1"],
)  # fmt: skip
def test_numbers_of_files_that_cannot_be(fit, setting):
    with pytest.raises(Exception, match=rf"callbacks\.checkpoints\.{setting}: "):
        fit("run", f"callbacks.checkpoints.{setting}")


def test_a_run_cut_off_before_a_validation_makes_up_for_it(fit, monkeypatch):
    """A score that is missing might have been the best."""

    def validated(run):
        return [row["step"] for row in csv_rows(run) if row["val/discriminator_fake"]]

    monitor = "callbacks.checkpoints.monitor=val/discriminator_fake"
    # Nothing but what is written before a validation gets its final name.
    monkeypatch.setattr(Checkpoints, "on_train_epoch_end", lambda *parts: None)
    cut = fit("cut", "trainer.max_epochs=1", monitor)
    monkeypatch.undo()
    resumed = fit("resumed", "trainer.max_epochs=2", f"resume={last(cut)}", monitor)
    assert validated(cut) == ["3"]
    assert validated(resumed) == ["3", "6"]
    assert (resumed / "checkpoints" / "best.ckpt").exists()


# Bad input


def test_missing(tmp_path):
    with pytest.raises(CheckpointError, match=r"gone\.ckpt: no such checkpoint"):
        load(tmp_path / "gone.ckpt")


def test_nothing_to_resume(tmp_path):
    with pytest.raises(CheckpointError, match=r"resume=last: no run below"):
        find_to_resume("last", tmp_path, {})


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.99])
def test_torn(run, keep):
    content = last(run).read_bytes()
    last(run).write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(CheckpointError, match=r"last\.ckpt: cannot be read, it is corrupt"):
        load(last(run))


def damage(path):
    """Flip a bit of a weight, where torch.load would not notice."""
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as file:
        tensors = [entry for entry in file.infolist() if "/data/" in entry.filename]
        largest = max(tensors, key=lambda entry: entry.file_size)
    content[largest.header_offset + 200 + largest.file_size // 2] ^= 1
    path.write_bytes(content)


def test_a_flipped_bit_is_noticed(run):
    """Torch reads a file without looking at its checksums."""
    whole = torch.load(last(run), weights_only=True)
    damage(last(run))
    damaged = torch.load(last(run), weights_only=True)
    assert whole.keys() == damaged.keys()
    with pytest.raises(CheckpointError, match=r"last\.ckpt: cannot be read.*data/\d+ is not what was written"):
        load(last(run))


@pytest.mark.parametrize("resume", ["last", "auto"])
def test_the_newest_good_one_is_used(run, resume):
    config = load(last(run))["config"]
    elder = last(run).with_name("last-1.ckpt")
    damage(last(run))
    with pytest.warns(UserWarning, match="Passed over") as warned:
        assert find_to_resume(resume, run.parent, config) == elder
    said = [str(warning.message) for warning in warned]
    assert str(last(run)) in said[0]
    assert "is not what was written" in said[0]
    assert f"Going on from {elder}" in said[1]


def test_a_damaged_one_that_is_named_is_an_error(run):
    config = load(last(run))["config"]
    damage(last(run))
    with pytest.raises(CheckpointError, match=r"last\.ckpt: cannot be read.*beside it: resume=.*last-1\.ckpt"):
        find_to_resume(str(last(run)), run.parent, config)


def test_no_good_one(run):
    config = load(last(run))["config"]
    for path in run.rglob("*.ckpt"):
        path.write_bytes(path.read_bytes()[:-100])
    with pytest.warns(UserWarning, match="Passed over"):
        assert find_to_resume("auto", run.parent, config) is None
    with pytest.warns(UserWarning, match="Passed over"), pytest.raises(CheckpointError, match="has an intact"):
        find_to_resume("last", run.parent, config)


def test_auto_starts_anew_where_there_is_nothing(tmp_path):
    assert find_to_resume("auto", tmp_path, {}) is None


OTHERS = [
    ("seed", 1),
    ("objective.label_mix_weight", 10.0),
    ("model.generator_optimizer.lr", 1e-5),
    ("schedule._target_", "oasis.training.LinearDecay"),
    ("data.flip", False),
    ("encoding.label_space", None),
    ("trainer.limit_train_batches", 2),
    ("init_from", "elsewhere/last.ckpt"),
]


@pytest.mark.parametrize(("name", "value"), OTHERS)
@pytest.mark.parametrize("told_by", ["folder", "checkpoint"])
def test_checkpoints_of_other_experiments_are_passed_over(run, name, value, told_by):
    config = load(last(run))["config"]
    OmegaConf.update(changed := OmegaConf.create(config), name, value)
    changed = OmegaConf.to_container(changed)
    if told_by == "checkpoint":
        (run / "config.yaml").unlink()
    with pytest.warns(UserWarning, match=rf"resume=auto starts anew\. .*last\.ckpt was passed over.*\n  {name}"):
        assert find_to_resume("auto", run.parent, changed) is None
    with pytest.raises(CheckpointError, match=rf"(?s)resume=last: no run below.*  {name}: .* now, .*resume=FILE"):
        find_to_resume("last", run.parent, changed)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trainer.max_epochs", 9),
        ("trainer.max_steps", 99),
        ("trainer.check_val_every_n_epoch", 9),
        ("trainer.devices", 2),
        ("data.num_workers", 3),
        ("callbacks.checkpoints.every_batches", 2),
        ("name", "renamed"),
    ],
)
def test_a_longer_run_of_the_same_experiment_goes_on(run, name, value):
    OmegaConf.update(config := OmegaConf.create(load(last(run))["config"]), name, value)
    assert find_to_resume("last", run.parent, OmegaConf.to_container(config)) == last(run)


def test_an_older_run_of_the_same_experiment_goes_on_and_the_newer_one_is_not_read(run, trained, recwarn):
    config = load(last(run))["config"]
    newer = trained("newer", "seed=1", "trainer.max_epochs=1")
    os.utime(last(newer))
    damage(last(newer))  # nobody is told
    assert find_to_resume("auto", run.parent, config) == last(run)
    assert not [warning for warning in recwarn if "assed over" in str(warning.message)]


def test_packed_files_are_refused_unread(run, tmp_path):
    """A small file could fill the memory."""
    with zipfile.ZipFile(tmp_path / "bomb.ckpt", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("archive/data.pkl", bytes(10_000_000))
    with pytest.raises(CheckpointError, match=r"bomb\.ckpt.*packed archive"):
        load(tmp_path / "bomb.ckpt")


def test_foreign(tmp_path):
    torch.save({"state_dict": {}}, tmp_path / "foreign.ckpt")
    with pytest.raises(CheckpointError, match=r"foreign\.ckpt: not a checkpoint of this project"):
        load(tmp_path / "foreign.ckpt")


class Payload:
    def __reduce__(self):
        return (print, ("code ran",))


def test_nothing_in_a_checkpoint_is_run(run, tmp_path, capsys):
    torch.save({"config": Payload(), "progress": {}, "state_dict": {}}, tmp_path / "evil.ckpt")
    with pytest.raises(CheckpointError, match=r"evil\.ckpt"):
        load(tmp_path / "evil.ckpt")
    checkpoint = load(last(run))
    checkpoint["config"]["encoding"]["_target_"] = "os.getcwd"
    torch.save(checkpoint, tmp_path / "target.ckpt")
    with pytest.raises(CheckpointError, match=r"would call os\.getcwd"):
        restore(tmp_path / "target.ckpt")
    out = str(tmp_path / "written.npy")
    for sneaked in (
        [{"_target_": "numpy.save", "file": out, "arr": [1]}],  # within a list
        {"_target_": "oasis.labels.np.save", "file": out, "arr": [1]},  # through a module of ours
        "${oc.env:HOME}",
    ):
        checkpoint = load(last(run))
        checkpoint["config"]["encoding"]["label_space"] = sneaked
        torch.save(checkpoint, tmp_path / "target.ckpt")
        with pytest.raises(CheckpointError, match=r"not to be called here|not resolved"):
            restore(tmp_path / "target.ckpt")
    assert not (tmp_path / "written.npy").exists()
    assert "code ran" not in capsys.readouterr().out


def nested(value, times):
    for _ in range(times):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("channels", 10**9, "do not fit"),
        ("channels", 10**30, "of size"),
        ("num_blocks", 10**9, "num_blocks=1000000000, but there are only"),
        ("noise_dim", 10**9, "do not fit"),
        ("norm", nested(1, 100), "nested deeper"),
        ("norm", [[[[[0] * 10] * 10] * 10] * 10] * 10, "holds more than"),
        ("norm", torch.zeros(2), "holds a Tensor"),
        ("norm", {"_target_": ["os.getcwd"]}, "would call"),
        ("_partial_", False, "do not fit"),
        ("_args_", [{"_target_": "os.getcwd"}], r"would call os\.getcwd"),
    ],
    ids=str,
)
def test_what_a_configuration_may_ask_for(run, tmp_path, name, value, words):
    checkpoint = load(last(run))
    checkpoint["config"]["generator"][name] = value
    torch.save(checkpoint, tmp_path / "asks.ckpt")
    with pytest.raises(CheckpointError, match=rf"asks\.ckpt: (?s:.*){words}"):
        restore(tmp_path / "asks.ckpt")


def test_a_configuration_that_holds_itself(run, tmp_path):
    checkpoint = load(last(run))
    endless = checkpoint["config"]["encoding"]
    endless["parts"] = [endless]
    torch.save(checkpoint, tmp_path / "endless.ckpt")
    with pytest.raises(CheckpointError, match="nested deeper"):
        load(tmp_path / "endless.ckpt")


def test_weights_that_claim_more_than_the_file_holds(run, tmp_path):
    checkpoint = load(last(run))
    checkpoint["state_dict"]["huge"] = torch.zeros(1).expand(10**12)
    torch.save(checkpoint, tmp_path / "huge.ckpt")
    with pytest.raises(CheckpointError, match=r"huge\.ckpt: its state_dict claims"):
        load(tmp_path / "huge.ckpt")


def test_a_raw_pickle_is_not_read(tmp_path, capsys):
    (tmp_path / "raw.ckpt").write_bytes(pickle.dumps(Payload()))
    with pytest.raises(CheckpointError, match=r"raw\.ckpt: cannot be read"):
        load(tmp_path / "raw.ckpt")
    assert "code ran" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda checkpoint: checkpoint.pop("loops"), "loops"),
        (lambda checkpoint: checkpoint["progress"].update(images_seen=None), "progress"),
        (lambda checkpoint: checkpoint["LabelMapDataModule"].update(batches_served="x"), "how far"),
        (lambda checkpoint: checkpoint["optimizer_states"].pop(), ""),
        (lambda checkpoint: checkpoint["optimizer_states"][0]["state"][0].pop("exp_avg"), "exp_avg"),
        (lambda checkpoint: checkpoint["optimizer_states"][0]["state"][0].update(exp_avg=torch.zeros(3)), "exp_avg"),
        (lambda checkpoint: checkpoint["state_dict"].popitem(), "state_dict"),
    ],
)
def test_what_cannot_be_taken_up_is_blamed_on_the_checkpoint(run, fit, tmp_path, spoil, words):
    checkpoint = torch.load(last(run), weights_only=True)
    spoil(checkpoint)
    torch.save(checkpoint, tmp_path / "wrong.ckpt")
    with pytest.raises(Exception) as raised:  # noqa: PT011 - the error, or its cause
        fit("more", f"resume={tmp_path / 'wrong.ckpt'}", "trainer.max_epochs=3")
    told = raised.value if isinstance(raised.value, CheckpointError) else raised.value.__cause__
    assert isinstance(told, CheckpointError)
    assert "wrong.ckpt: " in str(told)
    assert words in str(told)


def test_weights_that_do_not_fit_the_configuration(run, tmp_path):
    checkpoint = load(last(run))
    checkpoint["config"]["generator"]["channels"] = 4
    torch.save(checkpoint, tmp_path / "changed.ckpt")
    with pytest.raises(CheckpointError, match=r"changed\.ckpt: its weights and its configuration do not fit"):
        restore(tmp_path / "changed.ckpt")
    del checkpoint["config"]["encoding"]
    torch.save(checkpoint, tmp_path / "changed.ckpt")
    with pytest.raises(CheckpointError, match="has no encoding"):
        restore(tmp_path / "changed.ckpt")


def test_another_batch_size_would_lose_its_place_in_the_data(run, fit):
    with pytest.raises(CheckpointError, match=r"data\.batch_size: 1 now, 2 in the checkpoint"):
        fit("more", f"resume={last(run)}", "data.batch_size=1")


def test_learning_rates_are_those_of_the_resumed_run(run, fit, read_checkpoint):
    more = fit("more", f"resume={last(run)}", "trainer.max_epochs=3", "model.generator_optimizer.lr=1e-5",
               "generator.init_gain=1.0")  # fmt: skip
    rates = [state["param_groups"][0]["lr"] for state in read_checkpoint(more)["optimizer_states"]]
    assert rates == [1e-5, 4e-4]


def test_another_configuration(run, fit):
    with pytest.raises(CheckpointError, match=r"generator\.channels: 4 now, 2 in the checkpoint"):
        fit("more", f"resume={last(run)}", "generator.channels=4")
