"""`oasis data-check`: what a dataset holds, and what is wrong with it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from oasis.errors import OasisError, message

FAULTS, CANNOT_CHECK = 1, 2


def data_check(
    root: Annotated[Path, typer.Argument(help="The folder that holds leftImg8bit and gtFine.", show_default=False)],
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SETTING=VALUE...]",
            help="As `python train.py` takes them: label_space=cityscapes_train_ids, "
            "data.on_inconsistent_ids=trust_instances, data.max_pixels=N, encoding.slots=K.",
            show_default=False,
        ),
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write all of it there.", show_default=False)
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that look; one a core without.", show_default=False)
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(help="Only this one; can be repeated. All that are there without.", show_default=False),
    ] = None,
) -> None:
    """Look at every file of a dataset and say what is in it and what is wrong. Changes nothing.

    Exit status: 0 = nothing is wrong, 1 = faults were found, 2 = it could not be checked.
    """
    # Loading torch takes seconds, which `oasis --help` need not wait for.
    from oasis.cli.data_checking import check_dataset

    try:
        sound = check_dataset(root, settings or [], json, workers, split or [])
    except (OasisError, OSError) as error:
        text = message(error) if isinstance(error, OasisError) else str(error)
        Console(stderr=True, soft_wrap=True, highlight=False).print(f"error: {text}", markup=False)
        raise typer.Exit(CANNOT_CHECK) from None
    raise typer.Exit(0 if sound else FAULTS)
