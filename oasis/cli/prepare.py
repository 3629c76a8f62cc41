"""`oasis prepare`: decode and resize a dataset once, before training."""

from typing import Annotated

import typer


def prepare(
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SETTING=VALUE...]",
            help="The dataset and its size, as for `oasis train`: data=cityscapes data.root=DIR, "
            "data.height=256, data.cache_folder=DIR, experiment=demo. Default: synthetic streets.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace good samples too.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Compare all checksums; replace what is corrupt.")] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that decode. Default: one per core.", show_default=False)
    ] = None,
) -> None:
    """Decode and resize a dataset once; training then reads it hundreds of times faster."""
    from oasis.cli.datasets import load_data
    from oasis.data.cache.splits import prepare_splits
    from oasis.encodings import Semantic

    no_batches = ("data.batch_size=1", "data.build_cache=false", "data.use_cache=true")
    prepare_splits(load_data([*(settings or []), *no_batches], Semantic), workers, force, verify)
