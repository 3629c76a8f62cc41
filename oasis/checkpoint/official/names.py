"""Tensor names of the official OASIS."""

import re
from collections.abc import Iterable

# Applied in this order to our names.
_RULES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # the generator
        (r"^stem\.", "fc."),
        (r"^to_image\.", "conv_img."),
        (r"^blocks\.", "body."),
        (r"\.spade_([01s])\.", r".norm_\1."),
        (r"\.norm\.", ".first_norm."),
        (r"\.shared\.", ".mlp_shared.0."),
        (r"\.(gamma|beta)\.", r".mlp_\1."),
        # the discriminator: its activations and resampling share a list with the convolution
        (r"^down\.0\.conv_1\.", "body_down.0.conv1.0."),
        (r"^down\.(\d+)\.conv_1\.", r"body_down.\1.conv1.1."),
        (r"^up\.(\d+)\.conv_1\.", r"body_up.\1.conv1.2."),
        (r"^(down|up)\.(\d+)\.conv_2\.", r"body_\1.\2.conv2.1."),
        (r"^(down|up)\.", r"body_\1."),
        (r"^head\.", "layer_up_last."),
        # the spectral norm of `torch.nn.utils.spectral_norm`
        (r"\.parametrizations\.weight\.original$", ".weight_orig"),
        (r"\.parametrizations\.weight\.0\._([uv])$", r".weight_\1"),
    )
)


def official_names(names: Iterable[str]) -> dict[str, str]:
    """Map names of our state dicts to those of the official ones.

    Args:
        names: of the tensors of an `OASISGenerator` or `OASISDiscriminator`.

    Returns:
        Ours -> theirs, in the order given.
    """
    return {name: _official_name(name) for name in names}


def _official_name(name: str) -> str:
    for pattern, replacement in _RULES:
        name = pattern.sub(replacement, name)
    return name
