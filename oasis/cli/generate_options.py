"""From the words of `oasis generate` to a `Generation` and its inputs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.utils import instantiate

from oasis.cli.conf import load_config
from oasis.cli.generation import Generation
from oasis.cli.generation_inputs import Input, find_maps, find_photos
from oasis.cli.generation_noise import Sampling, parse_part
from oasis.cli.generation_output import OutputFolder
from oasis.cli.photo_segmenter import looking_size, open_segmenter
from oasis.data import LabelMapDataModule
from oasis.encodings import Semantic
from oasis.errors import ConfigurationError
from oasis.synthesis import LabelMap, Synthesizer
from oasis.synthesis.animation import Animation
from oasis.synthesis.photo_reading import PhotoReader


@dataclass(frozen=True)
class Words:
    """What was typed, checked one by one only.

    Attributes:
        checkpoint: a file or a run folder.
        source: INPUT; None = the settings name a dataset.
        settings: Hydra's.
        output: the folder that is written to.
        split: of a dataset.
        seed: of the first sample.
        samples: of each input.
        resample: a class or an instance; None = everything differs.
        animation: also written for each input.
        steps: of the animation, from sample to sample.
        original_size: pictures get the size of their label maps.
        from_photos: the inputs are photos.
        segmenter: a file; None = see `open_segmenter`.
        device: where to compute.
        bf16: compute in bfloat16.
        force: overwrite.
    """

    checkpoint: Path
    source: Path | None
    settings: Sequence[str]
    output: Path
    split: str
    seed: int
    samples: int
    resample: str | None
    animation: Animation | None
    steps: int
    original_size: bool
    from_photos: bool
    segmenter: Path | None
    device: str
    bf16: bool
    force: bool

    def resolve(self) -> tuple[Generation, list[Input]]:
        """What to paint, with what: everything that can be checked before the first picture was.

        Raises:
            OasisError: whatever is wrong with it.
        """
        self._require_sense()
        output = OutputFolder(self.output, self.force)
        if self.source is not None:
            output.require_outside(self.source)
        synthesizer = Synthesizer.from_checkpoint(self.checkpoint, self.device, self.bf16)
        part = None if self.resample is None else parse_part(self.resample, synthesizer.label_space)
        find = find_photos if self.from_photos else find_maps
        inputs = find(self._root(synthesizer) if self.source is None else self.source, self.split)
        generation = Generation(
            synthesizer,
            self._reader(synthesizer),
            output,
            Sampling(self.seed, self.samples, part),
            self.animation,
            self.steps,
            self.original_size,
            self.from_photos,
        )
        generation.require_possible(inputs)
        return generation, inputs

    def _require_sense(self) -> None:
        data = [setting for setting in self.settings if not setting.startswith("segmenter")]
        if self.source is not None and data:
            raise ConfigurationError(
                f"Both an input, {self.source}, and a dataset, {' '.join(data)}, are named. Leave one of them out."
            )
        if self.source is None and not any(setting.startswith(("data=", "data.root=")) for setting in data):
            raise ConfigurationError(
                "No input is named. Give a label map, a folder of them, the root of a dataset, or the settings of one: "
                "data=synthetic, or data=cityscapes data.root=DIR."
            )
        judging = [setting for setting in self.settings if setting.startswith("segmenter")]
        if not self.from_photos and (judging or self.segmenter is not None):
            named = " ".join(judging) or f"--segmenter {self.segmenter}"
            raise ConfigurationError(f"{named}: a segmenter is for photos; add --from-photos, or leave it out.")
        if self.resample is not None and self.samples == 1 and self.animation is None:
            raise ConfigurationError(
                f"--resample {self.resample}: one sample differs from no other. Add --samples 2, or more."
            )

    def _root(self, synthesizer: Synthesizer) -> Path:
        """The dataset that the settings name, written where it is one of synthetic streets not drawn yet."""
        sizes = [f"data.height={synthesizer.height}", f"data.width={synthesizer.width}"]
        settings = [setting for setting in self.settings if not setting.startswith("segmenter")]
        config: Any = load_config([*sizes, *settings])
        data: LabelMapDataModule = instantiate(config.data, encoding=Semantic(synthesizer.label_space))
        data.prepare_data()
        return data.source.root

    def _reader(self, synthesizer: Synthesizer) -> Callable[[Input], LabelMap]:
        if not self.from_photos:
            return lambda each: synthesizer.open(each.path, each.instance, kind=each.kind)
        segmenter = open_segmenter(
            self.segmenter, [s for s in self.settings if s.startswith("segmenter")], self.checkpoint
        )
        size = looking_size(segmenter, synthesizer)
        reader = PhotoReader(segmenter.to(synthesizer.device), synthesizer.label_space, size)
        return lambda each: reader.read(each.path)
