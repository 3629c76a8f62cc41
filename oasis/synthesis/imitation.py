"""Noise with which a generator comes near to a photo, found by optimisation."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from oasis.errors import ConfigurationError
from oasis.losses import VGGPerceptualLoss
from oasis.losses.perceptual import cached_vgg19
from oasis.models import Generator
from oasis.synthesis.coloring import as_picture
from oasis.synthesis.conditioning import segment_noise
from oasis.synthesis.label_map import LabelMap
from oasis.synthesis.loading import MapInput
from oasis.synthesis.noise import Noise
from oasis.synthesis.style import Photo, photo_tensor
from oasis.synthesis.synthesizer import Synthesizer

_RATE = 0.1  # of Adam, for numbers of variance 1


@dataclass(frozen=True)
class Imitation:
    """The result of a search.

    Attributes:
        picture: of the best step.
        losses: of each step.
        measure: the name of the loss.
    """

    picture: Image.Image
    losses: list[float]
    measure: str

    @property
    def loss(self) -> float:
        """That of the picture."""
        return min(self.losses)


def imitate(
    synthesizer: Synthesizer,
    label_map: MapInput | LabelMap,
    photo: Photo,
    *,
    steps: int = 300,
    noise: Noise | None = None,
    on_step: Callable[[float], None] = lambda loss: None,
) -> Imitation:
    """Search the noise with which the picture of a map is nearest to a photo.

    Nearest in the perceptual loss where VGG's weights are in torchvision's cache, else in the mean absolute difference.
    Every segment has a vector of its own, where the generator takes noise per pixel or segment; else the picture has
    one. Vectors keep the length that normally distributed ones have, so that the generator sees nothing it was not
    trained with.

    Args:
        synthesizer: of a generator with noise.
        label_map: see `Synthesizer.synthesize`.
        photo: of any size; it need not be of this map.
        steps: at least 1.
        noise: where the search starts, and of random encodings; None = that of seed 0.
        on_step: called with the loss of each step.

    Raises:
        ConfigurationError: a generator without noise; no steps.
        DatasetError: an invalid map or photo.

    Source: Creswell and Bharath 2018, "Inverting the Generator of a Generative Adversarial Network".
    """
    require_searchable(synthesizer, steps)
    noise = synthesizer.noise(0) if noise is None else noise
    generator, device = synthesizer.generator, synthesizer.device
    condition, segments = synthesizer.inputs(synthesizer.open(label_map), noise)
    target = photo_tensor(photo, synthesizer.height, synthesizer.width).to(device)
    measure, distance = _distance(device)
    _, numbers = torch.unique(segments, return_inverse=True)
    count = int(numbers.max()) + 1 if generator.noise_per_pixel else 1
    vectors = _start(generator, noise, segments, count).to(device).requires_grad_()
    optimizer = torch.optim.Adam([vectors], lr=_RATE)
    best, losses = condition, list[float]()
    for _ in range(steps):
        drawn = _spread(vectors, numbers) if generator.noise_per_pixel else _of_usual_length(vectors)
        image = synthesizer.image(condition, segments, drawn)
        loss = distance(image, target)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        losses.append(loss.item())
        if losses[-1] == min(losses):
            best = image.detach()
        optimizer.step()
        on_step(losses[-1])
    return Imitation(as_picture(best[0]), losses, measure)


def require_searchable(synthesizer: Synthesizer, steps: int) -> None:
    """Refuse a generator without noise to search, and a search without steps.

    Raises:
        ConfigurationError: see above.
    """
    if synthesizer.generator.noise_dim == 0:
        raise ConfigurationError(
            f"{synthesizer.name}: its {type(synthesizer.generator).__name__} has no noise, and so one picture of a map "
            "only. Models with noise: model=oasis and model=spade_vae."
        )
    if synthesizer.generator.style_per_segment:
        raise ConfigurationError(
            f"{synthesizer.name}: its {type(synthesizer.generator).__name__} encodes the style of a photo, with "
            "nothing to search: --style PHOTO, in Python style=PHOTO."
        )
    if steps < 1:
        raise ConfigurationError(f"steps={steps}: a search needs at least 1.")


def _distance(device: torch.device) -> tuple[str, Callable[[Tensor, Tensor], Tensor]]:
    if cached_vgg19().is_file():
        return "perceptual loss", VGGPerceptualLoss().to(device)
    return "mean difference", F.l1_loss


def _start(generator: Generator, noise: Noise, segments: Tensor, count: int) -> Tensor:
    """The vectors before the first step: (1, S, Z) if the generator takes one per segment, else (count, Z)."""
    if generator.noise_per_segment:
        return segment_noise(noise, segments, generator.num_segments)
    return noise.vectors()[:1].repeat(count, 1)


def _of_usual_length(vectors: Tensor) -> Tensor:
    unit: Tensor = F.normalize(vectors, dim=-1)
    return unit * math.sqrt(vectors.shape[-1])


def _spread(vectors: Tensor, numbers: Tensor) -> Tensor:
    """(S, Z) vectors to (1, Z, H, W), by the (1, H, W) number of each pixel's segment."""
    return _of_usual_length(vectors)[numbers].permute(0, 3, 1, 2)
