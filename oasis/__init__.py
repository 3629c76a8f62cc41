"""Panoptic OASIS: label maps to photos, and how best to show a panoptic label map to the networks."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oasis.synthesis import Synthesizer

__version__ = "0.1.0"
__all__ = ["Synthesizer", "__version__"]


def __getattr__(name: str) -> Any:
    # Loaded when asked for, so that `import oasis` alone loads no torch.
    if name == "Synthesizer":
        from oasis.synthesis import Synthesizer

        return Synthesizer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
