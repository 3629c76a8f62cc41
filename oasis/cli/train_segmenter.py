"""`oasis train-segmenter`: teach a segmenter on the real photos of a dataset."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def train_segmenter(
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SETTING=VALUE...]",
            help="The dataset, as `python train.py` takes it: data=cityscapes data.root=DIR, data.height=128, "
            "experiment=demo. Synthetic streets without.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The file to write; without, where segmenter=unet looks for it by itself."),
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training photos.")] = 10,
    batch_size: Annotated[int, typer.Option(min=1, help="Photos a step.")] = 4,
    channels: Annotated[int, typer.Option(min=4, help="Width of the network.")] = 32,
    depth: Annotated[int, typer.Option(min=1, help="Halvings of the picture; small pictures want 4.")] = 5,
    precision: Annotated[
        str, typer.Option(help="Lightning's: 32-true, bf16-mixed; auto = bf16-mixed where the processor is fast at it.")
    ] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Of weights and order.")] = 0,
    if_missing: Annotated[bool, typer.Option("--if-missing", help="Do nothing where the file is there.")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps; auto = the best there is.")] = "auto",
) -> None:
    """Train the segmenter that scores what generators paint: classes and instances in real photos."""
    # Loading torch takes seconds, which `oasis --help` need not wait for.
    from oasis.cli.segmenter_training import held_out_scores, photos_to_learn_from, scores_table, teach
    from oasis.scoring import segmenter_file

    data = photos_to_learn_from(settings or [], batch_size)
    path = output or segmenter_file(data.dataset("val").root, data.height, data.width, data.label_space)
    console = Console(highlight=False, soft_wrap=True)
    if if_missing and path.is_file():
        console.print(f"The segmenter is there already: {path}")
        return
    console.print(
        f"Learning from {len(data.dataset('train'))} photos of {data.height}x{data.width} in "
        f"{data.dataset('train').root}, {epochs} epochs."
    )
    segmenter = teach(data, channels, depth, epochs, seed, device, precision)
    scores = held_out_scores(segmenter, data)
    segmenter.facts["held_out"] = scores
    segmenter.save(path)
    console.print(scores_table(scores, len(data.dataset("val"))))
    found = " (segmenter=unet finds it by itself)" if output is None else f": segmenter=unet segmenter.weights={output}"
    console.print(f"\nWritten: {path}{found}")
