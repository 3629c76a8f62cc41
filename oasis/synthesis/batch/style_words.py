"""The styles of `oasis generate --style`, as a user writes them."""

from collections.abc import Sequence
from pathlib import Path

from oasis.data.files.reading import decode_photo
from oasis.errors import ConfigurationError
from oasis.synthesis import Synthesizer
from oasis.synthesis.batch.looks import OfStyle
from oasis.synthesis.segment_styles import Part
from oasis.synthesis.style import require_segment_styles, require_style_encoder
from oasis.synthesis.styling import Styling, require_clusters


def parse_styles(texts: Sequence[str], synthesizer: Synthesizer) -> OfStyle:
    """The look that styles give.

    Args:
        texts: one PHOTO; one number of a cluster; or any of CLASS=PHOTO, CLASS=NUMBER, ID=PHOTO and ID=NUMBER.
        synthesizer: the model.

    Raises:
        ConfigurationError: a style that the model does not have, an unknown class, or a style of all beside others.
        CheckpointError: no clusters were computed.
        DatasetError: a photo that cannot be read.
    """
    found: list[tuple[Part | None, Path | int]] = [_parsed(text, synthesizer) for text in texts]
    words = ", ".join(
        (f"{part}=" if part is not None else "") + (str(style) if isinstance(style, int) else style.name)
        for part, style in found
    )
    of_parts = {part: style for part, style in found if part is not None}
    if len(of_parts) < len(found) and len(found) > 1:
        raise ConfigurationError(
            f"--style {words}: a style of the whole picture, or one style for each of several classes and instances."
        )
    for _, style in found:
        if isinstance(style, Path):
            decode_photo(style)
    styling: Styling = of_parts or found[0][1]
    if isinstance(styling, Path):
        require_style_encoder(synthesizer.generator, synthesizer.name)
        return OfStyle(styling, words)
    require_segment_styles(synthesizer.generator, synthesizer.name, words)
    for _, style in found:
        if isinstance(style, int):
            synthesizer.clusters.require(style)
    require_clusters(synthesizer)
    return OfStyle(styling, words)


def _parsed(text: str, synthesizer: Synthesizer) -> tuple[Part | None, Path | int]:
    part, separator, style = text.partition("=")
    if not separator or Path(text).exists():
        return None, _photo_or_number(text)
    if part.isascii() and part.isdecimal():
        return int(part), _photo_or_number(style)
    if part not in synthesizer.label_space.names:
        raise ConfigurationError(
            f"--style {text}: the checkpoint knows no class {part!r}. Name one of "
            f"{', '.join(synthesizer.label_space.names)}; or an instance by its number in the instance map, such as "
            "26003."
        )
    return part, _photo_or_number(style)


def _photo_or_number(text: str) -> Path | int:
    is_number = text.isascii() and text.isdecimal() and not Path(text).exists()
    return int(text) if is_number else Path(text)
