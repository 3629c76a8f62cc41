"""`oasis evaluate`: numbers and pictures for checkpoints, and for pictures of other programs, side by side."""

import shlex
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from oasis.cli.arguments import paths_and_settings, require_folder, require_groups, require_partner
from oasis.errors import ConfigurationError

if TYPE_CHECKING:
    from PIL import Image

    from oasis.evaluation import Comparison

_STEPS, _SEEDS, _DRAWS = 1500, 3, 3  # of --train-on-fakes


class OtherSize(StrEnum):
    """How to handle pictures of another size."""

    REFUSE = "refuse"
    AREA = "area"
    BILINEAR = "bilinear"


_Images = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[NAME=]DIR[,DIR...]",
        help="Pictures of another program, a column: named like the dataset's photos, label maps, or the files of "
        "`oasis generate`. Several folders, or X_0.png, X_1.png, ..., are several draws. For several columns, several "
        "times. Without a checkpoint, give data=... data.height=... data.width=...",
    ),
]


_Arguments = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[CHECKPOINT...] [SETTING=VALUE...]",
        help="Checkpoint files, run folders, or folders of runs (their newest), each a column; then settings as "
        "`oasis train` takes them: data=cityscapes data.root=DIR, segmenter=unet "
        "segmenter.weights=PATH, segmenter=none, metrics=all, metrics.weights=PATH.",
        show_default=False,
    ),
]
_Output = Annotated[Path, typer.Option("--output", "-o", help="Folder for results.json, results.csv, report.html.")]
_ResizeImages = Annotated[
    OtherSize | None,
    typer.Option(
        help="--images: what is done with pictures of another size than is scored. Default: refuse.",
        show_default=False,
    ),
]
_AllowMissing = Annotated[
    bool,
    typer.Option("--allow-missing", help="--images: score only the label maps that have a picture in each column."),
]
_Seeds = Annotated[int, typer.Option(min=3, help="Noise seeds; each label map is used once with each.")]
_Split = Annotated[str, typer.Option(help="Whose label maps are used: train, val or test.")]
_Reference = Annotated[
    str | None,
    typer.Option(
        help="Whose photos distances are measured from: train, val or test; those of --split by default. Distances "
        "from others than val are named after them, such as fid_train.",
        show_default=False,
    ),
]
_DiversityImages = Annotated[int, typer.Option(min=0, help="Label maps on which diversity is measured; 0 = none.")]
_TrainOnFakes = Annotated[
    bool,
    typer.Option(
        "--train-on-fakes", help="Also train segmenters on fakes, on photos and on both, and test them on photos."
    ),
]
_FakesSteps = Annotated[
    int | None,
    typer.Option(min=10, help=f"--train-on-fakes: steps of each segmenter. Default: {_STEPS}.", show_default=False),
]
_FakesSeeds = Annotated[
    int | None,
    typer.Option(min=2, help=f"--train-on-fakes: segmenters of each kind. Default: {_SEEDS}.", show_default=False),
]
_FakesDraws = Annotated[
    int | None,
    typer.Option(min=1, help=f"--train-on-fakes: fakes of each training map. Default: {_DRAWS}.", show_default=False),
]
_PerClass = Annotated[bool, typer.Option("--per-class", help="Also print the scores of single classes.")]
_Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps; auto = the best there is.")]


def evaluate(
    output: _Output,
    arguments: _Arguments = None,
    images: _Images = None,
    resize_images: _ResizeImages = None,
    allow_missing: _AllowMissing = False,
    seeds: _Seeds = 3,
    split: _Split = "val",
    reference: _Reference = None,
    diversity_images: _DiversityImages = 50,
    train_on_fakes: _TrainOnFakes = False,
    fakes_steps: _FakesSteps = None,
    fakes_seeds: _FakesSeeds = None,
    fakes_draws: _FakesDraws = None,
    per_class: _PerClass = False,
    device: _Device = "auto",
) -> None:
    """Measure the pictures of checkpoints or of any program: FID, KID, CMMD, mIoU, PQ, AP, touching, diversity."""
    checkpoints, overrides = paths_and_settings(arguments or [])
    if not checkpoints and not images:
        raise ConfigurationError(
            "No checkpoint is named. Give RUN/checkpoints/last.ckpt, or the run's folder; or a folder of pictures: "
            "--images DIR data=cityscapes data.root=DIR data.height=256 data.width=512."
        )
    require_groups(overrides, ("data", "label_space", "segmenter", "metrics"), "evaluate")
    require_partner("--images", images, {"--resize-images": resize_images, "--allow-missing": allow_missing})
    fakes = {"--fakes-steps": fakes_steps, "--fakes-seeds": fakes_seeds, "--fakes-draws": fakes_draws}
    require_partner("--train-on-fakes", train_on_fakes, fakes)
    require_folder(output)
    # Loading torch takes seconds, which `oasis --help` need not wait for.
    from oasis.cli.evaluated_images import Images, parse_images
    from oasis.cli.evaluation import evaluate_sources
    from oasis.evaluation import Resizing, results_table

    other_size = resize_images or OtherSize.REFUSE
    resizing = None if other_size == OtherSize.REFUSE else Resizing[other_size.name]
    named = Images(parse_images(images or []), resizing, allow_missing)
    useful = None
    if train_on_fakes:
        from oasis.cli.usefulness import measure_usefulness, usefulness_table, write_usefulness

        counts = (fakes_steps or _STEPS, fakes_seeds or _SEEDS, fakes_draws or _DRAWS)
        useful = measure_usefulness(checkpoints, overrides, split, device, *counts)
    comparison, grids = evaluate_sources(
        checkpoints, named, overrides, list(range(seeds)), split, diversity_images, device, reference
    )
    if useful is not None:
        comparison = useful.added_to(comparison)
    _write(comparison, grids, output)
    console = Console()
    console.print(results_table(comparison, per_class=per_class))
    if useful is not None:
        write_usefulness(useful, output / "usefulness.json")
        console.print(usefulness_table(useful))
    console.print(
        f"\nWritten: {output / 'report.html'}, results.json, results.csv, samples_*.png", markup=False, soft_wrap=True
    )


def _write(comparison: "Comparison", grids: "Sequence[tuple[str, Image.Image]]", output: Path) -> None:
    """Write the results and the page of them into a folder."""
    from oasis.evaluation import write_report

    output.mkdir(parents=True, exist_ok=True)
    comparison.write_json(output / "results.json")
    comparison.write_csv(output / "results.csv")
    for number, (_, grid) in enumerate(grids):
        grid.save(output / f"samples_{number}.png")
    write_report(comparison, grids, output / "report.html", shlex.join(["oasis", *sys.argv[1:]]))
