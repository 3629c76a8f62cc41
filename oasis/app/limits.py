"""Limits on visitors of the app."""

from dataclasses import dataclass

from oasis.errors import ConfigurationError


@dataclass(frozen=True)
class Limits:
    """Bounds on uploads, the queue and sessions.

    Attributes:
        upload_bytes: of one uploaded file; a Cityscapes label map has 40 kB.
        pixels: of one uploaded map, by its header; refused before it is decoded. A Cityscapes map has 2 million.
        waiting: requests that may wait in the queue; later ones are refused.
        sessions: whose maps are kept at the same time; the oldest is dropped first.
        kept_seconds: for which the files of a visitor and the map of an idle one are kept.
        undo: strokes that can be undone.
    """

    upload_bytes: int = 20 * 2**20
    pixels: int = 16 * 2**20
    waiting: int = 24
    sessions: int = 100
    kept_seconds: int = 3600
    undo: int = 100

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 1:
                raise ConfigurationError(f"{name}={value}: a limit of the app has to be at least 1.")
