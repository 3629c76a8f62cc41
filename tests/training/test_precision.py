"""16-bit training: losses, norms and weights stay in float32."""

from types import SimpleNamespace

import pytest
import torch
from pytorch_lightning import Trainer
from pytorch_lightning.plugins import MixedPrecision
from torch.overrides import TorchFunctionMode
from torch.utils.data import DataLoader

from oasis.errors import ConfigurationError
from oasis.losses import label_mix_loss
from oasis.losses.label_mix import label_mix_mask

HEADS = ["discriminator=panoptic", "discriminator.boundary=true", "objective/label_mix=segment"]
WIDE = ["generator.init_gain=1", "discriminator.init_gain=1"]
# What autocast on a GPU computes in 16 bits: convolutions and products. On a CPU the list is shorter.
SIXTEEN_BITS = ("matmul", "mm", "mv", "bmm", "addmm", "addmv", "baddbmm", "einsum", "linear", "chain_matmul", "prelu")


class Products(TorchFunctionMode):
    """Writes down what autocast of a GPU would compute in 16 bits."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        name = getattr(function, "__name__", "").strip("_")
        if name in (*SIXTEEN_BITS, "matmul__", "rmatmul") or name.startswith("conv"):
            self.seen.append(name)
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_loss_terms_are_computed_in_float32(built, dtype):
    """Under autocast, from logits of 16 bits, as from the same logits in float32 without it."""
    module, batch = built("speed=oasis/reference", *HEADS)
    torch.manual_seed(0)
    shape = (len(batch), 36, *batch.label.shape[1:])
    logits, fake, mixed = torch.randn(3, *shape).to(dtype)
    heads = {"center": logits[:, :1], "offset": logits[:, :2], "boundary": logits[:, :1]}
    mask = label_mix_mask(batch.label, 35)

    def terms(cast):
        return {
            "real": module.objective.adversarial.real(cast(logits), batch.label),
            "fake": module.objective.adversarial.fake(cast(fake)),
            "label_mix": label_mix_loss(cast(mixed), cast(logits), cast(fake), mask),
            **module.objective.instance_loss({k: cast(v) for k, v in heads.items()}, batch.label, batch.instance),
        }

    with torch.autocast("cpu", dtype=dtype), Products() as products:
        found = terms(lambda x: x)
    assert products.seen == []  # a GPU's autocast would find nothing to compute in 16 bits either
    for name, value in terms(lambda x: x.float()).items():
        assert found[name].dtype == torch.float32, name
        assert found[name].equal(value), name


def test_products_are_noticed():
    with Products() as products:
        torch.ones(2, 2) @ torch.ones(2, 2)
        torch.mv(torch.ones(2, 2), torch.ones(2))
        torch.nn.Conv2d(1, 1, 1)(torch.ones(1, 1, 1, 1))
    assert len(products.seen) >= 3


@pytest.mark.parametrize(
    "settings",
    [
        ["speed=oasis/reference", *HEADS, *WIDE],
        ["speed=oasis/fast", *HEADS, *WIDE],
        ["model=spade", "generator.init_gain=1"],
        ["model=pix2pixhd"],
        ["model=pix2pixhd_features"],
    ],
    ids=["reference", "fast", "spade", "pix2pixhd", "pix2pixhd_features"],
)
def test_losses_of_bfloat16_are_close_to_those_of_float32(built, settings):
    results = []
    for enabled in (False, True):
        module, batch = built(*settings)
        module.eval()
        torch.manual_seed(1)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            terms = {**module.generator_loss(batch), **module.discriminator_loss(batch)}
        assert {term.dtype for term in terms.values()} == {torch.float32}
        results.append({name: term.item() for name, term in terms.items()})
    assert results[1] != results[0]  # it was on
    assert results[1] == pytest.approx(results[0], rel=0.03)


@pytest.mark.parametrize(
    "settings",
    ["speed=oasis/reference", "speed=oasis/fast", "model=spade", "model=pix2pixhd", "model=pix2pixhd_features"],
)
def test_trains_in_bfloat16(fit, read_checkpoint, settings):
    saved = read_checkpoint(fit("run", settings, "trainer.precision=bf16-mixed", "trainer.max_epochs=1"))
    for name, value in saved["state_dict"].items():
        assert value.isfinite().all(), name
        assert value.dtype in (torch.float32, torch.int64, torch.bool), name


def train(module, batches, plugin):
    trainer = Trainer(
        accelerator="cpu", plugins=[plugin], max_epochs=1, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(module, DataLoader(batches, batch_size=None, collate_fn=lambda x: x))


@pytest.mark.parametrize("fused", ["true", "false"])
def test_gradients_are_clipped_once_they_are_unscaled(built, fused):
    """A step of the length of the norm, whoever unscales: Lightning, or a fused optimizer."""
    steps = [
        f"{sign}model.{network}_optimizer.{setting}"
        for network in ("generator", "discriminator")
        for sign, setting in (("", "_target_=torch.optim.SGD"), ("~", "betas"), ("", "lr=1"), ("+", f"fused={fused}"))
    ]
    module, batch = built(*WIDE, *steps, "model.clip_norm=0.01")
    before = [weight.detach().clone() for weight in module.generator.parameters()]
    train(module, [batch], MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu", init_scale=2.0**10)))
    moved = [after - start for after, start in zip(module.generator.parameters(), before, strict=True)]
    assert float(torch.cat([each.detach().flatten() for each in moved]).norm()) == pytest.approx(0.01, rel=1e-3)


def test_a_scaler_serves_both_optimizers(built):
    """16-mixed as on a GPU without bfloat16: small gradients are not lost, a step that overflows is left out."""
    module, batch = built("speed=oasis/fast", "generator.init_gain=1", "discriminator.init_gain=1")
    # Few CPUs have fast float16, but all can compute in it.
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10, growth_interval=4)
    plugin = MixedPrecision("16-mixed", "cpu", scaler)
    scales, weights = [], []
    step = module.training_step

    def record(batch, batch_idx):
        if batch_idx == 2:
            scaler.update(2.0**127)  # the next gradients overflow
        weights.append(module.discriminator.head.weight.detach().clone())
        terms = step(batch, batch_idx)
        scales.append(scaler.get_scale())
        return terms

    module.training_step = record
    train(module, [batch] * 4, plugin)
    assert len(weights) == 4
    assert scales[0] == 2.0**10
    assert scales[1] == 2.0**11  # grew after four good steps, two a batch
    assert not weights[1].equal(weights[0])
    assert weights[3].equal(weights[2])  # overflowed, so left out
    assert scales[2] == 2.0**125  # halved by each network
    assert all(p.isfinite().all() for p in module.parameters())


def test_a_gpu_without_bfloat16_is_told_what_to_use(built, monkeypatch):
    module, _ = built()
    strategy = SimpleNamespace(root_device=torch.device("cuda"))
    module.trainer = SimpleNamespace(precision="bf16-mixed", strategy=strategy)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Tesla T4")
    with pytest.raises(ConfigurationError, match=r"bf16-mixed: Tesla T4 has no bfloat16.*trainer\.precision=16-mixed"):
        module.setup("fit")
