"""From files to a synthesizer."""

import os
import subprocess
import sys

import pytest
import torch

import oasis
from oasis.checkpoint import find_checkpoint
from oasis.errors import CheckpointError, ConfigurationError
from oasis.models import OASISGenerator
from oasis.synthesis import Synthesizer


def write_checkpoint(path, **data):
    """A checkpoint as a run of nothing but a generator would write it."""
    space = {"_target_": "oasis.labels.LabelSpace.cityscapes_ids"}
    sizes = {"noise_dim": 4, "channels": 2, "num_blocks": 4, "spade_channels": 4}
    torch.manual_seed(0)
    weights = OASISGenerator(35, **sizes).state_dict()
    config = {
        "name": "test",
        "label_space": space,
        "encoding": {"_target_": "oasis.encodings.Semantic", "label_space": space},
        "generator": {"_target_": "oasis.models.OASISGenerator", "_partial_": True, **sizes},
        "data": data,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    named = {f"generator.{name}": value for name, value in weights.items()}
    progress = {"batches_seen": 0, "images_seen": 0}
    torch.save({"config": config, "progress": progress, "state_dict": named}, path)
    return path


def test_from_a_checkpoint_a_run_or_a_folder_of_runs(tmp_path, street):
    old, new = (
        write_checkpoint(tmp_path / f"runs/demo/{day}/checkpoints/last.ckpt", height=32, width=64) for day in "12"
    )
    os.utime(old, (0, 0))
    for path in (new, str(new.parent), new.parent.parent, tmp_path / "runs" / "demo", tmp_path / "runs"):
        synthesizer = oasis.Synthesizer.from_checkpoint(path, device="cpu")
        assert (synthesizer.height, synthesizer.width, synthesizer.name) == (32, 64, "test (Semantic)")
    assert isinstance(synthesizer, Synthesizer)
    assert find_checkpoint(tmp_path / "runs" / "demo") == new
    picture = synthesizer.synthesize(street.label, seed=0)
    again = Synthesizer.from_checkpoint(old).synthesize(street.label, seed=0)
    assert again.tobytes() == picture.tobytes()
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match=r"empty: no run with a checkpoints/last\.ckpt is there"):
        Synthesizer.from_checkpoint(tmp_path / "empty")
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        Synthesizer.from_checkpoint(tmp_path / "nothing.ckpt")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, r"names no data\.height and data\.width"),
        ({"height": 33, "width": 64}, r"pictures of 33x64 .* multiples of 8"),
        ({"height": 2**20, "width": 2**20}, "no more than 67108864 pixels"),
    ],
    ids=["none", "odd", "huge"],
)
def test_a_checkpoint_of_a_size_that_cannot_be(tmp_path, data, message):
    path = write_checkpoint(tmp_path / "odd.ckpt", **data)
    with pytest.raises((CheckpointError, ConfigurationError), match=message):
        Synthesizer.from_checkpoint(path)


def test_what_training_writes_generates(fit, tiny):
    run = fit("first", "trainer.max_epochs=1", "trainer.limit_train_batches=2", "trainer.limit_val_batches=1")
    label = tiny.label("val", "town_000100_000019")
    synthesizer = Synthesizer.from_checkpoint(run)
    picture = synthesizer.synthesize(label, seed=0)
    assert picture.size == (64, 32)
    checkpoint = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    used = synthesizer.generator.state_dict()["stem.weight"]
    assert torch.equal(used, checkpoint["generator_ema"]["module.stem.weight"])
    assert not torch.equal(used, checkpoint["state_dict"]["generator.stem.weight"])


def test_importing_oasis_alone_loads_no_torch():
    code = "import sys, oasis; assert 'torch' not in sys.modules; assert 'Synthesizer' in dir(oasis)"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'Synthesiser'"):
        oasis.Synthesiser  # noqa: B018
