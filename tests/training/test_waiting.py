"""Nothing in a training step makes the host wait for a GPU."""

from types import SimpleNamespace

import pytest
import torch
from pytorch_lightning import LightningModule
from torch.utils._python_dispatch import TorchDispatchMode

from oasis.errors import NonFiniteLossError
from oasis.losses import instance_tables
from oasis.models import segment_rows
from oasis.training import GANModule, StopOnNonFinite
from oasis.training.callbacks import nan_guard
from oasis.training.callbacks.progress import ProgressBar

# What a GPU has to finish before the host can go on: to read a number, or to learn how large a result is.
WAITING = ("_local_scalar_dense", "nonzero", "unique", "masked_select", "bincount", "equal", "is_nonzero", "histc")


class WaitingError(Exception):
    pass


class NoWaiting(TorchDispatchMode):
    """Raises where an operator would wait, were its tensors on a GPU."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.overloadpacket.__name__
        flat = [each for arg in args for each in (arg if isinstance(arg, list | tuple) else [arg])]
        by_mask = name.startswith("index") and any(
            isinstance(each, torch.Tensor) and each.dtype in (torch.bool, torch.uint8) for each in flat[1:]
        )
        if by_mask or name.lstrip("_").startswith(tuple(each.lstrip("_") for each in WAITING)):
            raise WaitingError(name)
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    "act",
    [
        lambda x: x.sum().item(),
        lambda x: bool((x > 0).any()),
        lambda x: x[x > 0],
        lambda x: x.unique(),
        lambda x: x.nonzero(),
        lambda x: torch.where(x > 0),
        lambda x: x.masked_select(x > 0),
        lambda x: x.long().bincount(),
        lambda x: x.__setitem__(x > 0, x.new_ones(3)),
    ],
)
def test_the_test_can_fail(act):
    with pytest.raises(WaitingError), NoWaiting():
        act(torch.tensor([0.0, 1.0, 2.0, 3.0]))


@pytest.mark.parametrize(
    "options",
    [
        ["speed=oasis/reference"],
        ["speed=oasis/fast"],
        ["speed=oasis/fast", "model.recompute=true"],
        ["objective/label_mix=segment", "discriminator=panoptic", "discriminator.boundary=true"],
        ["discriminator=transformer", "discriminator.instance_heads=true"],
        [
            "discriminator=pretrained",
            "discriminator/backbone=efficientnet_b0",
            "discriminator.backbone.random_weights=true",
        ],
        [
            "discriminator=instance_adversarial",
            "discriminator.embedding_channels=8",
            "discriminator.boundary_classes=true",
        ],
        ["objective.label_mix_weight=0", "objective.balance_classes=false"],
        ["objective/weights_from=encoded_map", "encoding=instance_ids"],
        ["model=pix2pixhd_features"],
        ["model=inade"],
        ["generator/panoptic=aware", "generator.condition_resize=area"],
        ["generator=segment_tokens", "model=oasis"],
        ["generator=transformer", "model=oasis"],
    ],
    ids=lambda options: " ".join(options),
)
def test_neither_loss_nor_its_gradient_waits(built, options, monkeypatch):
    # On a CPU it counts the segments, on a GPU it does not.
    for module in (segment_rows, instance_tables):
        monkeypatch.setattr(module, "rows_needed", lambda count, most: most)
    # Where SPADE looks for what differs in a map, it has to wait; on a GPU it does not look.
    plain = options[0] in ("speed=oasis/reference", "model=pix2pixhd_features")
    module, batch = built(*options, "seed=0" if plain else "++generator.sparse=false")
    module.train()
    with NoWaiting():
        for loss in (module.generator_loss, module.discriminator_loss):
            torch.stack(list(loss(batch).values())).sum().backward()
    trained = [weight for weight in module.discriminator.parameters() if weight.requires_grad]
    assert all(weight.grad is not None for weight in trained)  # nothing was left out


def test_a_batch_of_the_trainer_does_not_wait(fit, monkeypatch):
    """Both steps, the optimizers, logging and every callback that does something in each batch."""
    mode, watched_batches, logged = NoWaiting(), [], []
    log = LightningModule.log

    def enter(self, batch, batch_idx):
        if self.batches_seen > 0:  # before the first the average asks once how far it is
            mode.__enter__()

    def leave(self, outputs, batch, batch_idx):
        if self.batches_seen > 1:
            mode.__exit__(None, None, None)
            watched_batches.append(self.batches_seen)

    def record(self, name, value, **options):
        logged.append((name, value))
        log(self, name, value, **options)

    monkeypatch.setattr(GANModule, "on_train_batch_start", enter)
    monkeypatch.setattr(GANModule, "on_train_batch_end", leave)
    monkeypatch.setattr(LightningModule, "log", record)
    fit(
        "run",
        "speed=oasis/fast",
        "++generator.sparse=false",
        "encoding=per_instance_masks",
        "callbacks.stop_on_non_finite=null",  # below
        "callbacks.image_logger.every_batches=1000",
        "trainer.limit_val_batches=0",
        "trainer.max_epochs=2",
    )
    assert watched_batches == [2, 3, 4, 5, 6]
    # Lightning would copy a number to the device, and wait.
    assert {name for name, value in logged if not isinstance(value, torch.Tensor)} == set()
    assert {name for name, _ in logged} >= {"step", "generator/adversarial", "speed/images_per_second"}


def as_on_a_gpu(waited):
    """Losses that arrive later, as a GPU's do; writes down who is waited for."""
    count = iter(range(1000))

    def to_host(values):
        number = next(count)
        return values.clone(), SimpleNamespace(synchronize=lambda: waited.append(number))

    return to_host


def test_losses_of_a_gpu_are_looked_at_one_batch_later(monkeypatch):
    waited = []
    monkeypatch.setattr(nan_guard, "to_host", as_on_a_gpu(waited))
    callback, module = StopOnNonFinite(), SimpleNamespace(batches_seen=0)

    def train(value):
        module.batches_seen += 1
        batch = SimpleNamespace(name=[f"street_{module.batches_seen}"])
        callback.on_train_batch_end(None, module, {"real": torch.tensor(value), "fake": torch.tensor(1.0)}, batch, 0)

    train(1.0)
    assert waited == []
    train(2.0)
    assert waited == [0]
    train(float("inf"))  # not known yet
    assert waited == [0, 1]
    with pytest.raises(NonFiniteLossError, match=r"^Batch 3 \(street_3\): real = inf\. "):
        train(3.0)
    train(float("nan"))
    with pytest.raises(NonFiniteLossError, match=r"^Batch 5 \(street_5\): real = nan\. "):
        callback.on_save_checkpoint(None, None, {})
    train(float("nan"))
    with pytest.raises(NonFiniteLossError, match=r"^Batch 6 "):
        callback.on_train_end(None, None)
    callback.look()  # nothing left


def test_the_bar_reads_losses_once_a_second(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("oasis.training.callbacks.progress.time", SimpleNamespace(monotonic=lambda: clock[0]))
    bar, trainer = (
        ProgressBar(),
        SimpleNamespace(callback_metrics={"discriminator/real": torch.tensor(1.0)}, callbacks=[]),
    )
    shown = []
    for now, value in ((0.0, 1.0), (0.5, 2.0), (1.1, 3.0)):
        clock[0] = now
        trainer.callback_metrics["discriminator/real"].fill_(value)
        shown.append(bar.get_metrics(trainer, None)["discriminator/real"])
    assert shown == ["1.000", "1.000", "3.000"]
