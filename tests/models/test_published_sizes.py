"""Parameters of the full-width networks, beside a count by hand, layer by layer, from the published description."""

from itertools import pairwise

import pytest
import torch

from oasis.labels import LabelSpace
from oasis.models import OASISDiscriminator, OASISGenerator


def convolution(inputs, outputs, kernel=3, bias=True):
    return kernel * kernel * inputs * outputs + bias * outputs


def generator_by_hand(classes, noise):
    """Six residual blocks, 16-16-16-8-4-2-1 times 64 wide; SPADE's hidden layer has 128 channels."""
    condition = noise + classes

    def spade(width):  # its norm has nothing to learn; gamma and beta
        return convolution(condition, 128) + 2 * convolution(128, width)

    count = convolution(condition, 1024)
    for inputs, outputs in pairwise((1024, 1024, 1024, 512, 256, 128, 64)):
        middle = min(inputs, outputs)
        count += spade(inputs) + convolution(inputs, middle) + spade(middle) + convolution(middle, outputs)
        if inputs != outputs:
            count += spade(inputs) + convolution(inputs, outputs, kernel=1, bias=False)
    return count + convolution(64, 3)


def discriminator_by_hand(classes):
    """A U-Net of six blocks down and six up; the last five also read the encoder's features."""
    down = ((3, 128), (128, 128), (128, 256), (256, 256), (256, 512), (512, 512))
    up = ((512, 512), (1024, 256), (512, 256), (512, 128), (256, 128), (256, 64))
    count = 0
    for inputs, outputs in (*down, *up):
        count += convolution(inputs, outputs) + convolution(outputs, outputs)
        if inputs != outputs:
            count += convolution(inputs, outputs, kernel=1)
    return count + convolution(64, classes + 1, kernel=1)


@pytest.mark.parametrize(
    ("classes", "with_noise", "without", "discriminator"),
    [  # those of 35 and 20 classes were counted with the official code
        (35, 71_107_523, 69_338_051, 22_251_364),
        (20, 70_692_803, 68_923_331, 22_250_389),
        (151, 74_314_691, 72_545_219, 22_258_904),
        (183, 75_199_427, 73_429_955, 22_260_984),
    ],
)
def test_full_width(classes, with_noise, without, discriminator):
    assert generator_by_hand(classes, 64) == with_noise
    assert generator_by_hand(classes, 0) == without
    assert discriminator_by_hand(classes) == discriminator
    with torch.device("meta"):
        networks = OASISGenerator(classes), OASISGenerator(classes, noise_dim=0), OASISDiscriminator(classes)
    counts = [sum(parameter.numel() for parameter in network.parameters()) for network in networks]
    assert counts == [with_noise, without, discriminator]


@pytest.mark.parametrize(("name", "classes"), [("cityscapes_ids", 35), ("ade20k", 151), ("coco_stuff", 183)])
def test_classes_of_the_published_models(name, classes):
    assert LabelSpace.built_in(name).num_classes == classes
