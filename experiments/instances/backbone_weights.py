"""Prints where the weights of `discriminator=pretrained` are cached: `python -m experiments.instances.backbone_weights`."""

from torchvision.models import ConvNeXt_Tiny_Weights

from oasis.pretrained import cached_weights

if __name__ == "__main__":
    print(cached_weights(ConvNeXt_Tiny_Weights.DEFAULT.url))
