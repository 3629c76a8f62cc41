"""Prints the file in which torchvision caches the weights of `discriminator=pretrained`."""

from torchvision.models import ConvNeXt_Tiny_Weights

from oasis.pretrained import cached_weights

if __name__ == "__main__":
    print(cached_weights(ConvNeXt_Tiny_Weights.DEFAULT.url))
