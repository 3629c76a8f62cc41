"""Tensor names of the official OASIS, SPADE and pix2pixHD."""

import re
from collections.abc import Iterable

# Each rule is a pattern in a name of ours and its replacement; they are applied in order.
_SPECTRAL_NORM = (  # of `torch.nn.utils.spectral_norm`
    (r"\.parametrizations\.weight\.original$", ".weight_orig"),
    (r"\.parametrizations\.weight\.0\._([uv])$", r".weight_\1"),
)
_SPADE = (
    (r"^stem\.", "fc."),
    (r"^to_image\.", "conv_img."),
    (r"\.spade_([01s])\.", r".norm_\1."),
    (r"\.shared\.", ".mlp_shared.0."),
    (r"\.(gamma|beta)\.", r".mlp_\1."),
)
_OASIS = (
    *_SPADE,
    (r"^blocks\.", "body."),
    (r"\.norm\.", ".first_norm."),
    # the discriminator: its activations and resampling share a list with the convolution
    (r"^down\.0\.conv_1\.", "body_down.0.conv1.0."),
    (r"^down\.(\d+)\.conv_1\.", r"body_down.\1.conv1.1."),
    (r"^up\.(\d+)\.conv_1\.", r"body_up.\1.conv1.2."),
    (r"^(down|up)\.(\d+)\.conv_2\.", r"body_\1.\2.conv2.1."),
    (r"^(down|up)\.", r"body_\1."),
    (r"^head\.", "layer_up_last."),
    *_SPECTRAL_NORM,
)
_SPADE_BLOCKS = ("head_0", "G_middle_0", "G_middle_1", "up_0", "up_1", "up_2", "up_3")
_SPADE_GENERATOR = (
    *_SPADE,
    *((rf"^blocks\.{position}\.", f"{block}.") for position, block in enumerate(_SPADE_BLOCKS)),
    (r"\.norm\.", ".param_free_norm."),
    *_SPECTRAL_NORM,
)
_SPADE_DISCRIMINATOR = (
    # A convolution with a spectral norm shares a list with its instance norm.
    (r"^scales\.(\d+)\.(\d+)\.0\.parametrizations", r"discriminator_\1.model\2.0.0.parametrizations"),
    (r"^scales\.(\d+)\.(\d+)\.(?:0\.)?", r"discriminator_\1.model\2.0."),
    *_SPECTRAL_NORM,
)
_STYLE_ENCODER = (
    # Ours is one list: of each layer a convolution, a norm and an activation.
    *((rf"^layers\.{3 * position}\.", f"layer{position + 1}.0.") for position in range(6)),
    (r"^mean\.", "fc_mu."),
    (r"^log_variance\.", "fc_var."),
    *_SPECTRAL_NORM,
)
_PIX2PIXHD = (
    (r"(?<=\d)\.layers\.", ".conv_block."),
    (r"^(layers|trunk)\.", "model."),
    (r"^before\.", "model1_1."),
    (r"^after\.", "model1_2."),
)


def official_names(names: Iterable[str]) -> dict[str, str]:
    """Map names of our state dicts to those of the official OASIS.

    Args:
        names: of the tensors of an `OASISGenerator` or `OASISDiscriminator`.

    Returns:
        Ours -> theirs, in the order given.
    """
    return _renamed(names, _OASIS)


def spade_generator_names(names: Iterable[str]) -> dict[str, str]:
    """The same for a `SPADEGenerator` and the official SPADE."""
    return _renamed(names, _SPADE_GENERATOR)


def spade_discriminator_names(names: Iterable[str]) -> dict[str, str]:
    """The same for a `PatchDiscriminator` with spectral norm and the official SPADE."""
    return _renamed(names, _SPADE_DISCRIMINATOR)


def style_encoder_names(names: Iterable[str]) -> dict[str, str]:
    """The same for a `StyleEncoder` and the official SPADE."""
    return _renamed(names, _STYLE_ENCODER)


def pix2pixhd_names(names: Iterable[str]) -> dict[str, str]:
    """The same for a `Pix2PixHDGenerator`, `Pix2PixHDLocalEnhancer` or `FeatureEncoder` and the official pix2pixHD."""
    return _renamed(names, _PIX2PIXHD)


def pix2pixhd_discriminator_names(names: Iterable[str], num_scales: int) -> dict[str, str]:
    """The same for a `PatchDiscriminator` without spectral norm; theirs counts the scales from the coarsest."""
    rules = (
        (rf"^scales\.{scale}\.(\d+)\.(?:0\.)?", rf"scale{num_scales - 1 - scale}_layer\1.0.")
        for scale in range(num_scales)
    )
    return _renamed(names, tuple(rules))


def _renamed(names: Iterable[str], rules: Iterable[tuple[str, str]]) -> dict[str, str]:
    compiled = [(re.compile(pattern), replacement) for pattern, replacement in rules]
    renamed = {}
    for name in names:
        renamed[name] = name
        for pattern, replacement in compiled:
            renamed[name] = pattern.sub(replacement, renamed[name])
    return renamed
