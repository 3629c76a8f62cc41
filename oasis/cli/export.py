"""`oasis export`: a generator for use elsewhere."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def export(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="A checkpoint file, or a run's folder, whose last is meant.")
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="The file to write; its name says the format: .safetensors, .onnx, .pt2 (torch.export).",
        ),
    ],
    height: Annotated[
        int | None, typer.Option(min=1, help="Rows of the pictures; without, those of training.", show_default=False)
    ] = None,
    width: Annotated[
        int | None, typer.Option(min=1, help="Columns of the pictures; without, those of training.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
) -> None:
    """Write a checkpoint's generator as safetensors, ONNX or a torch.export program, and compare what it paints."""
    # Loading torch takes seconds, which `oasis --help` need not wait for.
    from oasis.export import export as run

    exported = run(checkpoint, output, height=height, width=width, force=force)
    console = Console(highlight=False, soft_wrap=True)
    takes = ", ".join(f"{name} (B, {', '.join(map(str, shape[1:]))})" for name, shape in exported.inputs.items())
    console.print(f"It takes {takes}, float32, and gives image (B, 3, H, W) in [-1, 1].")
    console.print(f"Painted and compared with the checkpoint: largest difference {exported.difference:.1e}.")
    console.print(f"Written: {exported.path}, {exported.bytes / 1e6:.1f} MB", markup=False)
