"""Training with a style encoder."""

import pytest
import torch
from hydra.utils import instantiate

from oasis.checkpoint import load, restore
from oasis.errors import ConfigurationError
from oasis.models import Pix2PixHDFeatureGenerator, SPADEGenerator, StyleEncoder, encodes_style
from oasis.objectives import HingeObjective

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:The perceptual term")]

STYLED = [
    "data=cityscapes", "data.height=32", "data.width=64", "data.batch_size=2", "data.num_workers=0",
    "generator.channels=2", "discriminator.channels=4", "generator.encoder_channels=2", "model=spade_vae_tiny",
    "trainer.accelerator=cpu", "callbacks.ema.bn_batches=1", "callbacks.metrics=null", "callbacks.progress_bar=null",
    "callbacks.image_logger=null", "trainer.limit_val_batches=0", "objective.perceptual_weight=0",
]  # fmt: skip


@pytest.fixture
def fit_style(composed, tiny, tmp_path):
    from train import train

    def run(folder, *overrides):
        path = tmp_path / folder
        train(composed(*STYLED, *overrides, f"paths.output_dir={path}", f"data.root={tiny.root}"))
        return load(path / "checkpoints" / "last.ckpt")

    return run


def test_the_encoder_is_trained_averaged_saved_and_resumed(fit_style, tmp_path):
    once = fit_style("once", "trainer.max_steps=8")
    fit_style("first", "trainer.max_steps=4")
    resume = f"resume={tmp_path / 'first' / 'checkpoints' / 'last.ckpt'}"
    twice = fit_style("second", "trainer.max_steps=8", resume)
    for part in ("state_dict", "generator_ema"):
        assert once[part].keys() == twice[part].keys()
        assert all(value.equal(twice[part][name]) for name, value in once[part].items())
    restored = restore(tmp_path / "second" / "checkpoints" / "last.ckpt").generator
    assert encodes_style(restored)
    trained = {n: v for n, v in once["state_dict"].items() if n.startswith("generator.style_encoder.")}
    assert len(trained) > 10
    for name, value in restored.style_encoder.state_dict().items():
        averaged = once["generator_ema"][f"module.style_encoder.{name}"]
        assert value.equal(averaged)
        if value.dim() == 4:
            assert not value.equal(trained[f"generator.style_encoder.{name}"]), "an average is another"


def test_published_sizes(composed):
    cfg = composed("model=spade_vae", "recipe=spade/cityscapes", "data=cityscapes", "data.root=x", "paths.output_dir=x")
    with torch.device("meta"):
        generator = instantiate(cfg.generator)(condition_channels=36)
    assert sum(p.numel() for p in generator.style_encoder.parameters()) == 10_463_424
    assert sum(p.numel() for p in generator.parameters()) == 126_400_707 + 10_463_424
    assert cfg.objective.style_weight == 0.05


def test_the_generators_step_uses_one_draw_of_the_photos_style():
    """The style term and the fakes are of one pass of the encoder."""
    from oasis.training.sampling import styled

    torch.manual_seed(0)
    generator = SPADEGenerator(3, 4, 2, height=32, width=32, encoder_channels=2, spade_channels=4)

    class Batch:
        image, segments = torch.rand(2, 3, 32, 32), torch.zeros(2, 32, 32).long()

    normal = torch.randn(2, 4)
    noise, style = styled(generator, Batch, normal)
    torch.testing.assert_close(noise, style.mean + normal * (style.log_variance / 2).exp())
    generator.eval()
    torch.testing.assert_close(styled(generator, Batch, None)[1].mean, generator.style_encoder(Batch.image).mean)
    generator.style_encoder = None
    assert styled(generator, Batch, normal) == (normal, None)
    assert HingeObjective().style_weight == 0.05


def test_an_encoder_needs_a_latent_vector():
    with pytest.raises(ConfigurationError, match=r"generator\.encoder_channels=4: .*noise_dim=256; model=spade_vae"):
        SPADEGenerator(36, encoder_channels=4, channels=2)
    assert isinstance(SPADEGenerator(3, 4, 2, height=32, width=32, encoder_channels=2).style_encoder, StyleEncoder)


def test_features_of_segments_are_those_of_the_photos_in_training_and_in_its_samples():
    from oasis.training.sampling import fixed_noise, styled

    torch.manual_seed(0)
    sizes = {"channels": 2, "num_halvings": 1, "num_blocks": 1, "encoder_channels": 2, "encoder_halvings": 1}
    generator = Pix2PixHDFeatureGenerator(3, 4, **sizes)

    class Batch:
        image, segments = torch.rand(2, 3, 16, 16), torch.randint(0, 4, (2, 16, 16))
        index = torch.tensor([0, 1])

    expected = generator.style_encoder(Batch.image, Batch.segments, 4)
    noise, style = styled(generator, Batch, torch.randn(2, 3))
    assert noise.equal(expected)
    assert style.log_variance is None, "no divergence is penalised"
    assert fixed_noise(generator, Batch, seed=0).equal(expected)
