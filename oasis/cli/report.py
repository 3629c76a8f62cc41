"""`oasis report`: a table with error bars, curves and pictures of runs."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from oasis.cli.arguments import require_folder, require_partner
from oasis.errors import ConfigurationError


def report(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUNS...",
            help="Run folders, folders that hold some, or a runs.csv of an earlier report.",
            show_default=False,
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for report.html, report.md, table.csv, ...")],
    baseline: Annotated[str, typer.Option(help="The encoding that all others are compared with.")] = "semantic",
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse runs of different budgets or data, unfinished and repeated ones.")
    ] = False,
    samples: Annotated[int, typer.Option(min=0, help="Label maps in the sample grids; 0 = none.")] = 6,
    gallery: Annotated[Path | None, typer.Option(help="Also write this PNG: maps, baseline, best, photo.")] = None,
    every_arm: Annotated[bool, typer.Option("--every-arm", help="The gallery shows all arms.")] = False,
    streets: Annotated[
        int | None, typer.Option(min=1, help="Rows of the gallery. Default: 4.", show_default=False)
    ] = None,
    best_by: Annotated[
        str | None, typer.Option(help="Metric that chooses the gallery's best, as segmenter/pq.")
    ] = None,
) -> None:
    """Compare trainings: means over seeds, paired differences with intervals, curves, samples, costs."""
    choices = {"--every-arm": every_arm, "--streets": streets, "--best-by": best_by}
    require_partner("--gallery", gallery, choices)
    if gallery is not None and gallery.suffix.lower() != ".png":
        raise ConfigurationError(f"--gallery {gallery}: the picture is a PNG; name it {gallery.with_suffix('.png')}.")
    if every_arm and best_by is not None:
        raise ConfigurationError(
            f"--best-by {best_by}: chooses one arm, but --every-arm shows all. Leave out one of the two."
        )
    require_folder(output)
    # Loading torch takes seconds, which `oasis --help` need not wait for.
    from oasis.cli.report_printing import print_study
    from oasis.studies import assemble, find_runs, write_gallery, write_report
    from oasis.studies.report import written

    found = find_runs(runs)
    study = assemble(found.runs, found.unreadable, baseline, strict=strict)
    command = shlex.join(["oasis", *sys.argv[1:]])
    files = write_report(study, output, samples=samples, command=command)
    console = Console()
    print_study(study, console)
    if gallery is not None:
        notes = write_gallery(study.groups[0], gallery, streets=streets or 4, metric=best_by, every_arm=every_arm)
        for note in notes:
            console.print(note, markup=False, soft_wrap=True)
        files.append(gallery)
    console.print(written(files), markup=False, soft_wrap=True)
