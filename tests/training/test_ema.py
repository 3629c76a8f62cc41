import copy

import pytest
import torch
from pytorch_lightning import Callback

from oasis.checkpoint import restore
from oasis.errors import CheckpointError
from oasis.training import GeneratorEMA


def slow_average(steps, decay):
    average = copy.deepcopy(steps[0])
    for step in steps[1:]:
        for name in average:
            average[name] = decay * average[name] + (1 - decay) * step[name]
    return average


class Weights(Callback):
    """Writes down the generator's parameters after every batch."""

    def __init__(self):
        self.steps = []

    def on_train_batch_end(self, trainer, pl_module, *args):
        self.steps.append({k: v.detach().clone() for k, v in pl_module.generator.named_parameters()})


def test_average_against_the_definition(fit, read_checkpoint, monkeypatch):
    weights = Weights()
    monkeypatch.setattr("oasis.training.Throughput", lambda: weights)  # a place among the callbacks
    run = fit("run", "trainer.max_epochs=2", "callbacks.ema.decay=0.7", "callbacks.progress_bar=null")
    assert len(weights.steps) == 6
    found = read_checkpoint(run)["generator_ema"]
    for name, expected in slow_average(weights.steps, 0.7).items():
        assert torch.allclose(found[f"module.{name}"], expected, atol=1e-6), name


def test_saved_average_has_statistics_of_its_own_weights(fit, tiny, read_checkpoint):
    """Cumulative moments over the batches that were promised, recomputed with hooks."""
    run = fit("run", "trainer.max_epochs=1", "generator.noise_dim=0", "callbacks.ema.bn_batches=3")
    restored = restore(run / "checkpoints" / "last.ckpt")
    norm = restored.generator.blocks[0].spade_0.norm
    seen = []
    norm.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    from oasis.data import Cityscapes, LabelMapDataModule

    data = LabelMapDataModule(
        Cityscapes(tiny.root), restored.encoding, restored.label_space, 32, 64, batch_size=2, num_workers=0
    )
    restored.generator.train()
    norm_before = norm.running_mean.clone(), norm.running_var.clone()
    with torch.no_grad():
        for samples in data.statistics_dataloader(3):
            restored.generator(data.encode(samples).condition)
    means = torch.stack([x.mean((0, 2, 3)) for x in seen]).mean(0)
    variances = torch.stack([x.var((0, 2, 3)) for x in seen]).mean(0)
    assert len(seen) == 3
    assert torch.allclose(norm_before[0], means, rtol=1e-3, atol=1e-6)
    assert torch.allclose(norm_before[1], variances, rtol=1e-3, atol=1e-9)


def test_switched_off(fit, read_checkpoint):
    run = fit("run", "trainer.max_epochs=1", "callbacks.ema=null")
    assert "generator_ema" not in read_checkpoint(run)
    assert list((run / "samples").iterdir())  # painted by the generator itself
    restored = restore(run / "checkpoints" / "last.ckpt")
    weight = read_checkpoint(run)["state_dict"]["generator.stem.weight"]
    assert torch.equal(restored.generator.stem.weight, weight)


def test_resuming_without_an_average_says_so(fit):
    run = fit("run", "trainer.max_epochs=1", "callbacks.ema=null")
    with pytest.raises(CheckpointError, match=r"callbacks\.ema=null"):
        fit("more", "trainer.max_epochs=2", f"resume={run / 'checkpoints' / 'last.ckpt'}")


def test_average_before_setup_is_a_bug():
    with pytest.raises(RuntimeError, match="set this callback up"):
        _ = GeneratorEMA().generator
