"""The options of `oasis generate`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from oasis.data import LabelMapDataModule
from oasis.data.reading import decode_photo
from oasis.errors import ConfigurationError
from oasis.labels import LabelSpace
from oasis.segmenters import SegmenterSource
from oasis.synthesis import LabelMap, MapKind, Synthesizer, open_label_map
from oasis.synthesis.animation import Animation
from oasis.synthesis.batch.generation import Generation
from oasis.synthesis.batch.inputs import Input, find_maps, find_photos
from oasis.synthesis.batch.looks import LikePhoto, Look, OfSeed, OfStyle
from oasis.synthesis.batch.output import OutputFolder
from oasis.synthesis.batch.photo_segmenter import native_size, open_segmenter
from oasis.synthesis.batch.sampling import Sampling, parse_part
from oasis.synthesis.class_names import require_classes
from oasis.synthesis.imitation import require_searchable
from oasis.synthesis.photo_reading import PhotoReader
from oasis.synthesis.style import require_style_encoder

DatasetFactory = Callable[[int, int, LabelSpace], LabelMapDataModule]  # height, width, and classes of the model


@dataclass(frozen=True)
class GenerateOptions:
    """Unchecked options.

    Attributes:
        checkpoint: a file or a run folder.
        source: a file, a folder or the root of a dataset; or a factory of a dataset for a model.
        output: the output folder.
        split: of a dataset.
        seed: of the first sample.
        samples: of each input.
        resample: the class or instance in which the samples differ; None = everywhere.
        animation: also written for each input.
        steps: frames of the animation, from sample to sample.
        original_size: pictures get the size of their label maps.
        kind: of all label maps; None = by their names and pixels.
        label_space_of_input: of all label maps; None = the model's.
        replaced: class of the label maps -> class of the model, for those that the model does not have.
        segmenter: segments the inputs, which are photos; None = they are label maps.
        device: where to compute.
        bf16: compute in bfloat16.
        force: overwrite files.
        style: a photo whose style the pictures get.
        like: a photo that the pictures come near to.
        search_steps: of the search for `like`.
    """

    checkpoint: Path
    source: Path | DatasetFactory
    output: Path
    split: str
    seed: int
    samples: int
    resample: str | None
    animation: Animation | None
    steps: int
    original_size: bool
    kind: MapKind | None
    label_space_of_input: LabelSpace | None
    replaced: Mapping[str, str]
    segmenter: SegmenterSource | None
    device: str
    bf16: bool
    force: bool
    style: Path | None = None
    like: Path | None = None
    search_steps: int = 300

    @property
    def from_photos(self) -> bool:
        """Whether the inputs are photos."""
        return self.segmenter is not None

    def resolve(self) -> tuple[Generation, list[Input]]:
        """Check the options, and return the generation and its inputs.

        Raises:
            OasisError: invalid options.
        """
        if self.resample is not None and self.samples == 1 and self.animation is None:
            raise ConfigurationError(
                f"--resample {self.resample}: one sample differs from no other. Add --samples 2, or more."
            )
        for option, given in (
            ("--kind", self.kind),
            ("--label-space-of-input", self.label_space_of_input),
            ("--replace", self.replaced or None),
        ):
            if given is not None and self.from_photos:
                raise ConfigurationError(f"{option}: of label maps, but --from-photos reads photos. Leave one out.")
        output = OutputFolder(self.output, self.force)
        if isinstance(self.source, Path):
            output.require_outside(self.source)
        synthesizer = Synthesizer.from_checkpoint(self.checkpoint, self.device, self.bf16)
        theirs = self.label_space_of_input
        require_classes(self.replaced, synthesizer.label_space, None if theirs is None else theirs.names)
        part = None if self.resample is None else parse_part(self.resample, synthesizer.label_space)
        look = self._look(synthesizer)
        inputs = self._inputs(synthesizer)
        generation = Generation(
            synthesizer,
            self._reader(synthesizer),
            output,
            Sampling(self.seed, self.samples, part),
            self.animation,
            self.steps,
            self.original_size,
            self.from_photos,
            look,
        )
        generation.require_possible(inputs)
        return generation, inputs

    def _look(self, synthesizer: Synthesizer) -> Look:
        """What decides the look of the pictures, if this model supports it."""
        if self.resample is not None and not synthesizer.generator.noise_per_pixel:
            raise ConfigurationError(
                f"--resample {self.resample}: {type(synthesizer.generator).__name__} has one latent vector a picture, "
                "so that no part of it can differ alone. Leave it out, or use a model with noise per pixel: oasis."
            )
        given = [(name, photo) for name, photo in (("--style", self.style), ("--like", self.like)) if photo is not None]
        if not given:
            return OfSeed()
        name, photo = given[0]
        if len(given) > 1 or self.samples > 1 or self.resample is not None or self.animation is not None:
            raise ConfigurationError(
                f"{name} {photo}: the photo decides the look of one picture a map. Leave out --samples, --resample, "
                "--interpolate, and one of --style and --like."
            )
        decode_photo(photo)
        if self.style is not None:
            require_style_encoder(synthesizer.generator, synthesizer.name)
            return OfStyle(photo)
        require_searchable(synthesizer, self.search_steps)
        return LikePhoto(photo, self.search_steps)

    def _inputs(self, synthesizer: Synthesizer) -> list[Input]:
        find = find_photos if self.from_photos else find_maps
        if isinstance(self.source, Path):
            return find(self.source, self.split)
        return find(_root(self.source(synthesizer.height, synthesizer.width, synthesizer.label_space)), self.split)

    def _reader(self, synthesizer: Synthesizer) -> Callable[[Input], LabelMap]:
        if self.segmenter is None:
            return lambda each: synthesizer.open(self._open(each, synthesizer.label_space))
        segmenter = open_segmenter(self.segmenter, self.checkpoint)
        size = native_size(segmenter, synthesizer)
        reader = PhotoReader(segmenter.to(synthesizer.device), synthesizer.label_space, size)
        return lambda each: reader.read(each.path)

    def _open(self, each: Input, label_space: LabelSpace) -> LabelMap:
        return open_label_map(
            each.path,
            each.instance,
            label_space=label_space,
            kind=self.kind or each.kind,
            label_space_of_input=self.label_space_of_input,
            replaced=self.replaced,
        )


def _root(data: LabelMapDataModule) -> Path:
    return data.source.root
