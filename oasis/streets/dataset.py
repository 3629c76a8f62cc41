"""The settings and the folder of the synthetic streets."""

import json
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from oasis.errors import ConfigurationError, DatasetError
from oasis.files import cache_folder
from oasis.streets.street import draw_crowd, draw_street
from oasis.streets.writer import Draw, Picture, cores, draw_all

_CERTIFICATE = "streets.json"  # written last, so that a folder with it is complete
_SMALLEST = 32


@dataclass(frozen=True)
class SyntheticStreets:
    """Street scenes drawn by this project, in the layout of Cityscapes.

    Image i of a split depends on the seed, the split, i, the size, and the generator's version alone.

    Attributes:
        train: images in the split `train`.
        val: images in the split `val`.
        test: images in the split `test`.
        height: H, at least 32.
        width: W, at least 32.
        seed: of all the streets, at least 0.
        root: where to write them; None = a folder for these settings in the cache, which is
            `$PANOPTIC_OASIS_CACHE`, else `$XDG_CACHE_HOME/panoptic-oasis`, else `~/.cache/panoptic-oasis`.

    Raises:
        ConfigurationError: a count below 0 or none above, a size below 32, a seed below 0.
    """

    kind: ClassVar[str] = "streets"
    version: ClassVar[int] = 1  # incremented whenever the same settings give other pictures
    draw: ClassVar[Draw] = staticmethod(draw_street)

    train: int = 2000
    val: int = 200
    test: int = 0
    height: int = 256
    width: int = 512
    seed: int = 0
    root: str | None = None

    def __post_init__(self) -> None:
        for name in ("height", "width"):
            if getattr(self, name) < _SMALLEST:
                raise ConfigurationError(
                    f"synthetic streets: {name} is {getattr(self, name)}, but a street needs {_SMALLEST} pixels; "
                    f"set {name} to {_SMALLEST} or more"
                )
        for name in ("train", "val", "test", "seed"):
            if getattr(self, name) < 0:
                raise ConfigurationError(f"synthetic streets: {name} is {getattr(self, name)}; set it to 0 or more")
        if self.train + self.val + self.test == 0:
            raise ConfigurationError(
                "synthetic streets: train, val and test are all 0; set at least one of them to 1 or more"
            )

    def folder(self) -> Path:
        """The dataset's root, which need not exist yet."""
        if self.root is not None:
            return Path(self.root).expanduser().absolute()
        key = f"{self.kind}-v{self.version}-{self.height}x{self.width}-seed{self.seed}"
        return cache_folder() / f"{key}-{self.train}-{self.val}-{self.test}"

    def settings(self) -> dict[str, object]:
        """All that decides the pictures, but for the version; also what tells datasets apart in caches."""
        settings = asdict(self)
        del settings["root"]
        return settings

    def write(self, workers: int | None = None, progress: bool = True) -> Path:
        """Draws the pictures, unless they exist.

        They are drawn into a temporary folder beside the final one, which is renamed when it is complete. So an
        interrupted call leaves no dataset behind, and concurrent calls are safe.

        Args:
            workers: number of processes; None = one per core.
            progress: whether to show a bar on stderr.

        Returns:
            The dataset's root, with `leftImg8bit` and `gtFine` in it.

        Raises:
            ConfigurationError: workers below 1.
            DatasetError: the folder has other contents than these streets, or cannot be written.
        """
        if workers is not None and workers < 1:
            raise ConfigurationError(f"synthetic streets: workers is {workers}; set it to 1 or more, or to None")
        root = self.folder()
        try:
            if self._stands(root):
                return root
            with _draft(root) as draft:
                draw_all(draft, self._pictures(), workers or cores(), progress)
                (draft / _CERTIFICATE).write_text(json.dumps(self._certificate(), indent=2) + "\n", encoding="utf-8")
                self._publish(draft, root)
        except OSError as error:
            raise DatasetError(
                f"synthetic streets cannot be written to {root}: {error.strerror or error}; make its parent folder "
                "writable, or choose another folder by `root` or the environment variable PANOPTIC_OASIS_CACHE"
            ) from error
        return root

    def _stands(self, root: Path) -> bool:
        # Whether the streets exist; raises if the folder has other contents.
        if not root.exists() and not root.is_symlink():
            return False
        if root.is_dir() and not any(root.iterdir()):
            return False
        certificate = root / _CERTIFICATE
        if not certificate.is_file():
            raise DatasetError(
                f"{root} holds something which is not synthetic streets and will not be overwritten; "
                "choose another `root`, or empty this folder"
            )
        found = certificate.read_text(encoding="utf-8")
        if found != json.dumps(self._certificate(), indent=2) + "\n":
            difference = _difference(found, self._certificate())
            raise DatasetError(
                f"{root} holds other synthetic streets than the ones asked for ({difference}); "
                "choose another `root`, or delete this folder"
            )
        return True

    def _publish(self, draft: Path, root: Path) -> None:
        try:
            draft.rename(root)  # of concurrent calls, one succeeds: the folder is not empty for the others
        except OSError:
            if not self._stands(root):
                raise

    def _certificate(self) -> dict[str, object]:
        return {"version": self.version, **self.settings()}

    def _pictures(self) -> list[Picture]:
        return [
            Picture(split, index, self.seed, self.height, self.width, self.version, type(self).draw)
            for split, count in (("train", self.train), ("val", self.val), ("test", self.test))
            for index in range(count)
        ]


@dataclass(frozen=True)
class SyntheticCrowds(SyntheticStreets):
    """Streets of few things near the camera that touch and hide each other; see `draw_crowd`.

    Attributes and errors are those of `SyntheticStreets`.
    """

    kind: ClassVar[str] = "crowds"
    version: ClassVar[int] = 1
    draw: ClassVar[Draw] = staticmethod(draw_crowd)

    def settings(self) -> dict[str, object]:
        """See `SyntheticStreets.settings`; with the version too, which settings of streets never had."""
        return {"kind": self.kind, "version": self.version, **super().settings()}


@contextmanager
def _draft(root: Path) -> Iterator[Path]:
    # A temporary folder on the file system of `root`, deleted at the end unless renamed.
    root.parent.mkdir(parents=True, exist_ok=True)
    draft = root.parent / f".{root.name}.{uuid.uuid4().hex}.partial"
    draft.mkdir()
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _difference(found: str, wanted: dict[str, object]) -> str:
    try:
        held = json.loads(found)
    except json.JSONDecodeError:
        held = None
    if not isinstance(held, dict):
        return f"its {_CERTIFICATE} is damaged"
    return ", ".join(
        f"{name} is {held.get(name)}, not {wanted.get(name)}"
        for name in {**wanted, **held}
        if held.get(name) != wanted.get(name)
    )
