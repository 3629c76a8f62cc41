"""The loop of `oasis generate`: read an input, generate its samples, write them."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from oasis.checkpoint.fingerprint import fingerprint
from oasis.data.files.reading import read_photo
from oasis.data.searching import CONTACT_SHEET
from oasis.errors import OasisError
from oasis.synthesis import LabelMap, Synthesizer
from oasis.synthesis.animation import Animation, interpolate
from oasis.synthesis.batch.inputs import Input
from oasis.synthesis.batch.looks import Look, OfSeed
from oasis.synthesis.batch.output import OutputFolder
from oasis.synthesis.batch.sampling import Sampling
from oasis.synthesis.contact_sheet import ContactSheet

_SECONDS = 0.1  # duration of a frame of an animation


@dataclass
class Outcome:
    """The outcome of a generation.

    Attributes:
        written: files.
        bad: inputs that failed, with reasons.
        without_part: names of inputs that have no pixel of the part to resample, at the size of the pictures.
        remarks: remark of a reader -> number of inputs.
        replaced: classes that are another to the model, `NAME as OTHER` -> pixels of all inputs.
    """

    written: int = 0
    bad: list[tuple[Input, str]] = field(default_factory=list)
    without_part: list[str] = field(default_factory=list)
    remarks: Counter[str] = field(default_factory=Counter)
    replaced: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Generation:
    """Generates pictures of inputs into a folder, and continues if some of them fail.

    Attributes:
        synthesizer: the model.
        read: makes the label map of an input.
        output: the folder.
        sampling: number and noise of the samples.
        animation: also written for each input, from sample to sample; None = no animation.
        steps: frames of an animation from one sample to the next.
        original_size: pictures get the size of their label map.
        photos: the inputs are photos, which are shown beside the results.
        searched: the folder or file in which they were found; None = a dataset.
        look: what decides the look of the pictures.
    """

    synthesizer: Synthesizer
    read: Callable[[Input], LabelMap]
    output: OutputFolder
    sampling: Sampling
    animation: Animation | None = None
    steps: int = 12
    original_size: bool = False
    photos: bool = False
    searched: Path | None = None
    look: Look = field(default_factory=OfSeed)

    def require_possible(self, inputs: Sequence[Input]) -> None:
        """Raise, before any work, if output files exist; see `OutputFolder.require_free`.

        Raises:
            ConfigurationError: they exist; or an animation cannot be written on this machine.
        """
        if self.animation is not None:
            self.animation.require_available()
        names = [name for each in inputs for name in self._files(each)]
        paths = [path for each in inputs for path in (each.path, each.instance) if path is not None]
        self.output.require_free([*names, CONTACT_SHEET], paths)

    def run(
        self,
        inputs: Sequence[Input],
        on_done: Callable[[Input], None],
        on_step: Callable[[float], None] = lambda loss: None,
    ) -> Outcome:
        """Generate all pictures.

        An interrupted run leaves complete files only.

        Args:
            inputs: checked by `require_possible`.
            on_done: called after each.
            on_step: called with the loss of each step of a search.

        Raises:
            OSError: a file cannot be written: a full disk, or no permission.
        """
        outcome = Outcome()
        sheet = ContactSheet(f"{self.synthesizer.name}, {self.synthesizer.height}x{self.synthesizer.width}")
        identity = {"Software": "panoptic-oasis", "checkpoint": self.synthesizer.name}
        identity["fingerprint"] = fingerprint(self.synthesizer.encoding, self.synthesizer.generator)
        for each in inputs:
            try:
                self._generate(each, identity, sheet, outcome, on_step)
            except OasisError as error:
                outcome.bad.append((each, str(error)))
            on_done(each)
        if len(sheet):
            self.output.write_png(CONTACT_SHEET, sheet.draw(), identity)
        return outcome

    def _generate(
        self,
        each: Input,
        identity: Mapping[str, str],
        sheet: ContactSheet,
        outcome: Outcome,
        on_step: Callable[[float], None],
    ) -> None:
        label_map = self.read(each)
        fits = self.sampling.fits(self.synthesizer, label_map)
        sampling = self.sampling if fits else self.sampling.without_part()
        noises = sampling.noises(self.synthesizer, label_map)
        shown: list[tuple[str, Image.Image]] = []
        names = self._pictures(each)[: len(noises)]
        for number, (name, noise) in enumerate(zip(names, noises, strict=True)):
            picture, look, remark = self.look.generate(self.synthesizer, label_map, noise, on_step)
            if self.original_size:
                picture = picture.resize((label_map.width, label_map.height), Image.Resampling.LANCZOS)
            outcome.remarks.update([remark] if remark else [])
            facts = {**identity, "label map": each.path.name, **sampling.facts(number), **look}
            self.output.write_png(name, picture, facts)
            outcome.written += 1
            if not sheet.is_full:
                shown.append((sampling.caption(number), picture))
        self._show(each, label_map, shown, sheet)
        if fits:
            self._animate(each, label_map, outcome)
        else:
            outcome.without_part.append(each.name)
        outcome.remarks.update(label_map.remarks)
        outcome.replaced.update(label_map.replaced)

    def _show(
        self, each: Input, label_map: LabelMap, samples: Sequence[tuple[str, Image.Image]], sheet: ContactSheet
    ) -> None:
        if sheet.is_full:
            sheet.count()
            return
        height, width = self.synthesizer.height, self.synthesizer.width
        photo = Image.fromarray(read_photo(each.path, height, width)) if self.photos else None
        sheet.add(each.name, self.synthesizer.colors(label_map), samples, photo)

    def _animate(self, each: Input, label_map: LabelMap, outcome: Outcome) -> None:
        if self.animation is not None:
            noises = self.sampling.noises(self.synthesizer, label_map, least=2)
            frames = list(interpolate(self.synthesizer, label_map, noises, self.steps))
            self.output.write(f"{each.name}{self.animation.suffix}", self.animation.encode(frames, _SECONDS))
            outcome.written += 1

    def _pictures(self, each: Input) -> list[str]:
        """Names of the samples' files: NAME.png, or NAME_0.png, NAME_1.png, ... if there are several."""
        if self.sampling.count == 1:
            return [f"{each.name}.png"]
        return [f"{each.name}_{number}.png" for number in range(self.sampling.count)]

    def _files(self, each: Input) -> Iterator[str]:
        yield from self._pictures(each)
        if self.animation is not None:
            yield f"{each.name}{self.animation.suffix}"
