"""Training in several processes computes what one process computes."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from model_sizes import fitted
from run_files import csv_rows, training_losses
from segmenting import untrained_segmenter

ROOT = Path(__file__).parents[2]
# Gain 1, or the first steps would compute on what is so small that any difference is lost.
COMMON = [
    "data.batch_size=4",
    "trainer.max_epochs=5",
    "trainer.check_val_every_n_epoch=5",
    "data.num_workers=0",
]
OASIS = [
    "generator.init_gain=1",
    "discriminator.init_gain=1",
    "generator.num_blocks=4",
    "discriminator.num_blocks=4",
]
# Adam's first steps are signs, those of rounding errors too: a bias in front of a BatchNorm has no gradient but 1e-11,
# and would go either way by the whole learning rate. Plain steps keep what is small small: weights can be compared.
PLAIN_STEPS = [
    override
    for optimizer in ("model.generator_optimizer", "model.discriminator_optimizer")
    for override in (f"{optimizer}._target_=torch.optim.SGD", f"~{optimizer}.betas", f"{optimizer}.lr=0.01")
]
# Feature matching is an L1 distance, whose gradient consists of signs as well, and a hinge has a kink: rounding errors
# grow within a few steps.
# Directions in a plane are badly conditioned: "single instances" has more than the two features of the others.
FEW_STEPS = ["trainer.max_epochs=2", "trainer.check_val_every_n_epoch=2"]
VARIANTS = {
    "semantic": [*OASIS, "encoding=semantic"],
    "per_instance_masks": [*OASIS, "encoding=per_instance_masks", "encoding.slots=4"],
    "panoptic discriminator": [
        *OASIS, "encoding=instance_noise", "discriminator=panoptic", "objective/label_mix=segment",
    ],
    "single instances": [
        *OASIS, "discriminator=instance_adversarial", "discriminator.embedding_channels=8",
        "discriminator.boundary_classes=true", "discriminator.channels=16", *FEW_STEPS,
    ],
    "spade": ["model=spade", "generator.init_gain=1", *FEW_STEPS],
    "pix2pixhd": ["model=pix2pixhd", *FEW_STEPS],
    "inade": ["model=inade", "generator.init_gain=1", "discriminator.init_gain=1", *FEW_STEPS],
    "panoptic-aware": [*OASIS, "generator/panoptic=aware", "generator.condition_resize=area", *FEW_STEPS],
    "segment tokens": [*OASIS, "generator=segment_tokens", *FEW_STEPS],
    "transformers": [*OASIS, "generator=transformer", "discriminator=transformer", *FEW_STEPS],
    "pretrained": [
        *OASIS, "discriminator=pretrained", "discriminator/backbone=efficientnet_b0",
        "discriminator.backbone.random_weights=true", *FEW_STEPS,
    ],
}  # fmt: skip


# The networks of conf/ that share all of their code with one of the variants.
SAME_CODE = {
    "generator": {"oasis", "pix2pixhd_local", "pix2pixhd_features", "spade_inade"},
    "discriminator": {"oasis", "instance_contrast", "boundary_classes"},
}


@pytest.mark.parametrize("group", SAME_CODE)
def test_every_network_is_in_a_variant(group):
    named = {path.stem for path in (ROOT / "conf" / group).glob("*.yaml")}
    overrides = {override for variant in VARIANTS.values() for override in variant}
    tried = {name for name in named if {f"{group}={name}", f"model={name}"} & overrides}
    assert named == tried | SAME_CODE[group]


def command(tiny_overrides: list[str], output: Path, *overrides: str) -> list[str]:
    return ["train.py", *fitted([*tiny_overrides, *COMMON, f"paths.output_dir={output}", *overrides])]


@pytest.fixture
def run(python):
    """Runs `train.py` as the process that starts one more."""

    def run(*arguments: str) -> None:
        done = python.run(*arguments, spares=(1,), WORLD_SIZE=None, LOCAL_RANK=None, RANK=None)
        assert done.returncode == 0, done.stdout + done.stderr

    return run


def assert_same_losses(found: Path, expected: Path, steps: int = 5) -> None:
    ours, theirs = training_losses(found), training_losses(expected)
    assert len(ours) == len(theirs) == steps
    for one, other in zip(ours, theirs, strict=True):
        # label_mix is a small square of differences of logits: what these are rounded by is not small beside it.
        assert one == pytest.approx(other, rel=2e-6, abs=5e-7)


@pytest.mark.parametrize("variant", VARIANTS)
def test_two_processes_train_as_one(tiny, tiny_overrides, fit, run, tmp_path, variant):
    tiny.add("train", "town_000050_000019", seed=50)  # 8: two batches of 4 an epoch, one of which is read
    settings = [*VARIANTS[variant], *PLAIN_STEPS, "trainer.limit_train_batches=1"]
    steps = 2 if FEW_STEPS[0] in settings else 5
    expected = fit("one", *COMMON, *settings)
    run(*command(tiny_overrides, tmp_path / "two", *settings, "trainer.devices=2"))
    assert_same_losses(tmp_path / "two", expected, steps)
    one, two = (
        torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True) for folder in (expected, tmp_path / "two")
    )
    assert two["progress"] == one["progress"] == {"batches_seen": steps, "images_seen": 4 * steps}
    for name, weight in one["state_dict"].items():
        # A hundredth of an error in a gradient is a thousand times as much: 0.007 in the stem of SPADE.
        least = max(1e-6, 1e-5 * float(weight.abs().max()))
        torch.testing.assert_close(
            two["state_dict"][name], weight, rtol=1e-5, atol=least, msg=lambda text, name=name: f"{name}: {text}"
        )


def test_validation_losses_count_each_sample_once(tiny_overrides, fit, run, tmp_path):
    """Three samples for two processes: one is read twice."""
    still = [*OASIS, *(f"model.{network}_optimizer.lr=0.0" for network in ("generator", "discriminator"))]
    once = [
        *still,
        "callbacks.ema.bn_batches=0",
        "trainer.max_epochs=1",
        "trainer.check_val_every_n_epoch=1",
        "trainer.limit_train_batches=1",
    ]
    one = fit("one", *COMMON, *once)
    run(*command(tiny_overrides, tmp_path / "two", *once, "trainer.devices=2"))
    names = [f"val/{name}" for name in ("generator_adversarial", "discriminator_real", "discriminator_fake")]
    expected, found = (
        [[float(row[name]) for name in names] for row in csv_rows(folder) if row[names[0]]]
        for folder in (one, tmp_path / "two")
    )
    assert len(expected) == 1
    assert found == [pytest.approx(expected[0], rel=1e-6)]


def test_a_protocol_counts_the_label_maps_of_all_processes_once(ids, tiny_overrides, run, tmp_path, monkeypatch):
    """One validation batch of two of the three samples, one of them in each process."""
    measured = untrained_segmenter(ids, monkeypatch, tmp_path)
    settings = ["trainer.max_epochs=1", "trainer.limit_train_batches=1", "trainer.limit_val_batches=1"]
    run(*command(tiny_overrides, tmp_path / "two", "trainer.devices=2", *settings, *measured, "data.batch_size=2",
                 "trainer.check_val_every_n_epoch=1"))  # fmt: skip
    told = json.loads((tmp_path / "two" / "summary.json").read_text())["protocols"]["segmenter/miou"]
    assert "; 2 label maps of val, " in told


def test_two_nodes_of_torchrun_train_as_one(tiny_overrides, fit, python, tmp_path):
    """The first node starts as it does for a user, with all of its imports."""
    settings = [*VARIANTS["semantic"], *PLAIN_STEPS, "trainer.limit_train_batches=1"]
    expected = fit("one", *COMMON, *settings)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launch = ["-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1", "--master-addr=127.0.0.1"]
    launch += [f"--master-port={port}"]
    train = command(tiny_overrides, tmp_path / "two", *settings, "trainer.num_nodes=2", "trainer.devices=1")
    second = python.start(*launch, "--node-rank=1", *train, spares=(1,))
    try:
        first = subprocess.run(
            [sys.executable, *launch, "--node-rank=0", *train],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=200,
        )
    finally:
        done = second.end(30)
    assert (first.returncode, done.returncode) == (0, 0), first.stderr + done.stderr
    assert_same_losses(tmp_path / "two", expected)


def test_a_batch_that_cannot_be_split_is_refused(tiny_overrides, python, tmp_path):
    train = command(tiny_overrides, tmp_path / "two", "trainer.devices=2", "data.batch_size=3")
    done = python.run(*train, spares=(1,))
    assert done.returncode != 0
    assert "data.batch_size=3 cannot be split over 2 processes" in done.stderr
