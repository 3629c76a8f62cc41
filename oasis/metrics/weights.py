"""Finding, downloading and checking the file of the 2015 Inception weights."""

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from oasis.errors import ConfigurationError, MissingWeightsError
from oasis.pretrained import require_state_dict

URL = "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth"
SHA256 = "6726825d"
_SETTING = "metrics.weights=PATH (with metrics=all: metrics.inception.weights=PATH)"
# torch-fidelity and pytorch-fid have the same file under two names.
_CACHED_AS = ("weights-inception-2015-12-05-6726825d.pth", "pt_inception-2015-12-05-6726825d.pth")


class InceptionWeights(NamedTuple):
    """The weights that were read.

    Attributes:
        path: the file.
        state: its state dict.
        sha256: of the file, in hexadecimal.
    """

    path: Path
    state: dict[str, Tensor]
    sha256: str


def inception_weights(weights: str | os.PathLike[str] | None, sha256: str | None) -> InceptionWeights:
    """Read the given file, or that in torch.hub's cache, or download it to the cache.

    Args:
        weights: path of a file; None = the cache or a download.
        sha256: prefix of the file's SHA-256; None = not checked.

    Raises:
        ConfigurationError: the given file does not exist, is another one, or contains more than tensors.
        MissingWeightsError: no file is named, and the cache has none or a corrupt one, or the download fails.
    """
    if weights is not None:
        path = Path(weights).expanduser()
        if not path.is_file():
            raise ConfigurationError(f"{path}: no such file of Inception weights; fetch {URL}")
        return InceptionWeights(path, *_read(path, sha256))
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    cached = [folder / name for name in _CACHED_AS if (folder / name).is_file()]
    path = cached[0] if cached else _download(folder)
    try:
        return InceptionWeights(path, *_read(path, sha256))
    except ConfigurationError as error:  # the user did not name the file, so its scores are left out
        raise MissingWeightsError(f"{error}. Delete it, or give another file: {_SETTING}") from error


def _read(path: Path, sha256: str | None) -> tuple[dict[str, Tensor], str]:
    """The state dict and the SHA-256 of a file, without executing code from it."""
    try:
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error})") from error
    if sha256 is not None and not actual.startswith(sha256.lower()):
        raise ConfigurationError(
            f"{path}: its SHA-256 is {actual}, and should start with {sha256.lower()}: corrupt, or not the 2015 "
            f"Inception weights. Fetch {URL} anew; for weights of your own give metrics.sha256=null"
        )
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling arbitrary bytes may raise anything
        reason = str(error).split("\n", 1)[0]
        raise ConfigurationError(f"{path}: not a state dict saved by torch.save ({reason})") from error
    return require_state_dict(state, path), actual


def _download(folder: Path) -> Path:
    path = folder / _CACHED_AS[0]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(URL, str(path), hash_prefix=SHA256, progress=False)
    except (OSError, RuntimeError) as error:  # OSError: no network; RuntimeError: a corrupt file
        raise MissingWeightsError(
            f"the 2015 Inception weights of FID and KID can be neither found in {folder} nor downloaded ({error}). "
            f"Fetch {URL} on a machine that reaches it, and give its path: {_SETTING}"
        ) from error
    return path
