"""`oasis convert`: panoptic maps from one format to another."""

from pathlib import Path
from typing import Annotated

import typer


def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A map, or a folder of maps.", show_default=False)],
    output: Annotated[
        Path, typer.Argument(metavar="OUT", help="A folder to write to, new or empty.", show_default=False)
    ],
    to: Annotated[
        str,
        typer.Option(
            metavar="FORMAT",
            help="cityscapes, panoptic_ids, mapillary, coco, bdd100k, spade or ade20k.",
            show_default=False,
        ),
    ],
    from_: Annotated[
        str | None, typer.Option("--from", metavar="FORMAT", help="Default: found from the files.", show_default=False)
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="SETTING=VALUE",
            help="The classes, as for `oasis train`: label_space=coco_panoptic. Default: Cityscapes' label ids.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Convert panoptic maps. What the new format cannot store is counted and printed."""
    from hydra.utils import instantiate

    from oasis.cli.conf import load_config
    from oasis.data.panoptic import find_format, recognize
    from oasis.data.panoptic.conversion import convert_folder

    space = instantiate(load_config(settings or []).label_space)
    reader = find_format(from_) if from_ is not None else recognize(source)
    convert_folder(reader(space), find_format(to)(space), source, output)
