"""Features of DINOv2 and CLIP, from Hugging Face's transformers, under the published protocols of their distances."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oasis.errors import ConfigurationError
from oasis.hub_files import (
    SETTINGS,
    WEIGHTS,
    find_checkpoint,
    fingerprint,
    import_transformers,
    load_pretrained,
    settings_of,
)
from oasis.metrics.extractor import FrozenExtractor
from oasis.metrics.feature_distances import Distance, cmmd, frechet_and_kernel

if TYPE_CHECKING:
    from transformers import CLIPVisionModelWithProjection, Dinov2Model

_FILES = (SETTINGS, WEIGHTS)  # not the preprocessing: that of these protocols is fixed
_DINOV2_SIZE = 224
_DINOV2_OFFSET = 0.1  # added to the length of the resampled grid by the published network
_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_CLIP = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
# What ViT-L/14 is, in the settings of transformers.
_LARGE = {"hidden_size": 1024, "num_hidden_layers": 24, "patch_size": 14}
_LARGE_336 = {**_LARGE, "image_size": 336, "projection_dim": 768}


class DINOv2Features(FrozenExtractor):
    """The class token of DINOv2, for the Frechet distance FD-DINOv2 and the kernel distance KD-DINOv2.

    8-bit pictures are stretched to 224x224, bicubically with antialiasing, and normalised as ImageNet's; transformers'
    own processor of this network crops them instead. The position embeddings are resampled to the grid of that size
    once, as the published network does it, which transformers does with slightly other sampling positions.

    Source: Stein et al. 2023 (Exposing flaws of generative model evaluation metrics), and its dgm-eval; Oquab et al.
    2023 (DINOv2).

    Args:
        network: frozen; its position embeddings are replaced.
        fingerprint: of its weights.
    """

    distances = frechet_and_kernel("frechet_dinov2", "kernel_dinov2")

    def __init__(self, network: "Dinov2Model", fingerprint: str) -> None:
        super().__init__()
        embeddings = network.embeddings
        side = _DINOV2_SIZE // embeddings.patch_embeddings.patch_size[0]
        resampled = _resampled(embeddings.position_embeddings.detach(), side)
        embeddings.position_embeddings = nn.Parameter(resampled, requires_grad=False)
        self.network = network
        self.num_features: int = network.config.hidden_size
        self.fingerprint = fingerprint
        self.eval()

    @property
    def protocol(self) -> str:
        """See `FeatureExtractor`."""
        return f"DINOv2 ({self.fingerprint[:8]}), bytes, resized to {_DINOV2_SIZE}x{_DINOV2_SIZE} bicubically"

    def describe(self, image: Tensor) -> Tensor:
        """The normalised class token: (B, 3, H, W) to (B, num_features)."""
        features: Tensor = self.network(_normalised(bicubic_bytes(image, _DINOV2_SIZE), *_IMAGENET)).pooler_output
        return features


class CLIPFeatures(FrozenExtractor):
    """The image embeddings of CLIP, of length 1, for CMMD.

    The central square of the 8-bit picture is resized to CLIP's size, bicubically with antialiasing: the same square as
    transformers' own processor takes, which resizes before it crops.

    Source: Jayasumana et al. 2024 (Rethinking FID), and its google-research/cmmd; Radford et al. 2021 (CLIP).

    Args:
        network: frozen.
        fingerprint: of its weights.
    """

    distances: Mapping[str, Distance] = {"cmmd": Distance(cmmd)}

    def __init__(self, network: "CLIPVisionModelWithProjection", fingerprint: str) -> None:
        super().__init__()
        self.network = network
        self.size: Any = network.config.image_size
        self.num_features: int = network.config.projection_dim
        self.fingerprint = fingerprint
        self.eval()

    @property
    def protocol(self) -> str:
        """See `FeatureExtractor`."""
        return (
            f"CLIP ({self.fingerprint[:8]}), bytes, the central square resized to {self.size}x{self.size} bicubically"
        )

    def describe(self, image: Tensor) -> Tensor:
        """The embeddings: (B, 3, H, W) to (B, num_features)."""
        pictures = _normalised(bicubic_bytes(central_square(image), self.size), *_CLIP)
        return F.normalize(self.network(pictures).image_embeds, dim=1)


def dinov2_extractor(weights: str, any_size: bool = False) -> DINOv2Features:
    """Load DINOv2.

    Args:
        weights: a folder with `config.json` and `model.safetensors`, or a name on the Hugging Face hub.
        any_size: whether other sizes than ViT-L/14 are accepted.

    Raises:
        ConfigurationError: transformers is not installed, or the checkpoint is corrupt or of another network.
        MissingWeightsError: it is neither a folder nor in the cache, and cannot be downloaded.
    """
    folder, network = _load("dinov2", weights, "DINOv2", ["dinov2"], "Dinov2Model")
    if not any_size:
        _require_size(folder, network.config, _LARGE, "frechet_dinov2 is a distance in features of DINOv2 ViT-L/14")
    return DINOv2Features(network, fingerprint(folder, "dinov2 bytes stretched 1", _FILES))


def clip_extractor(weights: str, any_size: bool = False) -> CLIPFeatures:
    """Load the image encoder of CLIP; arguments and errors are those of `dinov2_extractor`."""
    kinds = ["clip", "clip_vision_model"]  # with its text encoder, and without
    folder, network = _load("clip", weights, "CLIP", kinds, "CLIPVisionModelWithProjection")
    if not any_size:
        _require_size(
            folder, network.config, _LARGE_336, "cmmd is a distance of embeddings of CLIP ViT-L/14 at 336x336"
        )
    return CLIPFeatures(network, fingerprint(folder, "clip bytes square 1", _FILES))


def bicubic_bytes(image: Tensor, size: int) -> Tensor:
    """Pictures rounded to bytes, and resized as Pillow resizes these: bicubic, antialiased, stretched to a square.

    Pillow rounds to bytes after each of its two passes, along rows first, and so does this, on any device.

    Args:
        image: (B, 3, H, W) float32 in [-1, 1].
        size: of a side.

    Returns:
        (B, 3, size, size) float32 in [0, 1], multiples of 1 / 255.
    """
    levels = ((image + 1) * 127.5).round().clamp(0, 255)
    for shape in ((levels.shape[2], size), (size, size)):
        if levels.shape[2:] != shape:
            resized = F.interpolate(levels, shape, mode="bicubic", antialias=True, align_corners=False)
            levels = (resized + 0.5).floor().clamp(0, 255)  # halves go up in Pillow
    return levels / 255


def central_square(image: Tensor) -> Tensor:
    """The largest square in the middle: (B, 3, H, W) to (B, 3, S, S) with S the smaller of H and W."""
    height, width = image.shape[2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return image[:, :, top : top + side, left : left + side]


def _normalised(image: Tensor, mean: tuple[float, ...], deviation: tuple[float, ...]) -> Tensor:
    return (image - image.new_tensor(mean).view(3, 1, 1)) / image.new_tensor(deviation).view(3, 1, 1)


def _resampled(positions: Tensor, side: int) -> Tensor:
    """Position embeddings for a grid of side x side patches: (1, 1 + N^2, D) to (1, 1 + side^2, D)."""
    token, grid = positions[:, :1], positions[:, 1:]
    trained = round(grid.shape[1] ** 0.5)
    if trained == side:
        return positions
    factor = (side + _DINOV2_OFFSET) / trained
    square = grid.reshape(1, trained, trained, -1).permute(0, 3, 1, 2)
    resampled = F.interpolate(square, scale_factor=(factor, factor), mode="bicubic", align_corners=False)
    return torch.cat([token, resampled.flatten(2).transpose(1, 2)], dim=1)


def _load(name: str, weights: str, what: str, kinds: list[str], model: str) -> tuple[Path, Any]:
    """The folder of a checkpoint, and the model in it."""
    transformers = import_transformers(f"metrics={name}")
    if not weights:
        raise ConfigurationError(f"the weights of metrics={name} are null: name a {what} checkpoint or its folder.")
    # With metrics=all the settings of each are one level down.
    folder = find_checkpoint(str(weights), f"metrics.weights (with metrics=all: metrics.{name}.weights)", _FILES)
    settings_of(folder, what, kinds)
    return folder, load_pretrained(getattr(transformers, model), folder, what)


def _require_size(folder: Path, config: Any, wanted: Mapping[str, int], what: str) -> None:
    for name, value in wanted.items():
        if getattr(config, name) != value:
            raise ConfigurationError(
                f"{folder}: its {name} is {getattr(config, name)}, not {value}, but {what}. To measure with it all the "
                f"same, which is comparable with no published number, set any_size=true beside its weights."
            )
