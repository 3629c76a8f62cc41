"""Generating pictures with a checkpoint."""

import secrets
from collections.abc import Sequence
from itertools import repeat
from pathlib import Path
from typing import Self

import torch
from PIL import Image

from oasis.bundled import INSTALL_AGAIN, STREETS, bundled_file
from oasis.checkpoint import find_checkpoint, restore
from oasis.errors import CheckpointError, ConfigurationError
from oasis.synthesis.coloring import as_picture, color_segments
from oasis.synthesis.conditioning import tensors_of
from oasis.synthesis.fitting import trained_size, usable
from oasis.synthesis.formats import MapKind
from oasis.synthesis.label_map import LabelMap
from oasis.synthesis.loading import MapInput, open_label_map
from oasis.synthesis.model import GeneratingModel
from oasis.synthesis.noise import Noise
from oasis.synthesis.styling import Styling, noise_of_style

_SEEDS = 2**31


class Synthesizer(GeneratingModel):
    """Generates photos from label maps.

    Pictures are generated one by one on any device, so that a seed gives the same picture in any batch, to the byte.
    Random encodings (`InstanceNoise`: one vector per instance) draw from the noise too: resampling an instance changes
    its vector as well, and mixing two seeds mixes the vectors of each instance.

    Examples:
        >>> from oasis import Synthesizer
        >>> synthesizer = Synthesizer.from_checkpoint("runs/demo")  # doctest: +SKIP
        >>> synthesizer.synthesize("street_labelIds.png", seed=0).save("photo.png")  # doctest: +SKIP

    Arguments, attributes and errors are those of `GeneratingModel`.
    """

    @classmethod
    def from_checkpoint(cls, path: str | Path, device: str = "auto", bf16: bool = False) -> Self:
        """Rebuild from a checkpoint alone.

        Args:
            path: a checkpoint, a run folder, a folder of runs, or `hf://OWNER/NAME`; see `find_checkpoint`.
            device: see the class.
            bf16: see the class.

        Raises:
            CheckpointError: see `find_checkpoint`, `restore` and `trained_size`.
            ConfigurationError: see the class.
        """
        file = find_checkpoint(path)
        restored = restore(file)
        name = f"{restored.config.get('name', file.stem)} ({type(restored.encoding).__name__})"
        return cls(restored, *trained_size(restored.config, file), name, device, bf16, file)

    @classmethod
    def pretrained(cls, name: str = STREETS, device: str = "auto", bf16: bool = False) -> Self:
        """A bundled model, without a download.

        Args:
            name: `streets`, trained on synthetic streets with the classes of Cityscapes.
            device: see the class.
            bf16: see the class.

        Raises:
            ConfigurationError: no such model; or see the class.
            CheckpointError: its file is missing or damaged.
        """
        try:
            return cls.from_checkpoint(bundled_file(name), device, bf16)
        except CheckpointError as error:
            raise CheckpointError(
                f"{name}, which comes with the project, is damaged: {error} {INSTALL_AGAIN}"
            ) from error

    def open(
        self, label_map: MapInput | LabelMap, instance_map: MapInput | None = None, *, kind: MapKind | None = None
    ) -> LabelMap:
        """Read a label map and check that this model can use it; see `open_label_map`.

        Raises:
            DatasetError: see `open_label_map`.
            ConfigurationError: it has things, the encoding needs their instances, and none are given.
        """
        if isinstance(label_map, LabelMap):
            opened = label_map
            if instance_map is not None:
                raise ConfigurationError(f"{opened.source} is a LabelMap, which has its instance map inside.")
        else:
            opened = open_label_map(label_map, instance_map, label_space=self.label_space, kind=kind)
        return usable(opened, self.label_space, self.needs_instances, self.name)

    def synthesize(
        self,
        label_map: MapInput | LabelMap,
        instance_map: MapInput | None = None,
        seed: int | None = None,
        noise: Noise | None = None,
        *,
        style: Styling | None = None,
        original_size: bool = False,
    ) -> Image.Image:
        """Generate one picture.

        Args:
            label_map: a path, a picture, an array, or a `LabelMap`; of any size, see `open_label_map`.
            instance_map: the instances, in any of these forms.
            seed: of all random numbers, 0 or above; None = a random one, stored in the picture's `info["seed"]`.
            noise: instead of a seed, see `Noise`.
            style: a photo, of any size, whose style the picture gets; for models with a style encoder. With a style
                per segment, it is a photo of the same scene; or the number of a cluster of every class; or photos of
                objects and numbers by the class or instance that gets them. What has no style is drawn by the seed.
            original_size: resize the picture to the size of the label map.

        Returns:
            RGB, width x height of this synthesizer, or of the label map.

        Raises:
            DatasetError: an invalid map.
            ConfigurationError: a missing instance map; a seed and a noise at once; a noise of another length; a style
                that the model does not have; a part that the map lacks.
            CheckpointError: styles of segments, of which no clusters were computed.
        """
        opened = self.open(label_map, instance_map)
        picture = self._generate(opened, seed, noise, style)
        if original_size:
            picture = picture.resize((opened.width, opened.height), Image.Resampling.LANCZOS)
        return picture

    def synthesize_batch(
        self,
        label_maps: Sequence[MapInput | LabelMap],
        seeds: Sequence[int] | None = None,
        noises: Sequence[Noise] | None = None,
        *,
        original_size: bool = False,
    ) -> list[Image.Image]:
        """Generate several pictures, each the same as alone.

        Args:
            label_maps: see `synthesize`; open those that need an instance map first.
            seeds: one for each; None = random ones.
            noises: one for each, instead of seeds.
            original_size: see `synthesize`.

        Raises:
            ConfigurationError, DatasetError: a different number of seeds or noises; or see `synthesize`.
        """
        for name, given in (("seeds", seeds), ("noises", noises)):
            if given is not None and len(given) != len(label_maps):
                raise ConfigurationError(f"{len(label_maps)} label maps, but {len(given)} {name}: give one for each.")
        opened = [self.open(label_map) for label_map in label_maps]
        each = zip(opened, seeds or repeat(None), noises or repeat(None), strict=False)
        return [self.synthesize(one, None, seed, noise, original_size=original_size) for one, seed, noise in each]

    def colors(self, label_map: MapInput | LabelMap, instance_map: MapInput | None = None) -> Image.Image:
        """The map in the colours of its classes, at the size of the pictures; see `color_segments`."""
        opened = label_map
        if not isinstance(opened, LabelMap):
            opened = open_label_map(opened, instance_map, label_space=self.label_space)
        label, instance = tensors_of(opened.resized(self.height, self.width))
        return as_picture(color_segments(label[0], instance[0], opened.label_space.palette))

    @torch.no_grad()
    def _generate(
        self, label_map: LabelMap, seed: int | None, noise: Noise | None, style: Styling | None
    ) -> Image.Image:
        if seed is not None and noise is not None:
            raise ConfigurationError("Give a seed or a noise, not both: a noise has its seeds inside.")
        info = {}
        if noise is None:
            seed = secrets.randbelow(_SEEDS) if seed is None else seed
            noise, info = self.noise(seed), {"seed": seed}
        condition, segments = self.inputs(label_map, noise)
        drawn = noise_of_style(self, label_map, condition, segments, noise, style)
        picture = as_picture(self.image(condition, segments, drawn if drawn is None else drawn.to(self.device))[0])
        picture.info.update(info)
        return picture
