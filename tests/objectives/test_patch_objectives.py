"""The objectives of SPADE and pix2pixHD."""

from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from oasis.errors import ConfigurationError
from oasis.models import PatchDiscriminator, Style
from oasis.objectives import HingeObjective, LeastSquaresObjective

KINDS = [HingeObjective, LeastSquaresObjective]


@dataclass
class Step:
    """A step with two photos and fakes, and a discriminator without memory."""

    objective: HingeObjective | LeastSquaresObjective
    style: Style | None = None

    def __post_init__(self) -> None:
        torch.manual_seed(0)
        self.batch = SimpleNamespace(image=torch.rand(2, 3, 32, 64), condition=torch.rand(2, 4, 32, 64))
        self.fakes = torch.rand(2, 3, 32, 64, requires_grad=True)
        self.discriminator = PatchDiscriminator(4, channels=4).eval()

    def generate(self) -> Tensor:
        return self.fakes

    def discriminate(self, image: Tensor):
        return self.discriminator(*self.objective.discriminator_inputs(image, self.batch.condition))


def apart(step):
    """Scores and features of fakes and photos, each in a pass of its own."""
    return [step.discriminator(image, step.batch.condition) for image in (step.fakes, step.batch.image)]


def mean(values):
    values = list(values)
    return sum(values) / len(values)


@pytest.mark.parametrize(
    ("kind", "generator", "fake", "real", "over_scales"),
    [
        (HingeObjective, lambda s: -s, lambda s: (1 + s).clamp(min=0), lambda s: (1 - s).clamp(min=0), mean),
        (LeastSquaresObjective, lambda s: (s - 1) ** 2, lambda s: s**2 / 2, lambda s: (s - 1) ** 2 / 2, sum),
    ],
)
def test_terms(kind, generator, fake, real, over_scales):
    step = Step(kind())
    on_fake, on_real = apart(step)
    found = step.objective.generator_loss(step)
    expected = over_scales([generator(scores).mean() for scores in on_fake.scores])
    torch.testing.assert_close(found["adversarial"], expected)
    distances = [
        sum((a - b).abs().mean() for a, b in zip(one, other, strict=True))
        for one, other in zip(on_fake.features, on_real.features, strict=True)
    ]
    torch.testing.assert_close(found["feature_matching"], 10 * mean(distances))
    assert set(found) == {"adversarial", "feature_matching"}
    found = step.objective.discriminator_loss(step)
    torch.testing.assert_close(found["fake"], over_scales([fake(scores).mean() for scores in on_fake.scores]))
    torch.testing.assert_close(found["real"], over_scales([real(scores).mean() for scores in on_real.scores]))
    assert set(found) == {"fake", "real"}


@pytest.mark.parametrize("kind", KINDS)
def test_validation_has_the_adversarial_terms(kind):
    step = Step(kind())
    found = step.objective.validation_loss(step)
    assert tuple(found) == step.objective.validation_names
    torch.testing.assert_close(found["generator_adversarial"], step.objective.generator_loss(step)["adversarial"])
    terms = step.objective.discriminator_loss(step)
    for name in ("real", "fake"):
        torch.testing.assert_close(found[f"discriminator_{name}"], terms[name])


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_goes_through_the_fakes(kind):
    step = Step(kind())
    for term in step.objective.generator_loss(step).values():
        step.fakes.grad = None
        term.backward(retain_graph=True)
        assert step.fakes.grad.abs().sum() > 0


@pytest.mark.parametrize("kind", KINDS)
def test_weights(kind):
    step = Step(kind(feature_matching_weight=0))
    assert set(step.objective.generator_loss(step)) == {"adversarial"}
    one, ten = (Step(kind(feature_matching_weight=weight)) for weight in (1, 10))
    found = [each.objective.generator_loss(each)["feature_matching"] for each in (one, ten)]
    torch.testing.assert_close(10 * found[0], found[1])
    with pytest.raises(ConfigurationError, match=r"objective\.feature_matching_weight=-1"):
        kind(feature_matching_weight=-1)
    with pytest.raises(ConfigurationError, match=r"objective\.perceptual_weight=-2"):
        kind(perceptual_weight=-2)


@pytest.mark.parametrize("kind", KINDS)
def test_styles_are_drawn_towards_the_normal_distribution(kind):
    mean, log_variance = torch.randn(2, 5, requires_grad=True), torch.randn(2, 5, requires_grad=True)
    step = Step(kind(style_weight=0.05), Style(mean, log_variance))
    terms = step.objective.generator_loss(step)
    normal = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    expected = torch.distributions.kl_divergence(normal, torch.distributions.Normal(0.0, 1.0)).sum()
    torch.testing.assert_close(terms["style"], 0.05 * expected)
    for style, weight in ((Style(mean, log_variance), 0.0), (Style(mean), 0.05), (None, 0.05)):
        step = Step(kind(style_weight=weight), style)
        assert "style" not in step.objective.generator_loss(step)


MODELS = {
    "spade": ["model=spade", "generator.spade_channels=4", "generator.init_gain=1"],
    "pix2pixhd": ["model=pix2pixhd", "generator.num_halvings=2", "generator.num_blocks=1"],
    "spade_vae": ["model=spade_vae_tiny", "data.height=64"],
    "local": [
        "model=pix2pixhd",
        "generator=pix2pixhd_local",
        "generator.num_halvings=1",
        "generator.num_blocks=1",
        "generator.num_local_blocks=1",
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_training_and_restoring(model, composed, tiny, tmp_path):
    from oasis.checkpoint import restore
    from train import train

    folder = tmp_path / "run"
    overrides = ["data=cityscapes", "data.height=32", "data.width=64", "data.batch_size=2", "data.num_workers=0"]
    overrides += ["generator.channels=2", "discriminator.channels=4", "trainer.accelerator=cpu", "trainer.max_epochs=1"]
    overrides += ["callbacks.ema.bn_batches=1", "callbacks.metrics=null", "callbacks.progress_bar=null"]
    overrides += ["trainer.log_every_n_steps=1"]
    train(composed(*overrides, *MODELS[model], f"paths.output_dir={folder}", f"data.root={tiny.root}"))
    restored = restore(folder / "checkpoints" / "last.ckpt")
    assert restored.encoding.channels == 36
    shape = (1, 64, 64)
    condition = restored.encoding(torch.zeros(shape).long(), torch.zeros(shape).long())
    with torch.no_grad():
        assert restored.generator(condition).isfinite().all()
    header = (folder / "metrics.csv").read_text().splitlines()[0]
    styled = ["generator/style"] if model == "spade_vae" else []
    for name in (*styled, "generator/feature_matching", "discriminator/real", "val/generator_adversarial"):
        assert name in header
