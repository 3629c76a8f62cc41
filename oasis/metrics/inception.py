"""The Inception network of 2015 for FID and KID, under two protocols."""

import os
import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics.image.fid import NoTrainInceptionV3

from oasis.errors import ConfigurationError
from oasis.metrics.extractor import FeatureExtractor, FrozenExtractor
from oasis.metrics.feature_distances import frechet_and_kernel
from oasis.metrics.weights import SHA256, inception_weights

# torch-fidelity's modules up to the 2048 features.
_LAYERS = (
    *("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "MaxPool_1", "Conv2d_3b_1x1", "Conv2d_4a_3x3", "MaxPool_2"),
    *("Mixed_5b", "Mixed_5c", "Mixed_5d", "Mixed_6a", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"),
    *("Mixed_7a", "Mixed_7b", "Mixed_7c", "AvgPool"),
)


class _Inception(FrozenExtractor):
    """The base of both protocols.

    Args:
        network: frozen, and always in eval mode.
        sha256: of its weights.
    """

    num_features = 2048
    key: str  # of the protocol, in fingerprints
    handling: str

    def __init__(self, network: NoTrainInceptionV3, sha256: str) -> None:
        super().__init__()
        self.network = network
        self.sha256 = sha256
        self.fingerprint = f"{self.key}-{sha256}"

    @property
    def protocol(self) -> str:
        """See `FeatureExtractor`."""
        return f"Inception of 2015 ({self.sha256[:8]}), {self.handling}"


class InceptionFeatures(_Inception):
    """The protocol of torchmetrics since 1.8: 8-bit pictures, resized to 299x299 with antialiasing.

    Bytes are rounded, not truncated, so that photos read from bytes are restored exactly.

    Source: Heusel et al. 2017 for FID; Binkowski et al. 2018 for KID; Parmar et al. 2022 on antialiasing.
    """

    distances = frechet_and_kernel("fid", "kid")
    key = "inception2015-bytes-antialiased"
    handling = "bytes, resized to 299x299 with antialiasing"

    def describe(self, image: Tensor) -> Tensor:
        """The features of pictures rounded to bytes."""
        features: Tensor = self.network(((image + 1) * 127.5).round().clamp(0, 255).byte())
        return features


class InceptionFeaturesOASIS(_Inception):
    """The protocol of the published 47.7: float pictures, resized to 299x299 without antialiasing.

    Pictures larger than 299 pixels are sampled with aliasing, and -1..1 is passed to the network unchanged, where
    torchmetrics passes (bytes - 128) / 128. KID was not published under it and is not reported.

    Source: the official OASIS, `utils/fid_scores.py` and `utils/fid_folder/inception.py`, which is pytorch-fid's.
    """

    distances = frechet_and_kernel("fid_oasis")
    key = "inception2015-float-bilinear"
    handling = "floats, resized to 299x299 bilinearly without antialiasing"

    def describe(self, image: Tensor) -> Tensor:
        """The features of float pictures."""
        # In float32 the sampling positions alone change the distance by about 1e-6. Apple's GPUs lack float64.
        exact = image if image.device.type == "mps" else image.double()
        x = F.interpolate(exact, size=(299, 299), mode="bilinear", align_corners=False).float()
        for name in _LAYERS:
            x = self.network.get_submodule(name)(x)
        return x.flatten(1)


def inception_extractors(
    weights: str | os.PathLike[str] | None = None, sha256: str | None = SHA256
) -> list[FeatureExtractor]:
    """Both protocols with one shared network.

    Args:
        weights: path of torch-fidelity's (or pytorch-fid's) file; None = torch.hub's cache, or a download to
            it.
        sha256: prefix of the file's SHA-256; None = not checked, for a custom file.

    Raises:
        MissingWeightsError: no file is named, and the cache has none or a corrupt one, or the download fails.
        ConfigurationError: the file is missing, has another hash, or is not this network.
    """
    found = inception_weights(weights, sha256)
    try:
        network = _build(found.state)
    except RuntimeError as error:  # load_state_dict names each of hundreds of keys
        reason = " ".join(str(error).split())[:200]
        raise ConfigurationError(f"{found.path}: not the 2015 Inception network ({reason}...)") from error
    return [InceptionFeatures(network, found.sha256), InceptionFeaturesOASIS(network, found.sha256)]


def _build(state: dict[str, Tensor]) -> NoTrainInceptionV3:
    # torch-fidelity unpickles its file unsafely, so it gets one with the tensors only. It initialises its layers at
    # random first; a run must draw the same random numbers with and without metrics.
    with tempfile.TemporaryDirectory() as folder, torch.random.fork_rng(devices=[]):
        clean = Path(folder) / "inception.pth"
        torch.save(state, clean)
        network = NoTrainInceptionV3("inception-v3-compat", ["2048"], str(clean), antialias=True)
    network.requires_grad_(False)
    return network
