"""The output folder of `oasis generate`, without overwriting and with atomic writes."""

import io
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from oasis.errors import ConfigurationError
from oasis.files import replacing

_SHOWN = 8  # names in an error


class OutputFolder:
    """The output folder.

    Args:
        root: the folder; created when the first file is written.
        overwrite: replace existing files.

    Raises:
        ConfigurationError: `root` is a file.
    """

    def __init__(self, root: Path, overwrite: bool) -> None:
        if root.exists() and not root.is_dir():
            raise ConfigurationError(f"--output {root}: this is a file. Name a folder; it is made where there is none.")
        self.root = root
        self.overwrite = overwrite

    def require_outside(self, source: Path) -> None:
        """Raise if pictures would be written to the folder of the inputs, where the next run would find them.

        Raises:
            ConfigurationError: the output lies in the folder `source`.
        """
        if source.is_dir() and self.root.resolve().is_relative_to(source.resolve()):
            raise ConfigurationError(
                f"--output {self.root} lies inside of the input {source}: generated pictures would be among the label "
                "maps, and the next run would read them as label maps. Choose another folder."
            )

    def require_free(self, names: Iterable[str], sources: Iterable[Path]) -> None:
        """Raise, before any work, if files of these names cannot or must not be written.

        Args:
            names: relative to the root.
            sources: input files, which are never overwritten.

        Raises:
            ConfigurationError: a name that leads out of the folder, or that is used twice; or existing files.
        """
        names = list(names)
        places = [self.place(name) for name in names]
        twice = sorted(name for name, count in Counter(names).items() if count > 1)
        if twice:
            raise ConfigurationError(f"Several pictures would be called {_listing(twice)}. Rename their label maps.")
        read = {source.resolve() for source in sources}
        inputs = [str(place) for place in places if place.resolve() in read]
        if inputs:
            raise ConfigurationError(f"{_listing(inputs)}: an input would be overwritten. Choose another --output.")
        folders = [str(place) for place in places if place.is_dir()]
        if folders:
            raise ConfigurationError(f"{_listing(folders)}: a folder is in the way. Choose another --output.")
        there = [str(place) for place in places if os.path.lexists(place)]
        if there and not self.overwrite:
            raise ConfigurationError(
                f"{len(there)} of {len(places)} files exist already: {_listing(there)}. Nothing was generated. Choose "
                "another --output, or add --force to overwrite them."
            )

    def place(self, name: str) -> Path:
        """The path of a file.

        Raises:
            ConfigurationError: it would lie outside of the folder, possibly through a link.
        """
        path = self.root / name
        if not name or ".." in Path(name).parts or not path.parent.resolve().is_relative_to(self.root.resolve()):
            raise ConfigurationError(f"{name!r} leads out of --output {self.root}. Rename it, or remove the link.")
        return path

    def write(self, name: str, content: bytes) -> Path:
        """Write a file atomically.

        Raises:
            OSError: a full disk, or no permission.
        """
        path = self.place(name)
        with replacing(path) as unfinished:
            unfinished.write_bytes(content)
        return path

    def write_png(self, name: str, picture: Image.Image, facts: Mapping[str, str]) -> Path:
        """Write a picture as a PNG.

        Args:
            name: with its ending.
            picture: of any mode that PNG supports.
            facts: the file's text chunks, by keywords of at most 79 characters.
        """
        info = PngInfo()
        for keyword, text in facts.items():
            info.add_itxt(keyword, text)  # UTF-8: names may have any character
        file = io.BytesIO()
        picture.save(file, "PNG", pnginfo=info)
        return self.write(name, file.getvalue())


def _listing(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
