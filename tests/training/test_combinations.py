"""Every encoding trains with every discriminator, and resumes to the bit."""

from pathlib import Path

import pytest
import torch

CONF = Path(__file__).parents[2] / "conf"
ENCODINGS = sorted(path.stem for path in (CONF / "encoding").glob("*.yaml"))
DISCRIMINATORS = sorted(path.stem for path in (CONF / "discriminator").glob("*.yaml"))


@pytest.mark.parametrize("discriminator", DISCRIMINATORS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_trains(fit, read_checkpoint, encoding, discriminator):
    run = fit("run", f"encoding={encoding}", f"discriminator={discriminator}", "trainer.max_epochs=1")
    saved = read_checkpoint(run)
    assert saved["progress"]["batches_seen"] == 3
    assert len(list((run / "samples").iterdir())) == 1


@pytest.mark.parametrize("encoding", ["per_instance_masks", "panoptic"])  # those that draw random numbers
def test_random_encodings_resume_to_the_bit(fit, read_checkpoint, encoding):
    settings = [f"encoding={encoding}", "discriminator=panoptic", "objective/label_mix=segment"]
    whole = fit("whole", *settings, "trainer.max_steps=8")
    half = fit("half", *settings, "trainer.max_steps=4")
    resumed = fit("resumed", *settings, "trainer.max_steps=8", f"resume={half / 'checkpoints' / 'last.ckpt'}")
    expected, found = read_checkpoint(whole), read_checkpoint(resumed)
    for key in ("state_dict", "generator_ema"):
        for name, value in expected[key].items():
            assert torch.equal(value, found[key][name]), name


def test_instances_without_a_slot_are_counted_in_the_log(fit):
    run = fit("run", "encoding=per_instance_masks", "encoding.slots=1", "trainer.max_epochs=1")
    header, *rows = (line.split(",") for line in (run / "metrics.csv").read_text().splitlines())
    column = header.index("encoding/overflow")
    counts = [float(row[column]) for row in rows if row[column]]
    assert counts == [4.0] * 3  # two images a batch, each with two cars and one slot
