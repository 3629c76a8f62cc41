import pytest
import torch

from oasis.errors import ConfigurationError
from oasis.models import OASISDiscriminator, PanopticDiscriminator


def built(boundary=True, **settings):
    torch.manual_seed(0)
    return PanopticDiscriminator(5, channels=8, num_blocks=3, boundary=boundary, **settings)


@pytest.mark.parametrize(
    ("boundary", "widths"),
    [(False, {"center": 1, "offset": 2}), (True, {"center": 1, "offset": 2, "boundary": 1})],
)
@pytest.mark.parametrize(("height", "width"), [(8, 8), (16, 40)])
def test_heads_see_every_pixel(boundary, widths, height, width):
    logits, heads = built(boundary)(torch.randn(2, 3, height, width))
    assert logits.shape == (2, 6, height, width)
    assert {name: tuple(said.shape) for name, said in heads.items()} == {
        name: (2, channels, height, width) for name, channels in widths.items()
    }


def test_logits_are_those_of_the_plain_discriminator():
    """The heads are made last, so that even a seed gives the two the same weights."""
    panoptic = built(init_gain=1.0)
    torch.manual_seed(0)
    plain = OASISDiscriminator(5, channels=8, num_blocks=3, init_gain=1.0)
    assert {k: v for k, v in panoptic.state_dict().items() if not k.startswith("heads.")}.keys() == set(
        plain.state_dict()
    )
    for name, value in plain.state_dict().items():
        assert value.equal(panoptic.state_dict()[name]), name
    image = torch.randn(2, 3, 16, 16)
    for _ in range(2):  # training mode: the spectral norms must move alike, too
        expected = plain(image).logits
        assert panoptic(image).logits.equal(expected)
    assert panoptic.eval()(image).logits.equal(plain.eval()(image).logits)
    assert plain(image).heads == {}
    assert plain(image).logits.equal(plain.head(plain.features(image)))


def test_only_the_heads_are_added():
    def parameters(network):
        return sum(p.numel() for p in network.parameters())

    with torch.device("meta"):
        plain, without, whole = (
            parameters(network)
            for network in (
                OASISDiscriminator(35),
                PanopticDiscriminator(35),
                PanopticDiscriminator(35, boundary=True),
            )
        )
    assert without - plain == (64 + 1) * (1 + 2)
    assert whole - plain == (64 + 1) * (1 + 2 + 1)


@pytest.mark.parametrize("gain", [0.02, 1.0])
def test_heads_start_from_no_instance(gain):
    """Whatever the gain of the rest: not a tenth of what they are to say in the end."""
    _, heads = built(init_gain=gain)(torch.rand(2, 3, 32, 32) * 2 - 1)
    for name, said in heads.items():
        assert 0 < said.abs().max() < 0.1, name


def test_every_parameter_and_the_image_get_a_gradient():
    discriminator = built()
    for name in discriminator.heads:
        image = torch.randn(1, 3, 16, 16, requires_grad=True)
        discriminator.zero_grad()
        discriminator(image).heads[name].square().sum().backward()
        assert image.grad.abs().sum() > 0, name
        for path, parameter in discriminator.named_parameters():
            others = path.startswith("head.") or (path.startswith("heads.") and not path.startswith(f"heads.{name}."))
            assert (parameter.grad is None) == others, (name, path)


def test_bad_settings_are_refused_as_by_the_plain_one():
    with pytest.raises(ConfigurationError, match=r"num_blocks=1.*at least 2"):
        PanopticDiscriminator(5, num_blocks=1)
    with pytest.raises(ConfigurationError, match=r"init_gain=0.*above 0"):
        PanopticDiscriminator(5, channels=4, init_gain=0)
    with pytest.raises(ConfigurationError, match=r"12x16.*multiples of 8"):
        built()(torch.zeros(1, 3, 12, 16))
