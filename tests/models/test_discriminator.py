import pytest
import torch

from oasis.errors import ConfigurationError
from oasis.models import OASISDiscriminator


@pytest.mark.parametrize(("height", "width"), [(64, 64), (64, 128), (128, 192)])
def test_logits_for_every_pixel_and_class_and_fake(height, width):
    logits = OASISDiscriminator(5, channels=4)(torch.randn(2, 3, height, width)).logits
    assert logits.shape == (2, 6, height, width)


@pytest.mark.parametrize("num_blocks", [2, 3, 5, 7])
def test_any_number_of_blocks(num_blocks):
    discriminator = OASISDiscriminator(5, channels=4, num_blocks=num_blocks)
    assert discriminator.size_divisor == 2**num_blocks
    size = discriminator.size_divisor
    assert discriminator(torch.randn(1, 3, size, size)).logits.shape == (1, 6, size, size)


def test_too_few_blocks():
    with pytest.raises(ConfigurationError, match=r"num_blocks=1.*at least 2"):
        OASISDiscriminator(5, num_blocks=1)


def test_sizes_that_do_not_fit():
    with pytest.raises(ConfigurationError, match=r"96x128.*multiples of 64.*height 64 or 128, width 128"):
        OASISDiscriminator(5, channels=4)(torch.zeros(1, 3, 96, 128))


def test_further_heads_can_read_the_features():
    discriminator = OASISDiscriminator(5, channels=4).eval()
    image = torch.randn(2, 3, 64, 64)
    features = discriminator.features(image)
    assert features.shape == (2, discriminator.feature_channels, 64, 64)
    assert discriminator.head(features).equal(discriminator(image).logits)


def test_every_parameter_and_the_image_get_a_gradient():
    discriminator = OASISDiscriminator(5, channels=4)
    image = torch.randn(1, 3, 64, 64, requires_grad=True)
    before = image.detach().clone()
    discriminator(image).logits.square().sum().backward()
    assert image.equal(before), "no activation may write into the picture"
    assert image.grad.abs().sum() > 0
    assert all(p.grad is not None and p.grad.isfinite().all() for p in discriminator.parameters())


def test_gradient_is_that_of_finite_differences():
    discriminator = OASISDiscriminator(2, channels=2, num_blocks=2).double().eval()
    for parameter in discriminator.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    image = torch.randn(1, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda picture: discriminator(picture).logits, (image,))
