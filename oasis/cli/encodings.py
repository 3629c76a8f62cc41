"""`oasis encodings`: a picture of each encoding's channels."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from oasis.cli.arguments import with_option
from oasis.errors import ConfigurationError

if TYPE_CHECKING:
    from oasis.inspection.samples import LabelledPhoto

_HEIGHT, _WIDTH = 256, 512  # of a synthetic street
_LEAST = 32


def encodings(
    output: Annotated[Path, typer.Option("--output", "-o", help="The picture to write (PNG).")],
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SETTING=VALUE...]",
            help="A dataset, as for `oasis train`: data=ade20k data.root=DIR, label_space=cityscapes_train_ids. "
            "Default: a synthetic street.",
            show_default=False,
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="train, val or test; of the dataset.")] = "val",
    index: Annotated[int, typer.Option(min=0, help="Which sample of the split, or which synthetic street.")] = 0,
    height: Annotated[
        int | None,
        typer.Option(min=_LEAST, help="Rows of the sample. Default: data.height=N, else 256.", show_default=False),
    ] = None,
    width: Annotated[
        int | None,
        typer.Option(min=_LEAST, help="Columns of the sample. Default: data.width=N, else 512.", show_default=False),
    ] = None,
    encoding: Annotated[
        list[str] | None, typer.Option(help="Only this encoding; can be repeated. Default: all of conf/encoding.")
    ] = None,
    generators: Annotated[
        bool, typer.Option("--generators", help="Draw what each generator sees of the map instead, by its own layers.")
    ] = False,
) -> None:
    """Draw every encoding of one sample, side by side and explained; or what each generator sees."""
    from oasis.cli.conf import encoding_names, load_encodings
    from oasis.inspection.encoding_cards import all_cards
    from oasis.inspection.generator_cards import NOTE_LINES, generator_cards
    from oasis.inspection.samples import synthetic_street
    from oasis.inspection.sheet import draw_sheet

    if generators and encoding:
        raise ConfigurationError(
            f"--generators --encoding {encoding[0]}: the page of the generators shows no encodings; leave out one "
            "of the two."
        )
    if output.suffix.lower() != ".png":
        raise ConfigurationError(f"--output {output}: the picture is a PNG; name it {output.with_suffix('.png')}.")
    chosen = load_encodings(["semantic"] if generators else encoding or encoding_names(), settings or ())
    if settings:
        sample = _sample(settings, split, index, height, width, any(one.needs_instances for one in chosen.values()))
    else:
        space = next(iter(chosen.values())).label_space
        sample = synthetic_street(index, height or _HEIGHT, width or _WIDTH, space)
    if generators:
        picture, shown = draw_sheet(generator_cards(sample), NOTE_LINES), "What each generator sees"
    else:
        picture, shown = draw_sheet(all_cards(sample, chosen)), f"{len(chosen)} encodings"
    output.parent.mkdir(parents=True, exist_ok=True)
    picture.save(output, optimize=True)
    size = output.stat().st_size // 1000
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"{shown} of {sample.name}: {output} ({picture.width}x{picture.height}, {size} kB)", markup=False)


def _sample(
    settings: Sequence[str], split: str, index: int, height: int | None, width: int | None, needs_instances: bool
) -> "LabelledPhoto":
    """The sample of the dataset that the settings name."""
    from hydra.utils import instantiate

    from oasis.cli.conf import load_config
    from oasis.data.building import build_dataset
    from oasis.inspection.samples import open_dataset, read_sample

    sized = with_option(with_option(settings, "--height", "data.height", height), "--width", "data.width", width)
    config = load_config(sized)
    for name in ("height", "width"):
        if config.data[name] < _LEAST:
            raise ConfigurationError(f"data.{name}={config.data[name]}: at least {_LEAST} pixels are drawn.")
    dataset = build_dataset(instantiate(config.data.dataset), dict(config.data))
    opened = open_dataset(
        dataset, split, config.data.height, config.data.width, instantiate(config.label_space), needs_instances
    )
    return read_sample(opened, index)
