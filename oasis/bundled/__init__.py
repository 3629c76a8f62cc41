"""The trained models that come with the package. Does not import torch."""

from pathlib import Path

from oasis.errors import CheckpointError, ConfigurationError

STREETS = "streets"
MODELS = (STREETS,)
"""Their names; each is a file `NAME.safetensors` of `oasis export --half` in this folder."""

NOTE = f"No checkpoint named: {STREETS}, the bundled model, trained on synthetic streets."
"""What commands say before they use it."""

INSTALL_AGAIN = "Install it again: pip install --force-reinstall --no-deps panoptic-oasis (in a checkout: git restore)."


def bundled_file(name: str = STREETS) -> Path:
    """The file of a bundled model.

    Raises:
        ConfigurationError: none is called this.
        CheckpointError: its file is missing.
    """
    if name not in MODELS:
        raise ConfigurationError(
            f"No bundled model is called {name!r}; there is {', '.join(MODELS)}. Others are read "
            "by Synthesizer.from_checkpoint."
        )
    path = Path(__file__).parent / f"{name}.safetensors"
    if not path.is_file():
        raise CheckpointError(f"{path} is missing, {name}, the bundled model. {INSTALL_AGAIN}")
    return path
