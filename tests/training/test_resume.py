"""N batches, an interruption, and N more are bit-identical to 2N batches on a CPU."""

import random

import numpy as np
import pytest
import torch
from pytorch_lightning import Callback
from run_files import training_losses

from oasis.errors import NothingToTrainError
from oasis.training.callbacks.run_summary import read_summary


def assert_same(ours, theirs, path=""):
    assert type(ours) is type(theirs), path
    if isinstance(ours, torch.Tensor):
        assert torch.equal(ours, theirs), path
    elif isinstance(ours, dict):
        assert ours.keys() == theirs.keys(), path
        for key in ours:
            assert_same(ours[key], theirs[key], f"{path}/{key}")
    elif isinstance(ours, list | tuple):
        assert len(ours) == len(theirs), path
        for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            assert_same(a, b, f"{path}/{i}")
    else:
        assert ours == theirs, path


RESTORED = ("state_dict", "optimizer_states", "generator_ema", "progress", "LabelMapDataModule")


WHOLE = ("trainer.max_steps=16",)  # two optimizer steps a batch


@pytest.fixture(scope="module")
def kept():
    """The results of the uninterrupted run, trained once."""
    return {}


@pytest.fixture
def undisturbed(fit, read_checkpoint, kept):
    """Checkpoint, losses and pictures of 8 batches without a cut, which no other process reads."""
    if not kept:
        run = fit("whole", *WHOLE, "data.num_workers=0")
        pictures = {path.name: path.read_bytes() for path in (run / "samples").iterdir()}
        kept.update(checkpoint=read_checkpoint(run), losses=training_losses(run), pictures=pictures)
    return kept


# The dataset makes 3 batches an epoch: cuts within the first and a later epoch, and at the end of one.
@pytest.mark.parametrize("batches", [2, 3, 4])
@pytest.mark.parametrize("workers", [0, 1])
def test_resumed_run_equals_undisturbed_run(fit, read_checkpoint, undisturbed, batches, workers):
    reading = f"data.num_workers={workers}"
    half = fit("half", f"trainer.max_steps={2 * batches}", reading)
    assert len(training_losses(half)) == batches
    resumed = fit("resumed", *WHOLE, reading, f"resume={half / 'checkpoints' / 'last.ckpt'}")
    expected, found = undisturbed["checkpoint"], read_checkpoint(resumed)
    assert expected["progress"] == {"batches_seen": 8, "images_seen": 16}
    for key in RESTORED:
        assert_same(expected[key], found[key], key)
    assert_same(undisturbed["losses"][batches:], training_losses(resumed))
    pictures = list((resumed / "samples").iterdir())
    assert pictures
    for picture in pictures:
        assert picture.read_bytes() == undisturbed["pictures"][picture.name]


class Scrambler(Callback):
    """Leaves torch's, numpy's and Python's global random states other than they would be."""

    batches = 0

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        type(self).batches += 1
        torch.manual_seed(7919 + pl_module.batches_seen)
        np.random.seed(7919)
        random.seed(7919)


@pytest.mark.parametrize(
    "settings",
    [
        ("encoding=instance_noise", "discriminator=panoptic", "objective/label_mix=segment"),
        ("encoding=per_instance_masks", "speed=oasis/reference"),
    ],
    ids=["instance noise", "reference"],
)
def test_training_draws_nothing_from_global_random_states(fit, read_checkpoint, monkeypatch, settings):
    """So that a checkpoint need not hold them, and a resumed run not restore them."""
    whole = fit("whole", *settings, "trainer.max_steps=8")
    half = fit("half", *settings, "trainer.max_steps=4")
    monkeypatch.setattr("oasis.training.EncodingLog", Scrambler)
    monkeypatch.setattr(Scrambler, "batches", 0)
    resumed = fit("resumed", *settings, "trainer.max_steps=8", f"resume={half / 'checkpoints' / 'last.ckpt'}")
    assert Scrambler.batches == len(training_losses(resumed)) == 2
    expected, found = read_checkpoint(whole), read_checkpoint(resumed)
    for key in RESTORED:
        assert_same(expected[key], found[key], key)
    assert_same(training_losses(whole)[2:], training_losses(resumed))


def test_resume_last_finds_the_newest_run_of_the_name(fit, read_checkpoint):
    fit("first", "trainer.max_epochs=1")
    fit("second", "trainer.max_epochs=2")
    resumed = fit("third", "trainer.max_epochs=3", "resume=last")
    assert read_checkpoint(resumed)["progress"]["batches_seen"] == 9
    assert len(training_losses(resumed)) == 3


def test_the_interval_of_pictures_does_not_change_training(fit, read_checkpoint):
    """Pictures and BatchNorm statistics draw random numbers of their own."""
    rare = fit("rare", "trainer.max_epochs=1", "callbacks.image_logger=null", "trainer.limit_val_batches=0")
    often = fit("often", "trainer.max_epochs=1", "callbacks.image_logger.every_batches=1")
    assert_same(read_checkpoint(rare)["state_dict"], read_checkpoint(often)["state_dict"])


def test_seeds_matter(fit, read_checkpoint):
    runs = [fit(str(seed), "trainer.max_epochs=1", f"seed={seed}") for seed in (0, 1)]
    first, second = (read_checkpoint(run)["state_dict"]["generator.stem.weight"] for run in runs)
    assert not torch.equal(first, second)


def test_a_run_that_is_finished_is_not_resumed_and_nothing_is_written(fit, capsys):
    first = fit("first", "trainer.max_epochs=1")
    runs = first.parent
    with pytest.raises(NothingToTrainError, match=r"last\.ckpt: training is complete .*raise trainer\.max_epochs"):
        fit("second", "trainer.max_epochs=1", "resume=last")
    fit("third", "trainer.max_epochs=1", "resume=auto")  # one command line for every start: no error
    assert "raise trainer.max_epochs" in capsys.readouterr().out
    with pytest.raises(NothingToTrainError, match=r"raise trainer\.max_steps"):
        fit("fourth", "trainer.max_epochs=2", "trainer.max_steps=6", f"resume={first / 'checkpoints' / 'last.ckpt'}")
    assert [folder.name for folder in runs.iterdir()] == ["first"]
    assert read_summary(fit("on", "trainer.max_epochs=2", "resume=last"))["batches"] == 6


def test_a_run_whose_dataset_has_grown_is_finished_when_its_epochs_are(fit, tiny):
    run = fit("run", "trainer.max_epochs=1")
    (run / "summary.json").unlink()  # cut off before it was written
    for i in range(4):
        tiny.add("train", f"town_{50 + i:06d}_000019", seed=50 + i)
    found = read_summary(fit("run", "trainer.max_epochs=1"))
    assert (found["batches"], found["max"]["batches"], found["finished"]) == (3, 5, True)
