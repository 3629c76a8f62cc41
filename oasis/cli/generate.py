"""`oasis generate`: photos from label maps, or from other photos through a segmenter."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from oasis.bundled import NOTE
from oasis.cli.arguments import require_partner
from oasis.cli.generate_places import places
from oasis.cli.generate_settings import format_of_instances, maps_source, replacements, segmenter_source, space_of_input
from oasis.errors import ConfigurationError

if TYPE_CHECKING:
    from oasis.synthesis.batch.generation import Generation, Outcome
    from oasis.synthesis.batch.inputs import Input

_SHOWN = 20  # bad files, and notes; further ones are counted
_STEPS, _SEARCH_STEPS = 12, 300


class Moving(StrEnum):
    """Kinds of animations."""

    GIF = "gif"
    MP4 = "mp4"


_Arguments = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[CHECKPOINT] [INPUT] [SETTING=VALUE...]",
        help="A checkpoint file, a run folder or hf://OWNER/NAME, by default the bundled model; a "
        "label map, a folder that is searched, or the root of a dataset; or, in place of INPUT, settings of a dataset "
        "as for `oasis train`: data=synthetic.",
        show_default=False,
    ),
]
_Output = Annotated[Path, typer.Option("--output", "-o", help="Folder for the pictures and contact_sheet.png.")]
_Samples = Annotated[int, typer.Option(min=1, help="Pictures of each label map: NAME_0.png, NAME_1.png, ...")]
_Seed = Annotated[int, typer.Option(min=0, help="Seed of the first sample; each further one has the next.")]
_Resample = Annotated[
    str | None, typer.Option(help="Samples differ only in this class, such as car, or this instance, such as 26003.")
]
_Interpolate = Annotated[Moving | None, typer.Option(help="Also an animation from sample to sample; MP4 needs ffmpeg.")]
_Frames = Annotated[
    int | None,
    typer.Option(
        min=1, help=f"--interpolate: frames from one sample to the next. Default: {_STEPS}.", show_default=False
    ),
]
_OriginalSize = Annotated[
    bool, typer.Option("--original-size", help="Pictures get the size of their label maps, not the model's.")
]
_Kind = Annotated[
    str | None,
    typer.Option(
        help="What the label maps are, where their pixels do not say: label_ids, train_ids, instance_ids, "
        "panoptic_ids, coco_panoptic or colors."
    ),
]
_Instances = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="The instance map of a label map, or the folder of those of a folder, paired by name, where they are not "
        "X_instanceIds.png beside X_labelIds.png.",
    ),
]
_InstanceFormat = Annotated[
    str | None,
    typer.Option(
        help="How instance maps are stored, where their pixels do not say: cityscapes, numbers, panoptic_ids, "
        "mapillary, bdd100k, spade (COCO-Stuff's *_inst) or ade20k."
    ),
]
_LabelSpaceOfInput = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|FILE",
        help="The classes of the label maps, where they are not the model's: coco_panoptic, cityscapes_ids, camvid, "
        "..., or a class file. They are found among the model's by their names.",
    ),
]
_Replace = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FROM=TO", help="Read a class of the label maps as one of the model's. For several, several times."
    ),
]
_Split = Annotated[
    str | None, typer.Option(help="Split of a dataset: train, val or test. Default: val.", show_default=False)
]
_FromPhotos = Annotated[
    bool, typer.Option("--from-photos", help="INPUT are photos, which a segmenter turns into label maps.")
]
_Segmenter = Annotated[
    Path | None,
    typer.Option(
        help="For --from-photos: a file that `oasis train-segmenter` wrote. Default: the one of the checkpoint's "
        "dataset. Or give the setting segmenter=mask2former."
    ),
]
_Style = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PHOTO|NUMBER|PART=...",
        help="Pictures in the style of this photo, by a model with a style encoder: spade_vae, pix2pixhd_features. The "
        "latter also takes the number of a cluster, and car=PHOTO, car=NUMBER, 26003=PHOTO: the style of a class or an "
        "instance. For several, several times.",
    ),
]
_Like = Annotated[
    Path | None,
    typer.Option(metavar="PHOTO", help="Search the noise with which pictures come near to this photo: model=oasis."),
]
_SearchSteps = Annotated[
    int | None, typer.Option(min=1, help=f"--like: steps of the search. Default: {_SEARCH_STEPS}.", show_default=False)
]
_Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps; auto = the best available.")]
_Bf16 = Annotated[bool, typer.Option("--bf16", help="Compute in bfloat16: faster on a GPU, slightly less exact.")]
_Force = Annotated[bool, typer.Option("--force", help="Overwrite existing files.")]


def generate(
    output: _Output,
    arguments: _Arguments = None,
    samples: _Samples = 1,
    seed: _Seed = 0,
    resample: _Resample = None,
    interpolate: _Interpolate = None,
    frames: _Frames = None,
    original_size: _OriginalSize = False,
    kind: _Kind = None,
    instances: _Instances = None,
    instance_format: _InstanceFormat = None,
    label_space_of_input: _LabelSpaceOfInput = None,
    replace: _Replace = None,
    split: _Split = None,
    from_photos: _FromPhotos = False,
    segmenter: _Segmenter = None,
    style: _Style = None,
    like: _Like = None,
    search_steps: _SearchSteps = None,
    device: _Device = "auto",
    bf16: _Bf16 = False,
    force: _Force = False,
) -> None:
    """Generate photos from label maps."""
    checkpoint, source, settings = places(arguments or [])
    given = maps_source(settings, source)
    require_partner("--interpolate", interpolate, {"--frames": frames})
    require_partner("--like", like, {"--search-steps": search_steps})
    steps = search_steps or _SEARCH_STEPS
    if checkpoint is None:
        Console(soft_wrap=True, highlight=False).print(NOTE)
    from oasis.synthesis import MapKind
    from oasis.synthesis.animation import GIF, MP4
    from oasis.synthesis.batch import GenerateOptions

    animation = None if interpolate is None else {Moving.GIF: GIF, Moving.MP4: MP4}[interpolate]()
    generation, inputs = GenerateOptions(
        checkpoint=checkpoint, source=given, output=output, split=split or "val", seed=seed,
        samples=samples, resample=resample, animation=animation, steps=frames or _STEPS, original_size=original_size,
        kind=None if kind is None else MapKind(kind),
        label_space_of_input=space_of_input(label_space_of_input, settings),
        instances=instances, instance_format=format_of_instances(instance_format),
        replaced=replacements(replace or []), segmenter=segmenter_source(settings, segmenter, from_photos),
        device=device, bf16=bf16, force=force, style=style or (), like=like, search_steps=steps,
    ).resolve()  # fmt: skip
    _require_used(split, instance_format, generation, inputs)
    outcome = _run(generation, inputs, 0 if like is None else steps)
    _tell(outcome, len(inputs), output, resample)
    if generation.searched is not None:
        _tell_passed_over(generation.searched, inputs)
    if outcome.bad or len(outcome.without_part) == len(inputs):
        raise typer.Exit(1)


def _run(generation: "Generation", inputs: "list[Input]", search_steps: int) -> "Outcome":
    """Generate all pictures, with a progress bar; and one of the steps of the search for their styles, if any."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with _ending_in_order(), Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("generating", total=len(inputs))
        search = progress.add_task("searching", total=search_steps * len(inputs), visible=search_steps > 0)
        return generation.run(
            inputs,
            lambda _: progress.advance(task),
            lambda loss: progress.update(search, advance=1, description=f"loss {loss:.3f}"),
        )


def _require_used(
    split: str | None, instance_format: str | None, generation: "Generation", inputs: "list[Input]"
) -> None:
    """Raise, before any work, if an option says how to read what is not there."""
    if split is not None and generation.searched is not None:
        raise ConfigurationError(
            f"--split {split}: of a dataset, but {generation.searched} is read as single maps or photos. Leave it out, "
            "or name the dataset: data=cityscapes data.root=DIR."
        )
    if instance_format is not None and not any(each.instance for each in inputs):
        raise ConfigurationError(
            f"--instance-format {instance_format}: no label map has an instance map, so that it would change nothing. "
            "Name the instance maps, --instances PATH, or leave it out."
        )


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Make SIGTERM end the command like Ctrl-C, so that an unfinished file is deleted."""
    if threading.current_thread() is not threading.main_thread():  # no signals there
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _tell(outcome: "Outcome", inputs: int, output: Path, resample: str | None) -> None:
    """Print written files, remarks of the readers, and failures."""
    console = Console(soft_wrap=True, highlight=False, markup=False)
    if outcome.written:
        console.print(
            f"Wrote {outcome.written} files to {output}, from {inputs - len(outcome.bad)} of {inputs} inputs."
        )
    for remark, count in outcome.remarks.most_common(_SHOWN):
        console.print(f"{count} of {inputs}: {remark}")
    for what, pixels in outcome.replaced.most_common():
        console.print(f"{what}: {pixels} pixels")
    if len(outcome.remarks) > _SHOWN:
        console.print(f"and {len(outcome.remarks) - _SHOWN} more such notes")
    if outcome.without_part:
        some = ", ".join(outcome.without_part[:3]) + (", ..." if len(outcome.without_part) > 3 else "")
        console.print(
            f"--resample {resample}: {len(outcome.without_part)} of {inputs} have none at the model's size, one sample "
            f"of: {some}"
        )
    if outcome.bad:
        errors = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
        errors.print(f"{len(outcome.bad)} of {inputs} could not be generated:")
        for each, reason in outcome.bad[:_SHOWN]:
            errors.print("  " + (reason if str(each.path) in reason else f"{each.path}: {reason}"))
        if len(outcome.bad) > _SHOWN:
            errors.print(f"  and {len(outcome.bad) - _SHOWN} more")


def _tell_passed_over(source: Path, inputs: "list[Input]") -> None:
    """Print how many files of the folder were not read."""
    from oasis.synthesis.batch.inputs import passed_over

    counts = passed_over(source, inputs)
    if counts:
        listing = ", ".join(f"{count} {ending}" for ending, count in counts.most_common(8))
        Console(soft_wrap=True, highlight=False, markup=False).print(
            f"{counts.total()} other files in {source} were not read: {listing}"
        )
