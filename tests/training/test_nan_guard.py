"""Pictures, curves and the progress bar while training; and stopping a diverged run."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from oasis.errors import ConfigurationError, NonFiniteLossError
from oasis.training import GANModule
from oasis.training.callbacks.progress import Throughput, total_batches


def test_samples_are_photo_labels_and_fake(fit, tiny, ids):
    run = fit("run", "trainer.max_epochs=2", "callbacks.image_logger.every_batches=4")
    pictures = sorted((run / "samples").iterdir())
    assert [path.name for path in pictures] == ["batch_00000004.png", "batch_00000006.png"]
    first, last = (np.asarray(Image.open(path)) for path in pictures)
    # 64x32 pictures, enlarged to 256x128
    assert first.shape == (18 + 128 + 4 + 128, 3 * 256 + 2 * 4, 3)
    assert np.array_equal(first[:, :516], last[:, :516])  # photo and label map stay
    assert not np.array_equal(first[18:, 520:], last[18:, 520:])  # the fake does not
    first = first[18:146:4, ::4]
    label = np.asarray(Image.open(tiny.label("val", "town_000100_000019")))[1::2, 1::2]
    assert np.array_equal(first[:, 65:129], np.array(ids.palette, np.uint8)[label])
    photo = np.asarray(Image.open(tiny.photo("val", "town_000100_000019")).resize((64, 32), Image.Resampling.BICUBIC))
    assert np.array_equal(first[:, :64], photo)


def test_loss_plot_shows_curves(fit):
    drawn = ("callbacks.loss_plot={_target_:oasis.training.LossPlot,path:${paths.output_dir}/losses.png}",)
    run = fit("run", *drawn, "trainer.max_epochs=3")
    picture = np.asarray(Image.open(run / "losses.png").convert("RGB"))
    colours = {tuple(colour) for colour in picture.reshape(-1, 3)}
    assert len(colours) > 50  # curves of several colours, not an empty frame


def test_throughput_and_time_to_go(fit, monkeypatch):
    # When the watch is looked at: at the start, after the first batch (twice), and after each of the others.
    clock = iter([100, 190, 200, 201, 204, 210, 212, 220])
    monkeypatch.setattr("oasis.training.callbacks.progress.time", SimpleNamespace(monotonic=lambda: float(next(clock))))
    seen = []
    original = Throughput.on_train_batch_end

    def record(self, trainer, module, *args):
        original(self, trainer, module, *args)
        seen.append((total_batches(trainer), self.images_per_second, self.seconds_to_go))

    monkeypatch.setattr(Throughput, "on_train_batch_end", record)
    fit("run", "trainer.max_epochs=2")
    assert [total for total, _, _ in seen] == [6.0] * 6
    # from the end of the first batch on: 1 batch of 2 images in 1 second, then 2 in 4, 3 in 10, 4 in 12, 5 in 20
    assert [speed for _, speed, _ in seen[1:]] == pytest.approx([2 / 1, 4 / 4, 6 / 10, 8 / 12, 10 / 20])
    assert [left for _, _, left in seen[1:]] == pytest.approx([4 * 1, 3 * 2, 2 * 10 / 3, 1 * 3, 0])


@pytest.mark.parametrize(("network", "term"), [("generator", "adversarial"), ("discriminator", "label_mix")])
def test_a_loss_that_turns_nan_stops_the_run_and_keeps_the_last_good_checkpoint(
    fit, read_checkpoint, monkeypatch, network, term, tmp_path
):
    original = getattr(GANModule, f"{network}_loss")

    def poisoned(self, batch):
        terms = original(self, batch)
        if self.batches_seen == 4:
            terms[term] = terms[term] * float("nan")
        return terms

    monkeypatch.setattr(GANModule, f"{network}_loss", poisoned)
    with pytest.raises(NonFiniteLossError, match=rf"Batch 5 \(town_.*\): {network}/{term} = nan.*lr"):
        fit("run", "trainer.max_epochs=3", "callbacks.checkpoints.every_batches=1")
    kept = read_checkpoint(tmp_path / "runs" / "test" / "run")
    assert kept["progress"]["batches_seen"] == 4
    assert all(v.isfinite().all() for v in kept["state_dict"].values() if torch.is_floating_point(v))


def test_weights_that_a_step_ruined_are_not_saved(fit, read_checkpoint, monkeypatch, tmp_path):
    original = GANModule.training_step

    def ruin(self, batch, batch_idx):
        terms = original(self, batch, batch_idx)
        if self.batches_seen == 4:
            self.discriminator.head.weight.data[0] = float("inf")
        return terms

    monkeypatch.setattr(GANModule, "training_step", ruin)
    with pytest.raises(NonFiniteLossError, match=r"After batch 4, 1 weights.*discriminator\.head\.weight.*lr"):
        fit("run", "trainer.max_epochs=3", "callbacks.checkpoints.every_batches=1")
    kept = read_checkpoint(tmp_path / "runs" / "test" / "run")
    assert kept["progress"]["batches_seen"] == 3


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("callbacks.ema.decay=2", r"decay=2.*below 1"),
        ("callbacks.ema.bn_batches=-1", r"bn_batches=-1"),
        ("callbacks.image_logger.every_batches=0", r"every_batches=0.*1 or more"),
        ("callbacks.image_logger.samples=0", r"samples=0.*1 or more"),
        ("objective.label_mix_weight=-1", r"label_mix_weight=-1"),
        ("objective.perceptual_weight=-1", r"perceptual_weight=-1"),
        ("model.generator_optimizer.lr=-1", r"generator_optimizer.*-1"),
        ("data.height=0", r"data\.height=0"),
        ("data.num_workers=-2", r"data\.num_workers=-2"),
    ],
)
def test_nonsense_settings(fit, setting, words):
    with pytest.raises(Exception, match=words) as caught:
        fit("run", setting)
    assert isinstance(caught.value, ConfigurationError) or isinstance(caught.value.__cause__, ConfigurationError)


def test_average_without_estimation_has_the_generator_s_own_statistics(fit, read_checkpoint):
    saved = read_checkpoint(fit("run", "trainer.max_epochs=1", "callbacks.ema.bn_batches=0"))
    name = "blocks.0.spade_0.norm.running_mean"
    assert torch.equal(saved["generator_ema"][f"module.{name}"], saved["state_dict"][f"generator.{name}"])
    assert saved["generator_ema"][f"module.{name}"].abs().max() > 0


def test_infinite_loss_is_named_as_such(fit, monkeypatch):
    monkeypatch.setattr(
        GANModule, "generator_loss", lambda self, batch: {"adversarial": self.generator(batch.condition).sum() / 0}
    )
    with pytest.raises(NonFiniteLossError, match=r"generator/adversarial = (-?inf|nan)"):
        fit("run")
