import copy

import pytest
import torch
import torch.nn.functional as F

from oasis.errors import ConfigurationError


def test_loss_terms_by_name(built):
    module, batch = built()
    assert set(module.generator_loss(batch)) == {"adversarial"}
    assert set(module.discriminator_loss(batch)) == {"real", "fake", "label_mix"}
    for term in [*module.generator_loss(batch).values(), *module.discriminator_loss(batch).values()]:
        assert term.shape == ()
        assert term.isfinite()


def test_terms_are_those_of_the_paper(built):
    """Against the losses written out by hand, without balancing."""
    module, batch = built("model.balance_classes=false", "generator.noise_dim=0")
    module.eval()  # so that nothing changes between two passes
    with torch.no_grad():
        fake = module.generator(batch.condition)
        on_fake, on_real = module.discriminator(fake), module.discriminator(batch.image)
        terms = {**module.generator_loss(batch), **module.discriminator_loss(batch)}
    assert torch.allclose(terms["adversarial"], F.cross_entropy(on_fake, batch.label + 1))
    assert torch.allclose(terms["real"], F.cross_entropy(on_real, batch.label + 1))
    assert torch.allclose(terms["fake"], F.cross_entropy(on_fake, torch.zeros_like(batch.label)))


def test_label_mix_weight_scales_and_switches_off(built):
    values = {}
    for weight in (1.0, 5.0):
        module, batch = built(f"model.label_mix_weight={weight}")
        torch.manual_seed(1)
        values[weight] = module.discriminator_loss(batch)["label_mix"]
    assert torch.allclose(values[5.0], 5 * values[1.0])
    module, batch = built("model.label_mix_weight=0")
    assert "label_mix" not in module.discriminator_loss(batch)


def test_discriminator_loss_leaves_the_generator_alone(built):
    module, batch = built()
    sum(module.discriminator_loss(batch).values()).backward()
    assert all(p.grad is None for p in module.generator.parameters())
    assert all(p.grad is not None for p in module.discriminator.parameters())


def test_one_batch_steps_both_networks_with_their_own_optimizers(fit, read_checkpoint):
    start = read_checkpoint(fit("a", "trainer.max_epochs=1", "model.generator_optimizer.lr=0.0"))
    end = read_checkpoint(fit("b", "trainer.max_epochs=2", "model.generator_optimizer.lr=0.0"))
    for name, before in start["state_dict"].items():
        after = end["state_dict"][name]
        if name.startswith("generator") and name.endswith(("original", "bias", "weight")):
            assert torch.equal(before, after), name  # learning rate 0
    trained = "discriminator.head.weight"
    assert not torch.equal(start["state_dict"][trained], end["state_dict"][trained])


def test_betas_and_rates_of_the_recipe(composed, built, tiny_overrides):
    module, _ = built()
    generator, discriminator = module.configure_optimizers()
    for optimizer, network in ((generator, module.generator), (discriminator, module.discriminator)):
        group = optimizer.param_groups[0]
        assert group["lr"] == 4e-4
        assert tuple(group["betas"]) == (0.0, 0.999)
        assert {id(p) for p in group["params"]} == {id(p) for p in network.parameters()}


@pytest.mark.parametrize(("height", "width", "nearest"), [(40, 64, "height=48|height=32"), (64, 100, "width=96")])
def test_sizes_that_cannot_be_halved(built, height, width, nearest):
    module, _ = built()
    module.check_size(64, 128)
    with pytest.raises(ConfigurationError, match=rf"data\.height={height} data\.width={width}.*16.*({nearest})"):
        module.check_size(height, width)


def test_training_makes_the_losses_move(built):
    """A few steps on one batch: the discriminator tells real from fake better, and the generator then answers."""
    rates = [f"model.{network}_optimizer.lr=5e-3" for network in ("generator", "discriminator")]
    module, batch = built(*rates, "generator.channels=8", "discriminator.channels=16")
    generator_optimizer, discriminator_optimizer = module.configure_optimizers()
    first = {k: v.item() for k, v in module.discriminator_loss(batch).items()}
    for _ in range(80):
        discriminator_optimizer.zero_grad()
        sum(module.discriminator_loss(batch).values()).backward()
        discriminator_optimizer.step()
    last = {k: v.item() for k, v in module.discriminator_loss(batch).items()}
    assert last["real"] + last["fake"] < 0.85 * (first["real"] + first["fake"])
    before = module.generator_loss(batch)["adversarial"].item()
    frozen = copy.deepcopy(module.discriminator.state_dict())
    for _ in range(80):
        generator_optimizer.zero_grad()
        module.generator_loss(batch)["adversarial"].backward()
        generator_optimizer.step()
    assert module.generator_loss(batch)["adversarial"].item() < 0.9 * before
    for name, value in module.discriminator.state_dict().items():
        if "parametrizations" not in name:  # the spectral norm's estimates move with every pass
            assert torch.equal(value, frozen[name])
