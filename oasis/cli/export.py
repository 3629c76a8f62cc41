"""`oasis export`: a generator for use elsewhere."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def export(
    checkpoint: Annotated[
        str,
        typer.Argument(
            metavar="CHECKPOINT", help="A checkpoint file, a run folder (its last checkpoint), or hf://OWNER/NAME."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="The file to write; its suffix determines the format: .safetensors, .onnx, .pt2 (torch.export).",
        ),
    ],
    height: Annotated[
        int | None, typer.Option(min=1, help="Rows of the pictures. Default: as in training.", show_default=False)
    ] = None,
    width: Annotated[
        int | None, typer.Option(min=1, help="Columns of the pictures. Default: as in training.", show_default=False)
    ] = None,
    half: Annotated[
        bool,
        typer.Option(
            "--half",
            help="Store weights as float16, in half the space, for .safetensors; generating is in float32 again. "
            "Weights keep 3 to 4 digits of 7, so that pictures differ slightly.",
        ),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Export a checkpoint's generator as safetensors, ONNX or a torch.export program, and check its pictures."""
    from oasis.export import export as run

    exported = run(checkpoint, output, height=height, width=width, half=half, force=force)
    console = Console(highlight=False, soft_wrap=True)
    takes = ", ".join(
        f"{name} (B, {', '.join(map(str, shape[1:]))}) {exported.types[name]}"
        for name, shape in exported.inputs.items()
    )
    console.print(f"Input: {takes}. Output: image (B, 3, H, W) float32 in [-1, 1].")
    console.print(f"Compared with the checkpoint's picture: largest difference {exported.difference:.1e}.")
    console.print(f"Written: {exported.path}, {exported.bytes / 1e6:.1f} MB", markup=False)
