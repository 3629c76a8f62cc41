"""`oasis train-segmenter`: train a segmenter on the real photos of a dataset."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

_BATCH_SIZE = 4


def train_segmenter(
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SETTING=VALUE...]",
            help="The dataset, as for `oasis train`: data=cityscapes data.root=DIR, data.height=128, "
            "experiment=demo. Default: synthetic streets.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The file to write. Default: where segmenter=unet finds it."),
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training photos.")] = 10,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Photos per step. Default: data.batch_size=N, else 4.", show_default=False)
    ] = None,
    channels: Annotated[int, typer.Option(min=4, help="Width of the network.")] = 32,
    depth: Annotated[int, typer.Option(min=1, help="How often the photo is halved; 4 suits small photos.")] = 5,
    precision: Annotated[
        str, typer.Option(help="Lightning's: 32-true, bf16-mixed; auto = bf16-mixed if the processor supports it.")
    ] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the weights and the order of photos.")] = 0,
    if_missing: Annotated[bool, typer.Option("--if-missing", help="Do nothing if the file exists.")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps; auto = the best available.")] = "auto",
) -> None:
    """Train the segmenter that scores generated photos: it finds classes and instances in real ones."""
    from oasis.cli.arguments import setting_name, with_option
    from oasis.cli.datasets import load_data
    from oasis.scoring import segmenter_file
    from oasis.training.segmenter_fit import NoCondition, fit_segmenter, held_out_scores, scores_table

    told = settings or []
    if batch_size is None and not any(setting_name(each) == "data.batch_size" for each in told):
        batch_size = _BATCH_SIZE
    data = load_data(with_option(told, "--batch-size", "data.batch_size", batch_size), NoCondition)
    path = output or segmenter_file(data.dataset("val").root, data.height, data.width, data.label_space)
    console = Console(highlight=False, soft_wrap=True, markup=False)
    if if_missing and path.is_file():
        console.print(f"This segmenter exists already: {path}")
        return
    console.print(
        f"Training on {len(data.dataset('train'))} photos of {data.height}x{data.width} in "
        f"{data.dataset('train').root}, {epochs} epochs."
    )
    segmenter = fit_segmenter(data, channels, depth, epochs, seed, device, precision)
    scores = held_out_scores(segmenter, data)
    segmenter.facts["held_out"] = scores
    segmenter.save(path)
    console.print(scores_table(scores, len(data.dataset("val"))))
    found = " (segmenter=unet finds it)" if output is None else f": segmenter=unet segmenter.weights={output}"
    console.print(f"\nWritten: {path}{found}")
