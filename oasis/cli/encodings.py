"""`oasis encodings`: a picture of each encoding's channels."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from oasis.errors import ConfigurationError


def encodings(
    output: Annotated[Path, typer.Option("--output", "-o", help="The picture to write (PNG).")],
    data: Annotated[
        Path | None, typer.Option(help="A dataset laid out as Cityscapes. Default: a synthetic street.")
    ] = None,
    split: Annotated[str, typer.Option(help="train, val or test; of --data.")] = "val",
    index: Annotated[int, typer.Option(min=0, help="Which sample of the split, or which synthetic street.")] = 0,
    height: Annotated[int, typer.Option(min=32, help="Rows of the sample.")] = 256,
    width: Annotated[int, typer.Option(min=32, help="Columns of the sample.")] = 512,
    encoding: Annotated[
        list[str] | None, typer.Option(help="Only this encoding; can be repeated. Default: all of conf/encoding.")
    ] = None,
) -> None:
    """Draw every encoding of one street, side by side and explained."""
    from oasis.cli.conf import encoding_names, load_encodings
    from oasis.inspection.encoding_cards import all_cards
    from oasis.inspection.samples import open_dataset, read_sample, synthetic_street
    from oasis.inspection.sheet import draw_sheet

    if output.suffix.lower() != ".png":
        raise ConfigurationError(f"--output {output}: the picture is a PNG; name it {output.with_suffix('.png')}.")
    chosen = load_encodings(encoding or encoding_names())
    space = next(iter(chosen.values())).label_space
    if data is None:
        sample = synthetic_street(index, height, width, space)
    else:
        needed = any(one.needs_instances for one in chosen.values())
        sample = read_sample(open_dataset(data, split, height, width, space, needed), index)
    picture = draw_sheet(all_cards(sample, chosen))
    output.parent.mkdir(parents=True, exist_ok=True)
    picture.save(output, optimize=True)
    size = output.stat().st_size // 1000
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"{len(chosen)} encodings of {sample.name}: {output} ({picture.width}x{picture.height}, {size} kB)")
