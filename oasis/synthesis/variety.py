"""Whether pictures of one map can differ: as a whole, and in a part alone."""

import torch

from oasis.errors import ConfigurationError
from oasis.synthesis.model import GeneratingModel


def require_random(model: GeneratingModel) -> None:
    """Refuse a model that has one picture of a map only, whatever the seed.

    Raises:
        ConfigurationError: neither its generator nor its encoding draws random numbers.
    """
    if model.generator.noise_dim == 0 and not _encodes_at_random(model):
        raise ConfigurationError(
            f"{model.name}: its {type(model.generator).__name__} has no noise, and its {type(model.encoding).__name__} "
            "draws none, so that every seed gives the same picture of a map. Ask for a single one, or use a model with "
            "noise: model=oasis, model=inade, model=spade_vae, or any with encoding=instance_noise."
        )


def require_resamplable(model: GeneratingModel) -> None:
    """Refuse a model in whose pictures no part can be drawn anew while the rest stays.

    Raises:
        ConfigurationError: see `require_random`; or its generator has one vector of noise for a whole picture.
    """
    require_random(model)
    generator = model.generator
    if generator.noise_dim and not (generator.noise_per_pixel or generator.noise_per_segment):
        raise ConfigurationError(
            f"{model.name}: its {type(generator).__name__} has one latent vector a picture, so that no part of it can "
            "differ alone. Draw whole pictures of other seeds, or use a model with noise per pixel or segment: "
            "model=oasis, model=inade."
        )


def _encodes_at_random(model: GeneratingModel) -> bool:
    """Whether the encoding draws random numbers, tried with a map of one thing."""
    thing = min(model.label_space.things, default=0)
    label = torch.full((1, model.height, model.width), thing, device=model.device)
    source = torch.Generator()
    before = source.get_state()
    model.encoding(label, torch.ones_like(label), [source])
    return not torch.equal(before, source.get_state())
