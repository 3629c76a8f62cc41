"""`oasis evaluate`: numbers and pictures for checkpoints, side by side."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from oasis.cli.arguments import split_arguments


def evaluate(
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="CHECKPOINT... [SETTING=VALUE...]",
            help="Checkpoint files, run folders, or folders of runs (their newest), each a column; then settings as "
            "`oasis train` takes them: data=cityscapes data.root=DIR, segmenter=unet "
            "segmenter.weights=PATH, segmenter=none, metrics=all, metrics.weights=PATH.",
            show_default=False,
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for results.json, results.csv, report.html.")],
    seeds: Annotated[int, typer.Option(min=3, help="Noise seeds; each label map is used once with each.")] = 3,
    split: Annotated[str, typer.Option(help="Whose label maps are used: train, val or test.")] = "val",
    reference: Annotated[
        str | None,
        typer.Option(
            help="Whose photos distances are measured from: train, val or test; those of --split by default. Distances "
            "from others than val are named after them, such as fid_train.",
            show_default=False,
        ),
    ] = None,
    diversity_images: Annotated[
        int, typer.Option(min=0, help="Label maps on which diversity is measured; 0 = none.")
    ] = 50,
    per_class: Annotated[bool, typer.Option("--per-class", help="Also print the scores of single classes.")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps; auto = the best there is.")] = "auto",
    train_on_fakes: Annotated[
        bool,
        typer.Option(
            "--train-on-fakes", help="Also train segmenters on fakes, on photos and on both, and test them on photos."
        ),
    ] = False,
    fakes_steps: Annotated[int, typer.Option(min=10, help="--train-on-fakes: steps of each segmenter.")] = 1500,
    fakes_seeds: Annotated[int, typer.Option(min=2, help="--train-on-fakes: segmenters of each kind.")] = 3,
    fakes_draws: Annotated[int, typer.Option(min=1, help="--train-on-fakes: fakes of each training map.")] = 3,
) -> None:
    """Measure the pictures that checkpoints generate: FID, KID, CMMD, mIoU, PQ, touching instances, diversity."""
    # Loading torch takes seconds, which `oasis --help` need not wait for.
    from oasis.cli.evaluation import evaluate_checkpoints
    from oasis.evaluation import results_table, write_report

    checkpoints, overrides = split_arguments(arguments)
    useful = None
    if train_on_fakes:
        from oasis.cli.usefulness import measure_usefulness, usefulness_table, write_usefulness

        useful = measure_usefulness(checkpoints, overrides, split, device, fakes_steps, fakes_seeds, fakes_draws)
    comparison, grids = evaluate_checkpoints(
        checkpoints, overrides, list(range(seeds)), split, diversity_images, device, reference
    )
    output.mkdir(parents=True, exist_ok=True)
    if useful is not None:
        comparison = useful.added_to(comparison)
        write_usefulness(useful, output / "usefulness.json")
    comparison.write_json(output / "results.json")
    comparison.write_csv(output / "results.csv")
    for number, (_, grid) in enumerate(grids):
        grid.save(output / f"samples_{number}.png")
    command = shlex.join(["oasis", *sys.argv[1:]])
    write_report(comparison, grids, output / "report.html", command)
    console = Console()
    console.print(results_table(comparison, per_class=per_class))
    if useful is not None:
        console.print(usefulness_table(useful))
    console.print(f"\nWritten: {output / 'report.html'}, results.json, results.csv, samples_*.png", soft_wrap=True)
