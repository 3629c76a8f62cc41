"""The options of `oasis generate`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from oasis.data.files.reading import decode_photo
from oasis.data.instance_maps import InstanceMaps
from oasis.data.panoptic.class_names import require_classes
from oasis.errors import ConfigurationError, MissingInstancesError
from oasis.labels import LabelSpace
from oasis.segmenters import SegmenterSource
from oasis.synthesis import LabelMap, MapKind, Synthesizer, open_label_map
from oasis.synthesis.animation import Animation
from oasis.synthesis.batch.dataset_maps import (
    DatasetMaps,
    NamedDataset,
    own_dataset,
    require_no_dataset,
    trained_on,
)
from oasis.synthesis.batch.generation import Generation
from oasis.synthesis.batch.inputs import Input, find_maps, find_photos, with_instances
from oasis.synthesis.batch.looks import LikePhoto, Look, OfSeed
from oasis.synthesis.batch.output import OutputFolder
from oasis.synthesis.batch.photo_segmenter import native_size, open_segmenter, require_instances
from oasis.synthesis.batch.sampling import Sampling, parse_part
from oasis.synthesis.batch.style_words import parse_styles
from oasis.synthesis.imitation import require_searchable
from oasis.synthesis.photo_reading import PhotoReader
from oasis.synthesis.styling import require_clusters
from oasis.synthesis.variety import require_random, require_resamplable


@dataclass(frozen=True)
class GenerateOptions:
    """Unchecked options.

    Attributes:
        checkpoint: see `find_checkpoint`; None = the bundled model.
        source: a file, a folder, or the root of a dataset of the model's own layout; or a dataset.
        output: the output folder.
        split: of a dataset.
        seed: of the first sample.
        samples: of each input.
        resample: the class or instance in which the samples differ; None = everywhere.
        animation: also written for each input.
        steps: frames of the animation, from sample to sample.
        original_size: pictures get the size of their label maps.
        kind: of all label maps; None = see `open_label_map`.
        label_space_of_input: of all label maps; None = the model's.
        instances: a file or folder with the instance maps of the source; None = those that are beside it.
        instance_format: how these are stored; None = detected.
        replaced: class of the label maps -> class of the model, for those that the model does not have.
        segmenter: segments the inputs, which are photos; None = they are label maps.
        device: where to compute.
        bf16: compute in bfloat16.
        force: overwrite files.
        style: the styles that the pictures get, see `parse_styles`.
        like: a photo that the pictures come near to.
        search_steps: of the search for `like`.
    """

    checkpoint: str | None
    source: Path | NamedDataset
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
    instances: Path | None
    instance_format: InstanceMaps | None
    replaced: Mapping[str, str]
    segmenter: SegmenterSource | None
    device: str
    bf16: bool
    force: bool
    style: Sequence[str] = ()
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
            ("--instances", self.instances),
            ("--instance-format", self.instance_format),
        ):
            if given is not None and self.from_photos:
                raise ConfigurationError(f"{option}: of label maps, but --from-photos reads photos. Leave one out.")
        output = OutputFolder(self.output, self.force)
        if isinstance(self.source, Path):
            output.require_outside(self.source)
        synthesizer = self._model()
        part = None if self.resample is None else parse_part(self.resample, synthesizer.label_space)
        look = self._look(synthesizer)
        dataset = self._dataset(synthesizer)
        theirs = self.label_space_of_input if dataset is None else dataset.label_space
        require_classes(self.replaced, synthesizer.label_space, None if theirs is None else theirs.names)
        inputs = self._inputs(dataset)
        generation = Generation(
            synthesizer,
            self._reader(synthesizer, dataset),
            output,
            Sampling(self.seed, self.samples, part),
            self.animation,
            self.steps,
            self.original_size,
            self.from_photos,
            self.source if isinstance(self.source, Path) and dataset is None else None,
            look,
        )
        generation.require_possible(inputs)
        return generation, inputs

    def _model(self) -> Synthesizer:
        if self.checkpoint is None:
            return Synthesizer.pretrained(device=self.device, bf16=self.bf16)
        return Synthesizer.from_checkpoint(self.checkpoint, self.device, self.bf16)

    def _dataset(self, synthesizer: Synthesizer) -> DatasetMaps | None:
        """The dataset that is named, or that the folder holds; None if the source is a map or a folder of maps."""
        own, told = synthesizer.label_space, self.label_space_of_input
        if isinstance(self.source, NamedDataset):
            data = self.source.make(synthesizer.height, synthesizer.width, own)
            alike = not self.source.names_classes and trained_on(synthesizer.restored, data.source)
            found = DatasetMaps(data, told or (own if alike else data.label_space), self.split)
        elif self.source.is_dir():
            here = own_dataset(synthesizer, self.source)
            if here is None:
                require_no_dataset(self.source)
                return None
            found = DatasetMaps(here, told or own, self.split)
        else:
            return None
        for option, given in (
            ("--kind", self.kind),
            ("--instances", self.instances),
            ("--instance-format", self.instance_format),
        ):
            if given is not None:
                raise ConfigurationError(f"{option}: of single maps, but a dataset knows its own files. Leave it out.")
        return found

    def _look(self, synthesizer: Synthesizer) -> Look:
        """What decides the look of the pictures, if this model supports it."""
        if self.resample is not None:
            require_resamplable(synthesizer)
        elif self.samples > 1 or self.animation is not None:
            require_random(synthesizer)
        if not self.style and self.like is None:
            require_clusters(synthesizer)
            return OfSeed()
        several = self.samples > 1 or self.resample is not None or self.animation is not None
        if several or (self.style and self.like is not None):
            name = f"--style {' '.join(self.style)}" if self.style else f"--like {self.like}"
            raise ConfigurationError(
                f"{name}: it decides the look of one picture a map. Leave out --samples, --resample, --interpolate, "
                "and one of --style and --like."
            )
        if self.like is None:
            return parse_styles(self.style, synthesizer)
        decode_photo(self.like)
        require_searchable(synthesizer, self.search_steps)
        return LikePhoto(self.like, self.search_steps)

    def _inputs(self, dataset: DatasetMaps | None) -> list[Input]:
        if dataset is not None:
            return dataset.photos() if self.from_photos else dataset.maps()
        assert isinstance(self.source, Path)
        if self.from_photos:
            return find_photos(self.source)
        found = find_maps(self.source, self.instances)
        return found if self.instances is None else with_instances(found, self.source, self.instances)

    def _reader(self, synthesizer: Synthesizer, dataset: DatasetMaps | None) -> Callable[[Input], LabelMap]:
        if self.segmenter is not None:
            segmenter = open_segmenter(self.segmenter, synthesizer)
            require_instances(segmenter, synthesizer)
            size = native_size(segmenter, synthesizer)
            reader = PhotoReader(segmenter.to(synthesizer.device), synthesizer.label_space, size)
            return lambda each: reader.read(each.path)
        return lambda each: self._usable(synthesizer, self._open(each, synthesizer.label_space, dataset))

    def _usable(self, synthesizer: Synthesizer, opened: LabelMap) -> LabelMap:
        """The map, if the model can use it; see `Synthesizer.open`."""
        try:
            return synthesizer.open(opened)
        except MissingInstancesError as error:
            raise ConfigurationError(
                f"{error.what} Give the instance map too, X_instanceIds.png beside X_labelIds.png, or --instances PATH "
                "for a file or folder of any name; or a map that holds both. Models of encoding=semantic do without."
            ) from None

    def _open(self, each: Input, label_space: LabelSpace, dataset: DatasetMaps | None) -> LabelMap:
        if dataset is not None:
            return dataset.read(each, label_space, self.replaced)
        return open_label_map(
            each.path,
            each.instance,
            label_space=label_space,
            kind=self.kind,
            label_space_of_input=self.label_space_of_input,
            replaced=self.replaced,
            instance_format=self.instance_format,
        )
