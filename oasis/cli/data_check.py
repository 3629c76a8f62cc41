"""`oasis data-check`: statistics and faults of a dataset."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from oasis.cli.fixable import text_of
from oasis.errors import ConfigurationError

FAULTS, CANNOT_CHECK = 1, 2


def data_check(
    root: Annotated[Path, typer.Argument(help="The dataset's folder, data.root.", show_default=False)],
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SETTING=VALUE...]",
            help="As for `oasis train`: data=coco_stuff (default: cityscapes), label_space=cityscapes_train_ids, "
            "data.on_inconsistent_ids=trust_instances, data.max_pixels=N, encoding.slots=K.",
            show_default=False,
        ),
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Also write everything to this file.", show_default=False),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that check. Default: one per core.", show_default=False)
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(help="Only this split; can be repeated. Default: all that exist.", show_default=False),
    ] = None,
) -> None:
    """Check every file of a dataset, and report its contents and faults. Changes nothing.

    Exit status: 0 = nothing is wrong, 1 = faults were found, 2 = it could not be checked.
    """
    try:
        sound = _check(root, settings or [], json, workers, split or [])
    except Exception as error:
        text = text_of(error, bool(settings))
        if text is None:
            raise
        Console(stderr=True, soft_wrap=True, highlight=False).print(f"error: {text}", markup=False)
        raise typer.Exit(CANNOT_CHECK) from None
    raise typer.Exit(0 if sound else FAULTS)


def _check(
    root: Path, settings: Sequence[str], output: Path | None, workers: int | None, splits: Sequence[str]
) -> bool:
    from hydra.utils import instantiate

    from oasis.cli.conf import load_config
    from oasis.data.building import build_dataset
    from oasis.inspection.checking import check_dataset

    named = any(setting.startswith("encoding=") for setting in settings)
    config = load_config(
        ["data=cityscapes", *([] if named else ["encoding=per_instance_masks"]), *settings], root.expanduser()
    )
    slots = config.encoding.get("slots")
    if slots is not None and not isinstance(slots, int):
        raise ConfigurationError(f"encoding.slots={slots}: must be a whole number.")
    return check_dataset(
        root,
        build_dataset(instantiate(config.data.dataset), dict(config.data)),
        instantiate(config.label_space),
        on_inconsistent_ids=config.data.on_inconsistent_ids,
        max_pixels=config.data.max_pixels,
        slots=slots,
        output=output,
        workers=workers,
        splits=splits,
    )
