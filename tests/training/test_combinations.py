"""Every encoding trains with every model and every discriminator of OASIS, and resumes to the bit."""

from pathlib import Path

import pytest
import torch
from model_sizes import FAMILIES

from oasis.models.condition_resize import nearest

CONF = Path(__file__).parents[2] / "conf"
ENCODINGS = sorted(path.stem for path in (CONF / "encoding").glob("*.yaml"))


@pytest.mark.parametrize("discriminator", ["oasis", "panoptic"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_trains(fit, read_checkpoint, encoding, discriminator):
    run = fit("run", f"encoding={encoding}", f"discriminator={discriminator}", "trainer.max_epochs=1")
    saved = read_checkpoint(run)
    assert saved["progress"]["batches_seen"] == 3
    assert len(list((run / "samples").iterdir())) == 1


OF_OASIS = ("oasis", "inade")  # whose discriminators see pictures only


@pytest.mark.parametrize("model", OF_OASIS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_first_layer_learns_from_any_encoding(built, encoding, model):
    """The noise comes first, then the channels of the encoding, as far as the coarsest size shows them."""
    module, batch = built(f"encoding={encoding}", f"model={model}")
    sum(module.generator_loss(batch).values()).backward()
    generator = module.generator
    coarse = nearest(batch.condition, tuple(size // generator.size_divisor for size in batch.condition.shape[2:]))
    learnt = generator.stem.weight.grad[:, generator.noise_dim :].abs().sum(dim=(0, 2, 3)) > 0
    assert learnt.equal(coarse.abs().amax(dim=(0, 2, 3)) > 0)


@pytest.mark.parametrize("model", [model for model in FAMILIES if model not in OF_OASIS])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_both_networks_learn_from_any_encoding(built, encoding, model):
    """They see its channels beside the picture, or the picture through them."""
    module, batch = built(f"encoding={encoding}", f"model={model}")
    channels = batch.condition.shape[1]
    present = batch.condition.abs().amax(dim=(0, 2, 3)) > 0
    for name in ("generator", "discriminator"):
        terms = getattr(module, f"{name}_loss")(batch)
        assert all(term.isfinite() for term in terms.values())
        sum(terms.values()).backward()
        weights = [each for each in getattr(module, name).named_parameters() if each[1].grad is not None]
        assert all(weight.grad.isfinite().all() for _, weight in weights)
        # Of layers that read the condition, which is wider than anything else in such small networks; not of an encoder
        # of photos.
        gradients = [weight.grad for path, weight in weights if not path.startswith("style_encoder.")]
        reading = [each[:, :channels] for each in gradients if each.dim() == 4 and each.shape[1] >= channels]
        learnt = sum(each.abs().sum(dim=(0, 2, 3)) for each in reading) > 0
        assert learnt.equal(present), name
        module.zero_grad()


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
