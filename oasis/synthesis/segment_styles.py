"""The features of each segment, for generators with a style per segment: drawn, numbered, or of photos."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from oasis.errors import ConfigurationError
from oasis.models import FeatureClusters
from oasis.randomness import Stream
from oasis.synthesis.conditioning import tensors_of
from oasis.synthesis.label_map import LabelMap
from oasis.synthesis.noise import Noise
from oasis.synthesis.style import Photo, open_photo, pixels_of

Part = int | str  # an instance by its id in the instance map, or a class by its name


@dataclass(frozen=True)
class SegmentStyles:
    """The features of one map.

    Attributes:
        label_map: of the size of the pictures.
        clusters: of the model.
        device: of the features.
    """

    label_map: LabelMap
    clusters: FeatureClusters
    device: torch.device

    def drawn(self, noise: Noise) -> Tensor:
        """Each segment draws a cluster of its class; where draws are mixed, so are their clusters.

        Returns:
            (1, D, H, W) float32.
        """
        drawn = [self.clusters.drawn(*self._tensors, [draw.generator(Stream.NOISE)]) for draw in noise.draws]
        if len(drawn) == 1:
            return drawn[0]
        # Shares add up to 1, so that a mixture lies between its clusters.
        shares = torch.from_numpy(noise.weights / noise.weights.sum(1, keepdims=True)).float().to(self.device)
        rows = torch.from_numpy(noise.rows(self.label_map.height, self.label_map.width))
        return sum((one * share[rows] for one, share in zip(drawn, shares.T, strict=True)), torch.zeros_like(drawn[0]))

    def numbered(self, number: int) -> Tensor:
        """The same cluster of every class; see `FeatureClusters.nth`."""
        return self.clusters.nth(self._tensors[0], number)

    def styled(self, features: Tensor, styles: Mapping[Part, Photo | int], encoded: Tensor | None = None) -> Tensor:
        """The features with those of the styles in their parts, one after the other.

        Args:
            features: (1, D, H, W), of what has no style.
            styles: see `classes_first`.
            encoded: (1, D, H, W), those of photos; None = parts with a photo keep theirs.

        Raises:
            ConfigurationError: the map lacks a part, or a class a cluster of this number.
        """
        for part, style in styles.items():
            mask = torch.from_numpy(self._mask(part)).to(self.device)
            found = self.numbered(style) if isinstance(style, int) else encoded
            features = features if found is None else torch.where(mask, found, features)
        return features

    def laid_over(self, image: Tensor, styles: Mapping[Part, Photo | int]) -> Tensor:
        """A picture in which the photos of parts are laid over their segments, each stretched to the segment's box.

        Args:
            image: (1, 3, H, W) float in [-1, 1]; parts with a number keep it.
            styles: see `classes_first`.
        """
        before, image = image, image.clone()
        for part, style in styles.items():
            whole = self._mask(part)
            if isinstance(style, int):
                image = torch.where(torch.from_numpy(whole).to(self.device), before, image)
                continue
            photo = open_photo(style)
            for mask in self._segments(whole):
                rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
                box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
                within = mask[box]
                resized = photo.resize((within.shape[1], within.shape[0]), Image.Resampling.BICUBIC)
                inside = torch.from_numpy(within).to(self.device)
                place = (slice(None), slice(None), *box)
                image[place] = torch.where(inside, pixels_of(resized).to(image), image[place])
        return image

    @cached_property
    def _tensors(self) -> tuple[Tensor, Tensor]:
        label, instance = tensors_of(self.label_map)
        return label.to(self.device), instance.to(self.device)

    def _mask(self, part: Part) -> NDArray[np.bool_]:
        if isinstance(part, str):
            return self.label_map.class_mask(part)
        return self.label_map.instance_mask(part)

    def _segments(self, mask: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
        """The segments inside of a mask that contains none in part."""
        numbers = self._tensors[1][0].cpu().numpy()
        return [mask & (numbers == number) for number in np.unique(numbers[mask])]


def classes_first(styles: Mapping[Part, Photo | int]) -> dict[Part, Photo | int]:
    """The styles in the order in which they are applied, so that an instance keeps its own beside that of its class."""
    return dict(sorted(styles.items(), key=lambda item: isinstance(item[0], int)))


def require_parts(styles: Mapping[Part, Photo | int]) -> None:
    """Refuse keys that name no part of a map.

    Raises:
        ConfigurationError: the message has the key.
    """
    for part in styles:
        if isinstance(part, bool) or not isinstance(part, int | str):
            raise ConfigurationError(
                f"style: {part!r} names no part of a map. Name a class, such as 'car', or an instance by its id in the "
                "instance map, such as 26003."
            )
