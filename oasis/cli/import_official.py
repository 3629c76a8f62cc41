"""`oasis import-official`: a checkpoint from weights of the official OASIS, SPADE and pix2pixHD."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def import_official(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="The official generator: OASIS's *_EMA.pth (best pictures) or *_G.pth; SPADE's or pix2pixHD's "
            "*_net_G.pth.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The checkpoint to write, a name in .ckpt.")],
    discriminator: Annotated[
        Path | None,
        typer.Option(help="The official *_D.pth of the same model, to train on from.", show_default=False),
    ] = None,
    encoder: Annotated[
        Path | None,
        typer.Option(
            help="The official *_net_E.pth of the same SPADE or pix2pixHD, for the style of photos.", show_default=False
        ),
    ] = None,
    height: Annotated[
        int | None, typer.Option(min=1, help="Rows of its pictures. Default: as published.", show_default=False)
    ] = None,
    width: Annotated[
        int | None, typer.Option(min=1, help="Columns of its pictures. Default: as published.", show_default=False)
    ] = None,
    noise_dim: Annotated[
        int | None, typer.Option(min=0, help="Channels of OASIS's noise. Default: 64, or none.", show_default=False)
    ] = None,
    more_upsampling: Annotated[
        bool | None,
        typer.Option(
            "--more-upsampling/--no-more-upsampling",
            help="Whether SPADE starts at 1/64 of the size (num_upsampling_layers=more). Default: as the file says, or "
            "no.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Make a checkpoint of weights of the official OASIS, SPADE or pix2pixHD, as docs/official.md lists them."""
    from oasis.checkpoint.official import import_official as run

    imported = run(
        file, output, discriminator, encoder,
        height=height, width=width, noise_dim=noise_dim, more_upsampling=more_upsampling, force=force,
    )  # fmt: skip
    config, console = imported.config, Console(highlight=False, soft_wrap=True)
    noise, size = config["generator"].get("noise_dim", 0), config["data"]
    edges = " and their boundaries" if config["encoding"]["_target_"].endswith("Boundary") else ""
    console.print(
        f"{config['name']}: {imported.num_classes} classes{edges}, "
        f"{f'noise of {noise} channels' if noise else 'no noise'}, pictures of {size['height']}x{size['width']}; "
        + ", ".join(f"{name} of {count / 1e6:.1f} M parameters" for name, count in imported.parameters.items())
    )
    if config["generator"]["_target_"].endswith("Pix2PixHDFeatureGenerator"):
        console.print(f"Before generating, compute its styles: oasis styles {output} data.root=DIR", markup=False)
    for note in imported.notes:
        console.print(note, markup=False)
    console.print(f"Written: {output}", markup=False)
