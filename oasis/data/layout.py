"""Finding the files of a split in the layout of Cityscapes, and what is missing among them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from oasis.data import reading
from oasis.data.faults import PartnerError, WrongSizeError
from oasis.data.samples import SampleFiles, Split
from oasis.errors import DatasetError

PHOTOS, MAPS = "leftImg8bit", "gtFine"


@dataclass(frozen=True)
class Gap:
    """Files that have no partner.

    Attributes:
        files: without one.
        among: how many files there are of their kind.
        what: they have none of.
    """

    files: list[Path]
    among: int
    what: str

    def error(self) -> PartnerError:
        """What to tell the user of all of them."""
        listing = ", ".join(str(path) for path in self.files[:5])
        more = f" and {len(self.files) - 5} more" if len(self.files) > 5 else ""
        return PartnerError(
            f"{len(self.files)} of {self.among} files have no {self.what}: {listing}{more}. Add the partners, or "
            "remove these files."
        )


@dataclass
class Listing:
    """The files of one split by `CITY/STEM`, as their names have it.

    Attributes:
        root: the dataset's folder.
        split: `train`, `val` or `test`.
        photos: the photo of each stem.
        labels: the label map of each stem.
        instances: the instance map of each stem.
        doubles: one for each file that another one of the same stem and kind keeps out.
    """

    root: Path
    split: Split
    photos: dict[str, Path] = field(default_factory=dict)
    labels: dict[str, Path] = field(default_factory=dict)
    instances: dict[str, Path] = field(default_factory=dict)
    doubles: list[PartnerError] = field(default_factory=list)

    def samples(self) -> list[SampleFiles]:
        """All that have a photo and a label map, in the order of their names."""
        stems = sorted(self.photos.keys() & self.labels.keys())
        return [SampleFiles(Path(s).name, self.photos[s], self.labels[s], self.instances.get(s)) for s in stems]

    def gaps(self, needs_instances: bool) -> Iterator[Gap]:
        """What is missing: label maps, photos, and, where they are needed, instance maps."""
        maps = self.root / MAPS / self.split
        wanted = [
            (self.photos, self.labels, f"label map in {maps}"),
            (self.labels, self.photos, f"photo in {self.root / PHOTOS / self.split}"),
        ]
        if needs_instances:
            what = f"instance map in {maps}, which this encoding needs (`semantic` does not)"
            wanted.append((self.photos, self.instances, what))
        for having, partners, what in wanted:
            missing = sorted(having.keys() - partners.keys())
            if missing:
                yield Gap([having[stem] for stem in missing], len(having), what)


def list_split(root: Path, split: Split, photo: str, label: str, instance: str) -> Listing:
    """The files of a split.

    Args:
        root: the folder that holds `leftImg8bit` and `gtFine`.
        split: `train`, `val` or `test`.
        photo: what the names of photos end in, before the dot.
        label: what those of label maps end in.
        instance: what those of instance maps end in.

    Raises:
        DatasetError: no dataset there, or nothing in this split.
    """
    require_dataset(root)
    photos, maps = root / PHOTOS / split, root / MAPS / split
    listing = Listing(root, split)
    for found, folder, endings, suffix in (
        (listing.photos, photos, (".png", ".jpg", ".jpeg"), photo),
        (listing.labels, maps, (".png",), label),
        (listing.instances, maps, (".png",), instance),
    ):
        listing.doubles += _by_stem(found, _pictures(folder, endings), folder, suffix)
    if not listing.photos and not listing.labels:
        raise DatasetError(
            f"The split {split!r} is empty: {photos} holds no */*{photo}.png or .jpg. Is the archive unpacked "
            "completely?"
        )
    return listing


def require_dataset(root: Path) -> None:
    """Raise where no dataset lies.

    Raises:
        DatasetError: there is none.
    """
    if not (root / PHOTOS).is_dir() or not (root / MAPS).is_dir():
        raise DatasetError(
            f"No dataset at data.root={root}: it must hold the folders leftImg8bit and gtFine. Get "
            "Cityscapes with `csDownload gtFine_trainvaltest.zip leftImg8bit_trainvaltest.zip` (a free "
            "account is needed) and unpack both there, or train on synthetic streets at once: "
            "`python train.py data=synthetic`."
        )


def check_headers(files: SampleFiles, max_pixels: int) -> None:
    """Compare kinds and sizes of a sample's files by their headers.

    Raises:
        DatasetError: one that is no picture, of another kind, too large, or of another size than its photo.
    """
    size = reading.check_photo_header(files.photo, max_pixels)
    require_size(files.label, reading.check_label_header(files.label, max_pixels), files.photo, size)
    if files.instance is not None:
        require_size(files.instance, reading.check_instance_header(files.instance, max_pixels), files.photo, size)


def require_size(path: Path, size: tuple[int, int], photo: Path, expected: tuple[int, int]) -> None:
    """Raise where a map has not the (width, height) of its photo.

    Raises:
        DatasetError: it has not.
    """
    if size != expected:
        raise WrongSizeError(
            f"{path} is {size[0]}x{size[1]} but its photo {photo} is {expected[0]}x{expected[1]} (width x height): "
            "the two do not belong together, or one was resized. Restore the original."
        )


def _pictures(folder: Path, endings: tuple[str, ...]) -> Iterable[Path]:
    return sorted(path for path in folder.glob("*/*") if path.suffix.lower() in endings)


def _by_stem(found: dict[str, Path], paths: Iterable[Path], folder: Path, suffix: str) -> list[PartnerError]:
    """Put each file called `STEM` + `suffix` into `found`, as `CITY/STEM`; returns what is there twice."""
    doubles = []
    for path in paths:
        if not path.stem.endswith(suffix):
            continue
        key = path.relative_to(folder).with_name(path.stem.removesuffix(suffix)).as_posix()
        if key in found:
            doubles.append(
                PartnerError(f"{found[key]} and {path.name} are two files for one sample; remove one of them.")
            )
        else:
            found[key] = path
    return doubles
