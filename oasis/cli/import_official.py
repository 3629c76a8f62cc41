"""`oasis import-official`: a checkpoint from weights of the official OASIS."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def import_official(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The official generator: *_EMA.pth (best pictures) or *_G.pth.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The checkpoint to write, a name in .ckpt.")],
    discriminator: Annotated[
        Path | None,
        typer.Option(help="The official *_D.pth of the same model, to train on from.", show_default=False),
    ] = None,
    height: Annotated[
        int | None, typer.Option(min=1, help="Rows of its pictures. Default: as published.", show_default=False)
    ] = None,
    width: Annotated[
        int | None, typer.Option(min=1, help="Columns of its pictures. Default: as published.", show_default=False)
    ] = None,
    noise_dim: Annotated[
        int | None, typer.Option(min=0, help="Channels of its noise. Default: 64, or none.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Make a checkpoint of the official OASIS's weights (github.com/boschresearch/OASIS links them)."""
    from oasis.checkpoint.official import import_official as run

    imported = run(file, output, discriminator, height=height, width=width, noise_dim=noise_dim, force=force)
    config, console = imported.config, Console(highlight=False, soft_wrap=True)
    noise, size = config["generator"]["noise_dim"], config["data"]
    console.print(
        f"{config['name']}: {imported.num_classes} classes, {f'noise of {noise} channels' if noise else 'no noise'}, "
        f"pictures of {size['height']}x{size['width']}; "
        + ", ".join(f"{name} of {count / 1e6:.1f} M parameters" for name, count in imported.parameters.items())
    )
    console.print(f"Written: {output}", markup=False)
