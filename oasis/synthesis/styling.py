"""The noise that a generator gets for a picture: drawn, or of a style."""

from collections.abc import Mapping

from torch import Tensor

from oasis.errors import ConfigurationError
from oasis.synthesis.conditioning import noise_of
from oasis.synthesis.label_map import LabelMap
from oasis.synthesis.model import GeneratingModel
from oasis.synthesis.noise import Noise
from oasis.synthesis.segment_styles import Part, SegmentStyles, classes_first, require_parts
from oasis.synthesis.style import (
    Photo,
    photo_tensor,
    require_segment_styles,
    require_style_encoder,
    style_noise,
)

Styling = Photo | int | Mapping[Part, Photo | int]


def noise_of_style(
    model: GeneratingModel,
    label_map: LabelMap,
    condition: Tensor,
    segments: Tensor,
    noise: Noise,
    style: Styling | None,
) -> Tensor | None:
    """The noise input of a model's generator.

    Args:
        model: whose generator it is for.
        label_map: the map.
        condition: of the map, see `GeneratingModel.inputs`.
        segments: of the map.
        noise: decides what has no style.
        style: see `Synthesizer.synthesize`.

    Returns:
        See `Generator.forward`.

    Raises:
        ConfigurationError, CheckpointError, DatasetError: see `Synthesizer.synthesize`.
    """
    generator, height, width = model.generator, model.height, model.width
    if noise.dim != generator.noise_dim:
        raise ConfigurationError(
            f"{model.name} takes noise of {generator.noise_dim} numbers, not {noise.dim}: make it with this "
            "synthesizer's own noise(seed)."
        )
    if isinstance(style, Photo):
        require_style_encoder(generator, model.name)
        return style_noise(generator, photo_tensor(style, height, width).to(model.device), segments)
    if style is not None:
        require_segment_styles(generator, model.name, style)
    elif not generator.style_per_segment:
        return noise_of(generator, noise, segments)
    styles = SegmentStyles(label_map.resized(height, width), model.clusters, model.device)
    if isinstance(style, int):
        return styles.numbered(style)
    features = styles.drawn(noise)
    if not style:
        return features
    require_parts(style)
    style = classes_first(style)
    features = styles.styled(features, style)
    if all(isinstance(each, int) for each in style.values()):
        return features
    # The encoder's instance norms see colors only beside others: objects are laid into the picture without them.
    seen = styles.laid_over(model.image(condition, segments, features), style)
    return styles.styled(features, style, style_noise(generator, seen, segments))


def require_clusters(model: GeneratingModel) -> None:
    """Refuse a model with a style per segment of which no clusters were computed.

    Raises:
        CheckpointError: see `GeneratingModel.clusters`.
    """
    if model.generator.style_per_segment:
        _ = model.clusters
