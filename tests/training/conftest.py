import pytest
import torch
from hydra.utils import instantiate
from model_sizes import fitted


@pytest.fixture
def built(composed, tiny_overrides):
    """A tiny module, and a batch for it, as train.py makes them."""

    def build(*overrides):
        cfg = composed(*fitted([*tiny_overrides, "paths.output_dir=unused", *overrides]))
        torch.manual_seed(0)
        encoding = instantiate(cfg.encoding)
        data = instantiate(cfg.data, encoding=encoding)
        module = instantiate(cfg.model, condition_channels=encoding.channels)
        data.setup("fit")
        return module, data.encode(next(iter(data.val_dataloader())))

    return build


@pytest.fixture
def read_checkpoint():
    def read(run, name="last.ckpt"):
        return torch.load(run / "checkpoints" / name, weights_only=True)

    return read
