"""`oasis classes`: a draft of a class file."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from oasis.errors import ConfigurationError


def classes(
    folder: Annotated[Path, typer.Argument(help="The folder of label maps, searched at any depth.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The class file to write (YAML). Default: print it.", show_default=False),
    ] = None,
    pattern: Annotated[str, typer.Option(help="Names of the label maps, such as '*_labelIds.png'.")] = "*.png",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that read. Default: one per core.", show_default=False)
    ] = None,
) -> None:
    """Draft a class file from label maps: one class per id, with its share of the pixels."""
    from oasis.inspection.class_draft import count_ids, draft, fitting

    if output is not None and output.suffix.lower() not in (".yaml", ".yml"):
        raise ConfigurationError(f"--output {output}: the draft is YAML; name it {output.with_suffix('.yaml')}.")
    if output is not None and output.exists():
        raise ConfigurationError(f"--output {output}: exists already, and may have been edited. Name another file.")
    counts = count_ids(folder, pattern, workers)
    text = draft(counts, str(folder))
    notes = Console(stderr=output is None, soft_wrap=True, highlight=False)
    if output is None:
        typer.echo(text, nl=False)
    else:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
        notes.print(f"{len(counts.found)} ids in {counts.files} label maps: {output}", markup=False)
    for name in fitting(counts):
        notes.print(f"label_space={name} has exactly these ids. If these are its classes, no file is needed.")
    place = output or "FILE"
    notes.print(
        f"Next: name the classes and mark the things in it, then label_space=file label_space.path={place}",
        markup=False,
    )
