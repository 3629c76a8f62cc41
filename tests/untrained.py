"""Checkpoints with untrained weights."""

from pathlib import Path

import torch
from hydra.utils import instantiate

GENERATOR = {
    "_target_": "oasis.models.OASISGenerator",
    "_partial_": True,
    "noise_dim": 4,
    "channels": 2,
    "num_blocks": 4,
    "spade_channels": 4,
    "init_gain": 1.0,
}
SPACE = {"_target_": "oasis.labels.LabelSpace.cityscapes_ids"}
DATA = {
    "_target_": "oasis.data.build_data_module",
    "dataset": {"_target_": "oasis.data.Cityscapes", "_partial_": True},
    "label_space": SPACE,
    "root": "nowhere",
    "height": 32,
    "width": 64,
}


def write_checkpoint(path: Path, encoding: str, space=SPACE, data=DATA) -> Path:
    """What a run writes, with untrained weights."""
    config = {
        "name": "test",
        "seed": 0,
        "label_space": space,
        "encoding": {"_target_": f"oasis.encodings.{encoding}", "label_space": space},
        "generator": GENERATOR,
        "data": data,
    }
    torch.manual_seed(0)
    generator = instantiate(GENERATOR)(condition_channels=instantiate(config["encoding"]).channels)
    weights = {f"generator.{name}": tensor for name, tensor in generator.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"config": config, "progress": {"batches_seen": 1, "images_seen": 2}, "state_dict": weights}, path)
    return path
