"""`oasis prepare`: decode and resize a dataset once, so that training need not."""

from typing import Annotated

import typer


def prepare(
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SETTING=VALUE...]",
            help="The dataset and its size, as `python train.py` takes them: data=cityscapes data.root=DIR, "
            "data.height=256, data.cache_folder=DIR, experiment=demo. Synthetic streets without.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Cache anew what is there and good, too.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare every checksum of what is there; cache anew what is damaged.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that decode; one a core without.", show_default=False)
    ] = None,
) -> None:
    """Decode and resize a dataset once; training then reads it hundreds of times faster."""
    # Loading torch takes seconds, which `oasis --help` need not wait for.
    from oasis.cli.preparation import prepare_splits

    prepare_splits(settings or [], workers, force, verify)
