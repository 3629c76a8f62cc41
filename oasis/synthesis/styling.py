"""The noise that a generator gets for a picture: drawn, or of a style."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor

from oasis.errors import ConfigurationError
from oasis.synthesis.conditioning import noise_of
from oasis.synthesis.label_map import LabelMap
from oasis.synthesis.noise import Noise
from oasis.synthesis.segment_styles import Part, SegmentStyles, require_parts
from oasis.synthesis.style import (
    Photo,
    photo_tensor,
    require_segment_styles,
    require_style_encoder,
    style_noise,
)

if TYPE_CHECKING:
    from oasis.synthesis.synthesizer import Synthesizer

Styling = Photo | int | Mapping[Part, Photo | int]


def noise_of_style(
    synthesizer: "Synthesizer",
    label_map: LabelMap,
    condition: Tensor,
    segments: Tensor,
    noise: Noise,
    style: Styling | None,
) -> Tensor | None:
    """The noise input of a synthesizer's generator.

    Args:
        synthesizer: the model.
        label_map: the map.
        condition: of the map, see `Synthesizer.inputs`.
        segments: of the map.
        noise: decides what has no style.
        style: see `Synthesizer.synthesize`.

    Returns:
        See `Generator.forward`.

    Raises:
        ConfigurationError, CheckpointError, DatasetError: see `Synthesizer.synthesize`.
    """
    generator, height, width = synthesizer.generator, synthesizer.height, synthesizer.width
    if noise.dim != generator.noise_dim:
        raise ConfigurationError(
            f"{synthesizer.name} takes noise of {generator.noise_dim} numbers, not {noise.dim}: make it with this "
            "synthesizer's own noise(seed)."
        )
    if isinstance(style, Photo):
        require_style_encoder(generator, synthesizer.name)
        return style_noise(generator, photo_tensor(style, height, width).to(synthesizer.device), segments)
    if style is not None:
        require_segment_styles(generator, synthesizer.name, style)
    elif not generator.style_per_segment:
        return noise_of(generator, noise, segments)
    styles = SegmentStyles(label_map.resized(height, width), synthesizer.clusters, synthesizer.device)
    if isinstance(style, int):
        return styles.numbered(style)
    features = styles.drawn(noise)
    if not style:
        return features
    require_parts(style)
    features = styles.with_clusters(features, style)
    if all(isinstance(each, int) for each in style.values()):
        return features
    # The encoder's instance norms see colors only beside others: objects are laid into the picture without them.
    seen = styles.laid_over(synthesizer.image(condition, segments, features), style)
    return styles.with_photos(features, style_noise(generator, seen, segments), style)


def require_clusters(synthesizer: "Synthesizer") -> None:
    """Refuse a model with a style per segment of which no clusters were computed.

    Raises:
        CheckpointError: see `Synthesizer.clusters`.
    """
    if synthesizer.generator.style_per_segment:
        _ = synthesizer.clusters
