"""Generating loads none of the libraries that take seconds and are not needed for it."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from starting import ROOT
from untrained import write_checkpoint

HEAVY = ("pytorch_lightning", "lightning_fabric", "torchmetrics", "torchvision", "transformers", "huggingface_hub")
HEAVY += ("matplotlib", "scipy", "pandas", "wandb", "gradio", "torch_fidelity", "torch._dynamo", "sympy")
PROGRAM = f"""
import sys
from oasis.cli import app
app(sys.argv[1:], standalone_mode=False)
loaded = [name for name in {HEAVY} if name in sys.modules]
assert not loaded, loaded
assert "torch" in sys.modules
"""


@pytest.mark.parametrize("source", ["map.png", "folder"])
def test_generating(tmp_path, source):
    checkpoint = write_checkpoint(tmp_path / "run" / "checkpoints" / "last.ckpt", "Semantic")
    label = np.full((32, 64), 7, np.uint8)
    (tmp_path / "folder").mkdir()
    for name in ("map.png", "folder/a_labelIds.png"):
        Image.fromarray(label).save(tmp_path / name)
    words = ["generate", str(checkpoint), str(tmp_path / source), "--output", str(tmp_path / "photos")]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, cwd=ROOT, check=False
    )  # in a process of its own, in which nothing is loaded yet
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "photos").glob("*.png"))) == 2  # and a contact sheet
