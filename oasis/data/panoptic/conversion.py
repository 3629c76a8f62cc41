"""Conversion of files from one panoptic format to another."""

from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.progress import track

from oasis.data.panoptic.base import PanopticFormat
from oasis.errors import ConfigurationError, DatasetError


def convert_folder(reader: PanopticFormat, writer: PanopticFormat, source: Path, output: Path) -> Counter[str]:
    """Convert all maps of a folder, or one map, with a progress bar.

    Args:
        reader: the format of `source`.
        writer: the format to write.
        source: a folder of maps, or a map.
        output: the folder to write to.

    Returns:
        What the new format cannot store, and how often; also printed.

    Raises:
        ConfigurationError: `output` is not empty.
        DatasetError: no maps, or a map that cannot be read or stored.
    """
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ConfigurationError(f"{output} is not an empty folder, and nothing is overwritten: choose another one.")
    maps = reader.find(source)
    if not maps:
        raise DatasetError(f"{source}: no maps of this format there: {reader.contents}.")
    output.mkdir(parents=True, exist_ok=True)
    lost: Counter[str] = Counter()
    for name, path in track(maps.items(), "converting", transient=True, console=Console(stderr=True)):
        panoptic = reader.read(path)
        reader.space.check(panoptic.label, str(path))
        lost += writer.write(output, name, panoptic)
    writer.finish(output)
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"{len(maps)} maps written to {output}: {writer.contents}.", markup=False)
    for what, count in lost.items():
        console.print(f"not stored exactly: {count} {what}", markup=False)
    return lost
