import csv

import pytest
import torch
from hydra.utils import instantiate

from oasis.checkpoint import find_to_resume, load, restore
from oasis.errors import CheckpointError, ConfigurationError


@pytest.fixture
def run(fit):
    return fit("run", "trainer.max_epochs=2")


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
    assert names == ["batch_00000002.ckpt", "batch_00000004.ckpt", "batch_00000006.ckpt", "last.ckpt"]
    for batches in (2, 4, 6):
        progress = read_checkpoint(run, f"batch_{batches:08d}.ckpt")["progress"]
        assert progress == {"batches_seen": batches, "images_seen": 2 * batches}


@pytest.mark.parametrize("mode", ["min", "max"])
def test_best_by_a_metric(fit, read_checkpoint, mode):
    monitor = "val/discriminator_fake"
    monitored = f"callbacks.checkpoints.monitor={monitor}", f"callbacks.checkpoints.mode={mode}"
    run = fit("run", "trainer.max_epochs=4", *monitored)
    with (run / "metrics.csv").open(newline="") as file:
        scores = [float(row[monitor]) for row in csv.DictReader(file) if row[monitor]]
    assert len(scores) == 4
    best = min(scores) if mode == "min" else max(scores)
    found = read_checkpoint(run, "best.ckpt")
    assert found["progress"]["batches_seen"] == 3 * (scores.index(best) + 1)
    kept = [state for state in found["callbacks"].values() if "best_score" in state]
    assert kept[0]["best_score"] == pytest.approx(best, abs=1e-6)


def test_best_score_survives_a_resume(fit, read_checkpoint):
    """A resumed run whose metric only gets worse must not write a new best."""
    monitored = "callbacks.checkpoints.monitor=val/discriminator_real", "callbacks.checkpoints.mode=min"
    run = fit("run", "trainer.max_epochs=1", *monitored)
    checkpoint = load(last(run))
    for state in checkpoint["callbacks"].values():
        if "best_score" in state:
            state["best_score"] = -1.0  # better than any cross-entropy
    torch.save(checkpoint, run / "changed.ckpt")
    resumed = fit("resumed", "trainer.max_epochs=2", f"resume={run / 'changed.ckpt'}", *monitored)
    assert not (resumed / "checkpoints" / "best.ckpt").exists()


def test_unknown_metric(fit):
    with pytest.raises(ConfigurationError, match=r"monitor=val/fid.*val/generator_adversarial"):
        fit("run", "trainer.max_epochs=1", "callbacks.checkpoints.monitor=val/fid")


def test_a_checkpoint_alone_paints_the_same_picture(run):
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


def test_an_interrupted_write_keeps_the_checkpoint_before(run, fit, monkeypatch):
    before = last(run).read_bytes()

    def torn(self, path, **settings):
        path.write_bytes(b"half a checkpoint")
        raise OSError("No space left on device")

    monkeypatch.setattr("pytorch_lightning.Trainer.save_checkpoint", torn)
    with pytest.raises(OSError, match="No space"):
        fit("run", "trainer.max_epochs=3", f"resume={last(run)}")
    assert last(run).read_bytes() == before


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
    with pytest.raises(CheckpointError, match=r"last\.ckpt: cannot be read, it is torn"):
        load(last(run))


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


def test_no_random_state_to_resume(fit):
    run = fit("run", "trainer.max_epochs=1", "callbacks.random_state=null")
    with pytest.raises(CheckpointError, match=r"callbacks\.random_state=null"):
        fit("more", "trainer.max_epochs=2", f"resume={last(run)}")


def test_another_configuration(run, fit):
    with pytest.raises(CheckpointError, match=r"generator\.channels: 4 now, 2 in the checkpoint"):
        fit("more", f"resume={last(run)}", "generator.channels=4")
