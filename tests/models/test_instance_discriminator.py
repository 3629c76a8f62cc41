import pytest
import torch

from oasis.errors import ConfigurationError
from oasis.models import InstanceDiscriminator, OASISDiscriminator

HEADS = {"score_channels": 6, "embedding_channels": 4}


def built(boundary_classes=False, **settings):
    torch.manual_seed(0)
    return InstanceDiscriminator(5, 2, channels=8, num_blocks=3, boundary_classes=boundary_classes, **settings)


@pytest.mark.parametrize(
    ("settings", "logits", "widths"),
    [
        ({}, 6, {}),
        ({"score_channels": 6}, 6, {"instance_score": 6}),
        ({"embedding_channels": 4}, 6, {"instance_embedding": 4}),
        ({"boundary_classes": True}, 8, {}),
        ({**HEADS, "boundary_classes": True}, 8, {"instance_score": 6, "instance_embedding": 4}),
    ],
    ids=str,
)
def test_outputs_for_every_pixel(settings, logits, widths):
    network = built(**settings)
    output = network(torch.randn(2, 3, 16, 24))
    assert output.logits.shape == (2, logits, 16, 24)
    assert {name: tuple(said.shape) for name, said in output.heads.items()} == {
        name: (2, width, 16, 24) for name, width in widths.items()
    }
    assert network.num_boundary_classes == logits - 6
    assert network.num_classes == 5


def test_logits_are_those_of_the_plain_discriminator():
    """The heads are made last, so that even a seed gives the two the same weights."""
    found = built(init_gain=1.0, **HEADS)
    torch.manual_seed(0)
    plain = OASISDiscriminator(5, channels=8, num_blocks=3, init_gain=1.0)
    image = torch.randn(2, 3, 16, 16)
    for _ in range(2):  # training mode: the spectral norms must move alike, too
        assert found(image).logits.equal(plain(image).logits)
    added = found.state_dict().keys() - plain.state_dict().keys()
    assert added == {f"heads.{name}.{part}" for name in found.heads for part in ("weight", "bias")}


def test_every_parameter_and_the_image_get_a_gradient():
    network = built(boundary_classes=True, **HEADS)
    for name in network.heads:
        image = torch.randn(1, 3, 16, 16, requires_grad=True)
        network.zero_grad()
        network(image).heads[name].square().sum().backward()
        assert image.grad.abs().sum() > 0
        for path, parameter in network.named_parameters():
            others = path.startswith("head.") or (path.startswith("heads.") and not path.startswith(f"heads.{name}."))
            assert (parameter.grad is None) == others, (name, path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"score_channels": 5}, r"score_channels=5: must be even"),
        ({"score_channels": -2}, r"score_channels=-2: must be even"),
        ({"embedding_channels": 1}, r"embedding_channels=1: at least 2"),
        ({"embedding_channels": -4}, r"embedding_channels=-4: at least 2"),
        ({"num_blocks": 1}, r"num_blocks=1.*at least 2"),
        ({"num_things": 0, "boundary_classes": True}, r"boundary_classes=true: no class.*discriminator=oasis"),
    ],
    ids=str,
)
def test_bad_settings(settings, message):
    with pytest.raises(ConfigurationError, match=message):
        InstanceDiscriminator(**{"num_classes": 5, "num_things": 2, "channels": 4, **settings})
