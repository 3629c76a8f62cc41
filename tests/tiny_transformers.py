"""Checkpoints of DINOv2 and CLIP of a few channels and random weights."""

from pathlib import Path

import torch

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}


def save_tiny_dinov2(folder: Path) -> Path:
    """Trained at a grid of 3 x 3 patches, seen at one of 4 x 4, so that position embeddings are resampled."""
    from transformers import Dinov2Config, Dinov2Model

    config = Dinov2Config(**SMALL, image_size=168, patch_size=56, layerscale_value=1.0)
    return _saved(Dinov2Model, config, folder)


def save_tiny_clip(folder: Path) -> Path:
    """Both encoders, as the published checkpoint holds them."""
    from transformers import CLIPConfig, CLIPModel

    config = CLIPConfig(
        vision_config={**SMALL, "intermediate_size": 32, "image_size": 48, "patch_size": 16, "projection_dim": 12},
        text_config={**SMALL, "intermediate_size": 32, "vocab_size": 50, "projection_dim": 12},
        projection_dim=12,
    )
    return _saved(CLIPModel, config, folder)


def _saved(model_class: type, config: object, folder: Path) -> Path:
    """With weights that are large enough for pictures to matter."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = model_class(config)
        for parameter in model.parameters():
            parameter.data += 0.2 * torch.randn(parameter.shape)
    model.save_pretrained(folder)
    return folder
