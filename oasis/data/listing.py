"""The files of one split, paired by name, and missing partners."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from oasis.data.faults import PartnerError
from oasis.data.files.opening import PHOTO_ENDINGS, is_hidden
from oasis.data.sample import SampleFiles


@dataclass(frozen=True)
class Gap:
    """Files without a partner.

    Attributes:
        files: without a partner.
        among: the number of files of their kind.
        what: the kind of the missing partner.
    """

    files: list[Path]
    among: int
    what: str

    def error(self) -> PartnerError:
        """One error for all of them."""
        listing = ", ".join(str(path) for path in self.files[:5])
        more = f" and {len(self.files) - 5} more" if len(self.files) > 5 else ""
        return PartnerError(
            f"{len(self.files)} of {self.among} files have no {self.what}: {listing}{more}. Add the partners, or "
            "remove these files."
        )


@dataclass
class Listing:
    """The files of one split by the common part of their names, such as `CITY/STEM`.

    Attributes:
        photo_folder: the folder of the split's photos.
        map_folder: the folder of its label maps.
        instance_folder: the folder of its instance maps; None = that of its label maps.
        photos: the photo of each stem.
        labels: the label map of each stem.
        instances: the instance map of each stem.
        doubles: one error for each file whose stem and kind are taken by another one.
        passed_over: hidden files, and files that are no pictures.
    """

    photo_folder: Path
    map_folder: Path
    instance_folder: Path | None = None
    photos: dict[str, Path] = field(default_factory=dict)
    labels: dict[str, Path] = field(default_factory=dict)
    instances: dict[str, Path] = field(default_factory=dict)
    doubles: list[PartnerError] = field(default_factory=list)
    passed_over: set[Path] = field(default_factory=set)

    def samples(self) -> list[SampleFiles]:
        """All samples with a photo and a label map, sorted by name."""
        stems = sorted(self.photos.keys() & self.labels.keys())
        return [SampleFiles(Path(s).name, self.photos[s], self.labels[s], self.instances.get(s)) for s in stems]

    def gaps(self, needs_instances: bool) -> Iterator[Gap]:
        """Missing label maps, photos, and, if they are needed, instance maps."""
        wanted = [
            (self.photos, self.labels, f"label map in {self.map_folder}"),
            (self.labels, self.photos, f"photo in {self.photo_folder}"),
        ]
        if needs_instances:
            folder = self.instance_folder or self.map_folder
            what = f"instance map in {folder}, which this encoding needs (`semantic` does not)"
            wanted.append((self.photos, self.instances, what))
        for having, partners, what in wanted:
            missing = sorted(having.keys() - partners.keys())
            if missing:
                yield Gap([having[stem] for stem in missing], len(having), what)

    def collect(self, found: dict[str, Path], paths: Iterable[Path], folder: Path, suffix: str) -> None:
        """Put each file called `STEM` + `suffix` into `found`, by its path below `folder` up to the stem.

        A file whose stem is taken goes to `doubles`.

        Args:
            found: `photos`, `labels` or `instances`.
            paths: candidates; those of other names, hidden ones and those that are no pictures are ignored.
            folder: the folder that contains all of them.
            suffix: the end of their names, before the dot; may be empty.
        """
        for path in sorted(paths):
            below = path.relative_to(folder)
            self.add(found, path, below, PurePosixPath(below.as_posix()), suffix)

    def add(self, found: dict[str, Path], path: Path, below: Path, key: PurePosixPath, suffix: str) -> None:
        """Put one file into `found`; see `collect`.

        Args:
            found: `photos`, `labels` or `instances`.
            path: of the file.
            below: its path below the dataset's folder, by which hidden files are recognised.
            key: what files of one sample have in common, with the file's ending and suffix.
            suffix: the end of its name, before the dot.
        """
        if is_hidden(below) or path.suffix.lower() not in PHOTO_ENDINGS:
            self.passed_over.add(path)
        elif path.stem.endswith(suffix):
            name = key.with_name(path.stem.removesuffix(suffix)).as_posix() if key.name == path.name else key.as_posix()
            if name in found:
                self.doubles.append(
                    PartnerError(f"{found[name]} and {path.name} are two files for one sample; remove one of them.")
                )
            else:
                found[name] = path
