"""One map or photo in any format is the same to every command, or refused with the reason."""

import io
import itertools
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from layouts import write_coco_panoptic
from panoptic_maps import to_coco, to_panoptic
from PIL import Image, ImageOps, features
from torch import nn

from oasis.app.limits import Limits
from oasis.app.uploads import open_upload
from oasis.data import CachedSamples, Cityscapes, COCOPanoptic, FileSamples, LabelMapDataModule
from oasis.data.cache import Container, build_cache
from oasis.data.consistency import Maps, OnInconsistentIds, consistent_label
from oasis.data.files import reading
from oasis.data.files.meaning import TRAIN_IDS
from oasis.data.inspection import Inspection
from oasis.data.panoptic import FORMATS, PanopticMap
from oasis.data.transforms import compact_instances
from oasis.encodings import Semantic
from oasis.errors import DatasetError
from oasis.labels import LabelSpace
from oasis.segmenters import Prediction
from oasis.synthesis import LabelMap, MapKind, open_label_map
from oasis.synthesis.batch.inputs import find_maps
from oasis.synthesis.photo_reading import PhotoReader
from oasis.synthesis.translation import translated

SPACE = LabelSpace.cityscapes_ids()
HEIGHT, WIDTH = 8, 16
SHUFFLED = np.random.default_rng(0).permutation(34)  # of ids that all are in the label space


def _maps() -> tuple[np.ndarray, np.ndarray]:
    label = np.full((HEIGHT, WIDTH), 23, np.uint8)
    label[3:] = 7
    label[3:6, :3] = 11
    label[0, :2] = 0
    label[4:7, 4:12] = 26
    instance = label.astype(np.uint16)
    instance[4:7, 4:8], instance[4:7, 8:12] = 26000, 26002
    label[2:5, 13:15], instance[2:5, 13:15] = 24, 24
    return label, instance


LABEL, INSTANCE = _maps()
PHOTO = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)
RAW_COLORS = np.array([SPACE.palette[max(SPACE.raw_to_class[raw], 0)] for raw in range(256)], np.uint8)
GREY = np.random.default_rng(2).integers(0, 256, (HEIGHT, WIDTH)).astype(np.uint8)


def saved(pixels: np.ndarray | Image.Image, format_: str = "PNG", mode: str | None = None, **options) -> bytes:
    file = io.BytesIO()
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    (picture if mode is None else picture.convert(mode)).save(file, format_, **options)
    return file.getvalue()


def raw_png(rows: np.ndarray, bits: int, color_type: int) -> bytes:
    """A PNG of (H, W, C) values with any number of bits, which Pillow does not write."""
    flat = rows.reshape(HEIGHT, -1)
    if bits == 16:
        lines = [row.astype(">u2").tobytes() for row in flat]
    else:
        digits = ((flat[:, :, None] >> np.arange(bits)[::-1]) & 1).reshape(HEIGHT, -1).astype(np.uint8)
        lines = [np.packbits(row).tobytes() for row in digits]
    body = zlib.compress(b"".join(b"\0" + line for line in lines))
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, color_type, 0, 0, 0)),
        (b"IDAT", body),
        (b"IEND", b""),
    ]
    framed = (struct.pack(">I", len(b)) + n + b + struct.pack(">I", zlib.crc32(n + b)) for n, b in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def indexed(numbers: np.ndarray, colors: np.ndarray) -> Image.Image:
    picture = Image.frombytes("P", (WIDTH, HEIGHT), numbers.astype(np.uint8).tobytes())
    picture.putpalette(colors.astype(np.uint8).tobytes())
    return picture


def channels(numbers: np.ndarray, count: int, alpha: int | None = None) -> np.ndarray:
    last = [] if alpha is None else [np.full_like(numbers, alpha)]
    return np.stack([numbers] * count + last, axis=-1)


def colored(numbers: np.ndarray) -> np.ndarray:
    return RAW_COLORS[numbers]


def train_ids(void: int) -> np.ndarray:
    table = {raw: train for train, raw in TRAIN_IDS.items()}
    return np.vectorize(lambda raw: table.get(raw, void))(LABEL).astype(np.uint8)


@dataclass(frozen=True)
class Case:
    """A file in place of a good one. training, generate, app: what the refusal says; None = understood."""

    content: Callable[[], bytes]
    training: str | None = None
    generate: str | None = None
    app: str | None = ""

    def refusal(self, command: str) -> str | None:
        if command == "generate":
            return self.generate
        if command == "app":
            return self.generate if self.app == "" else self.app
        return self.training


def alike(content: Callable[[], bytes], refusal: str | None, app: str | None = "") -> Case:
    return Case(content, refusal, refusal, app)


NO_PNG = "is no PNG or TIFF picture"
LOSSY = "which keeps neither ids nor colours exactly"
BITS = "do not arrive as they are in the file"
CLEAR = "pixels are transparent"
COLOR_MAP = "looks like a colour map"
FEW_BITS = "do not fit into 8 bits"

LABELS: dict[str, Case] = {
    "png L": alike(lambda: saved(LABEL), None),
    "png P, own colours": alike(lambda: saved(indexed(LABEL, RAW_COLORS)), None),
    "png P, foreign colours": alike(lambda: saved(indexed(LABEL, np.arange(768).reshape(256, 3) % 251)), None),
    "png P, grey": alike(lambda: saved(indexed(LABEL, channels(np.arange(256), 3))), None),
    "png P, other classes' colours": Case(
        lambda: saved(indexed(SHUFFLED[LABEL], RAW_COLORS[np.argsort(SHUFFLED)])), "colours are those of classes"
    ),
    "png I;16": alike(lambda: saved(LABEL.astype(np.uint16)), None),
    "tiff L": alike(lambda: saved(LABEL, "TIFF"), None),
    "tiff I;16": alike(lambda: saved(LABEL.astype(np.uint16), "TIFF", compression="tiff_lzw"), None),
    "tiff I;16B": alike(lambda: saved(Image.fromarray(LABEL.astype(">u2")), "TIFF"), None),
    "tiff I": alike(lambda: saved(LABEL.astype(np.int32), "TIFF"), None),
    "tiff I, negative": alike(lambda: saved(LABEL.astype(np.int32) - 1, "TIFF"), "pixels are negative"),
    "png LA, opaque": alike(lambda: saved(channels(LABEL, 1, 255)), None),
    "png LA, transparent": alike(lambda: saved(channels(LABEL, 1, 9)), CLEAR),
    "png RGB, equal": alike(lambda: saved(channels(LABEL, 3)), None),
    "tiff RGB, equal": alike(lambda: saved(channels(LABEL, 3), "TIFF"), None),
    "png RGBA, equal": alike(lambda: saved(channels(LABEL, 3, 255)), None),
    "png RGBA, equal, transparent": alike(lambda: saved(channels(LABEL, 3, 254)), CLEAR),
    "png RGB, colours": Case(lambda: saved(colored(LABEL)), COLOR_MAP),
    "png RGBA, colours": Case(lambda: saved(np.dstack([colored(LABEL), 0 * LABEL + 255])), COLOR_MAP),
    "png RGB, photo": Case(lambda: saved(PHOTO), COLOR_MAP, "colours that are not in the palette"),
    "png 1 bit": alike(lambda: saved(LABEL > 7, mode="1"), "mode 1"),
    "png 2 bits": alike(lambda: raw_png(LABEL % 4, 2, 0), BITS),
    "png 4 bits": alike(lambda: raw_png(LABEL % 16, 4, 0), BITS),
    "png P, 4 bits": alike(
        lambda: saved(indexed(np.minimum(LABEL, 15), RAW_COLORS[:16]), bits=4), "thing pixels have another class"
    ),
    "png LA, 16 bits": alike(lambda: raw_png(channels(LABEL.astype(int), 1, 65535), 16, 4), BITS),
    "png RGB, 16 bits": alike(lambda: raw_png(channels(LABEL.astype(int), 3), 16, 2), BITS),
    "png RGBA, 16 bits": alike(lambda: raw_png(channels(LABEL.astype(int), 3, 65535), 16, 6), BITS),
    "tiff CMYK": alike(lambda: saved(PHOTO, "TIFF", "CMYK"), "mode CMYK"),
    "tiff F": alike(lambda: saved(LABEL.astype(np.float32), "TIFF"), "mode F"),
    "jpeg": alike(lambda: saved(LABEL, "JPEG"), f"a JPEG, {LOSSY}", "a JPEG, which blurs ids"),
    "jpeg in tiff": alike(lambda: saved(channels(LABEL, 3), "TIFF", compression="jpeg"), LOSSY),
    "webp, lossless": alike(lambda: saved(channels(LABEL, 3), "WEBP", lossless=True), None),
    "webp, lossless, exif": alike(
        lambda: saved(channels(LABEL[::-1, ::-1], 3), "WEBP", lossless=True, exif=orientation(3)), None
    ),
    "webp, lossy": alike(lambda: saved(channels(LABEL, 3), "WEBP"), f"a WEBP, {LOSSY}"),
    "webp, lossless, colours": Case(lambda: saved(colored(LABEL), "WEBP", lossless=True), COLOR_MAP),
    "gif": alike(lambda: saved(LABEL, "GIF"), None),
    "gif, all greys in order": alike(lambda: saved(LABEL, "GIF", optimize=False), None),
    "gif, greys in another order": alike(
        lambda: saved(indexed(255 - LABEL, channels(255 - np.arange(256), 3)), "GIF", optimize=False), None
    ),
    "gif, colours": Case(lambda: saved(indexed(LABEL, RAW_COLORS), "GIF"), COLOR_MAP),
    "gif, transparent": alike(lambda: saved(indexed(LABEL, RAW_COLORS), "GIF", transparency=23), CLEAR),
    "gif, animated": alike(
        lambda: saved(LABEL, "GIF", save_all=True, append_images=[Image.fromarray(LABEL.T.reshape(LABEL.shape))]),
        "several pictures in one GIF file",
    ),
    "bmp": alike(lambda: saved(LABEL, "BMP"), None),
    "bmp RGB, equal": alike(lambda: saved(channels(LABEL, 3), "BMP"), None),
    "bmp P, own colours": alike(lambda: saved(indexed(LABEL, RAW_COLORS), "BMP"), None),
    "bmp 1 bit": alike(lambda: saved(LABEL > 7, "BMP", mode="1"), "mode 1"),
    "sound": alike(lambda: b"RIFF" + bytes(4) + b"WAVEfmt " * 20, "none of PNG, JPEG"),
    "text": alike(lambda: b"labels" * 99, "none of PNG, JPEG", NO_PNG),
    "nothing": alike(lambda: b"", "an empty file", "the file is empty"),
    "truncated": alike(lambda: saved(np.tile(GREY, (1, 1)))[:120], "cannot be decoded"),
    "foreign ids": alike(lambda: saved(np.where(LABEL == 23, 77, LABEL)), r"outside the label space: 77"),
    "train ids": alike(
        lambda: saved(train_ids(18)),
        r"look like Cityscapes' \*train ids\*.*kind=train_ids",
        "look like Cityscapes' .*choose train ids as the map's kind",
    ),
    "train ids, void": alike(
        lambda: saved(train_ids(255)),
        r"255 is the void value of \*train ids\*.*kind=train_ids",
        "255 is the void value of .*choose train ids as the map's kind",
    ),
    "another size": alike(lambda: saved(LABEL[:, 1:]), "do not belong together"),
    "instance ids": Case(lambda: saved(INSTANCE), "ids up to 26002, but label ids end at 255"),
    "upside down by exif": alike(lambda: saved(LABEL[::-1, ::-1], exif=orientation(3)), None),
}

INSTANCES: dict[str, Case] = {
    "png I;16": alike(lambda: saved(INSTANCE), None),
    "tiff I;16": alike(lambda: saved(INSTANCE, "TIFF"), None),
    "tiff I;16B": alike(lambda: saved(Image.fromarray(INSTANCE.astype(">u2")), "TIFF"), None),
    "tiff I": alike(lambda: saved(INSTANCE.astype(np.int32), "TIFF"), None),
    "tiff I, large": Case(
        lambda: saved(np.where(INSTANCE == 26002, 70_000, INSTANCE.astype(np.int32)), "TIFF"),
        r"instance ids outside the label space: 70000 \(\d+ pixels\)",
        "neither instanceIds.*70000",
    ),
    "png L, modulo 256": alike(lambda: saved(INSTANCE.astype(np.uint8)), FEW_BITS),
    "png LA, modulo 256": alike(lambda: saved(channels(INSTANCE.astype(np.uint8), 1, 255)), FEW_BITS),
    "png RGB, modulo 256": alike(lambda: saved(channels(INSTANCE.astype(np.uint8), 3)), FEW_BITS),
    "png P": Case(lambda: saved(indexed(LABEL, RAW_COLORS)), FEW_BITS, "map in colours, which has no instances"),
    "png RGB, coco": Case(lambda: saved(to_coco(INSTANCE, ())), FEW_BITS),
    "png RGB, colours": Case(lambda: saved(colored(LABEL)), FEW_BITS, "map in colours, which has no instances"),
    "png 1 bit": alike(lambda: saved(LABEL > 7, mode="1"), "mode 1"),
    "png 4 bits": alike(lambda: raw_png(LABEL % 16, 4, 0), BITS),
    "tiff F": alike(lambda: saved(INSTANCE.astype(np.float32), "TIFF"), "mode F"),
    "jpeg": alike(lambda: saved(LABEL, "JPEG"), LOSSY, "a JPEG, which blurs ids"),
    "truncated": alike(lambda: saved(GREY.astype(np.uint16) * 255)[:150], "cannot be decoded"),
    "panoptic ids": Case(
        lambda: saved(to_panoptic(INSTANCE).astype(np.uint16)),
        "oasis convert IN OUT --from panoptic_ids --to cityscapes",
    ),
    "of stuff": Case(lambda: saved(np.where(INSTANCE == 7, 7001, INSTANCE).astype(np.uint16)), "7001", "here is 7001"),
    "numbers of objects": alike(lambda: saved((INSTANCE >= 1000).astype(np.uint16)), "no id is 1000 or more"),
    "another picture's": alike(lambda: saved(np.roll(INSTANCE, 2, axis=1)), "thing pixels have another class"),
    "another size": alike(lambda: saved(INSTANCE[:, 1:].copy()), "do not belong together"),
}


def orientation(number: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = number
    return exif


def turned(number: int) -> Image.Image:
    """The photo as a camera would have to store it for this orientation."""
    ways = Image.Transpose
    back = {1: None, 2: ways.FLIP_LEFT_RIGHT, 3: ways.ROTATE_180, 4: ways.FLIP_TOP_BOTTOM, 5: ways.TRANSPOSE,
            6: ways.ROTATE_90, 7: ways.TRANSVERSE, 8: ways.ROTATE_270}[number]  # fmt: skip
    return Image.fromarray(PHOTO) if back is None else Image.fromarray(PHOTO).transpose(back)


def root_of(folder: Path, **files: bytes) -> Path:
    """A dataset of one sample, the same in both splits."""
    contents = {"photo": saved(PHOTO), "label": saved(LABEL), "instance": saved(INSTANCE)} | files
    for split in ("train", "val"):
        for kind, name in (
            ("photo", f"leftImg8bit/{split}/town/a_leftImg8bit.png"),
            ("label", f"gtFine/{split}/town/a_gtFine_labelIds.png"),
            ("instance", f"gtFine/{split}/town/a_gtFine_instanceIds.png"),
        ):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(contents[kind])
    return folder


def samples(root: Path) -> FileSamples:
    return FileSamples(Cityscapes(root), "train", SPACE, HEIGHT, WIDTH)


Seen = tuple[np.ndarray, np.ndarray, np.ndarray | None]  # label, instance, photo


def seen(sample) -> Seen:
    return sample["label"].numpy(), sample["instance"].numpy(), sample["image"].permute(1, 2, 0).numpy()


def train(root: Path) -> Seen:
    return seen(samples(root)[0])


def check(root: Path) -> Seen:
    source = Cityscapes(root)
    found = Inspection(source, source.listing("train").samples(), SPACE)[0]
    if found.faults:
        raise DatasetError(" ".join(fault.reason for fault in found.faults))
    assert found.size == (WIDTH, HEIGHT)
    assert found.instances == 2
    np.testing.assert_array_equal(found.label_pixels, np.bincount(LABEL.reshape(-1), minlength=256))
    return train(root)  # a report has no pixels


def prepare(root: Path) -> Seen:
    container = Container(samples(root), root / "cache")
    build_cache(container, workers=1, progress=False)
    return seen(CachedSamples(container)[0])


def evaluate(root: Path) -> Seen:
    module = LabelMapDataModule(Cityscapes(root), Semantic(SPACE), SPACE, height=HEIGHT, width=WIDTH, use_cache=False)
    return seen(module.dataset("val")[0])


def generate(root: Path) -> Seen:
    (given,) = find_maps(root / "gtFine/val/town/a_gtFine_labelIds.png")
    assert given.instance is not None
    found = open_label_map(given.path, given.instance, label_space=SPACE)
    return found.label, found.instance, None


def upload(root: Path) -> Seen:
    folder = root / "gtFine/val/town"
    label, instance = folder / "a_gtFine_labelIds.png", folder / "a_gtFine_instanceIds.png"
    found = open_upload(label, instance, SPACE, Limits())
    return found.label, found.instance, None


READERS = {"training": train, "data-check": check, "prepare": prepare, "evaluate": evaluate}
COMMANDS = READERS | {"generate": generate, "app": upload}


def assert_read_or_refused(case: Case, command: str, read: Callable[[], Seen]) -> None:
    refusal = case.refusal(command)
    if refusal is not None:
        with pytest.raises(DatasetError, match=refusal) as raised:
            read()
        if command == "app":  # which has neither options nor settings
            assert not re.search(r"--\w|`oasis|kind=|data\.\w+=|label_space", str(raised.value)), raised.value
        return
    label, instance, _ = read()
    np.testing.assert_array_equal(label, LABEL)
    np.testing.assert_array_equal(instance, INSTANCE)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", LABELS)
def test_a_label_map_is_the_same_to_every_command(tmp_path, name, command):
    root = root_of(tmp_path, label=LABELS[name].content())
    assert_read_or_refused(LABELS[name], command, lambda: COMMANDS[command](root))


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", INSTANCES)
def test_an_instance_map_is_the_same_to_every_command(tmp_path, name, command):
    root = root_of(tmp_path, instance=INSTANCES[name].content())
    assert_read_or_refused(INSTANCES[name], command, lambda: COMMANDS[command](root))


@dataclass(frozen=True)
class Photo:
    """content; expected: (H, W, 3) uint8; within: how far it may be off; refusal: None = read."""

    content: Callable[[], bytes]
    expected: Callable[[], np.ndarray] = lambda: PHOTO
    within: float = 0
    refusal: str | None = None


def grey3(values: np.ndarray = GREY) -> np.ndarray:
    return channels(values, 3)


def as_opened(content: bytes) -> np.ndarray:
    """What Pillow makes of it, turned upright: for lossy formats."""
    return np.array(ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB"))


def lossy(format_: str, mode: str | None = None, **options) -> Photo:
    def content() -> bytes:
        return saved(PHOTO, format_, mode, **options)

    return Photo(content, lambda: as_opened(content()))


PHOTOS: dict[str, Photo] = {
    "png RGB": Photo(lambda: saved(PHOTO)),
    "tiff RGB": Photo(lambda: saved(PHOTO, "TIFF", compression="tiff_deflate")),
    "webp RGB": Photo(lambda: saved(PHOTO, "WEBP", lossless=True)),
    "jpeg RGB": lossy("JPEG"),
    "jpeg CMYK": lossy("JPEG", "CMYK"),
    "webp, lossy": lossy("WEBP"),
    "tiff CMYK": lossy("TIFF", "CMYK"),
    "png L": Photo(lambda: saved(GREY), grey3),
    "png LA": Photo(lambda: saved(channels(GREY, 1, 99)), grey3),
    "png RGBA, transparent": Photo(lambda: saved(np.dstack([PHOTO, GREY]))),
    "png P": Photo(lambda: saved(indexed(LABEL, RAW_COLORS)), lambda: colored(LABEL)),
    "png 1 bit": Photo(lambda: saved(GREY > 99, mode="1"), lambda: grey3((GREY > 99) * np.uint8(255))),
    "png 4 bits": Photo(lambda: raw_png(GREY % 16, 4, 0), lambda: grey3(GREY % 16 * 17)),
    "png I;16": Photo(lambda: saved(GREY.astype(np.uint16) * 257), grey3),
    "tiff I;16": Photo(lambda: saved(GREY.astype(np.uint16) * 257, "TIFF"), grey3),
    "tiff I;16B": Photo(lambda: saved(Image.fromarray((GREY * np.uint16(257)).astype(">u2")), "TIFF"), grey3),
    "tiff I": Photo(lambda: saved(GREY.astype(np.int32) * 257, "TIFF"), grey3),
    "tiff F, 0 to 1": Photo(lambda: saved((GREY / 255).astype(np.float32), "TIFF"), grey3),
    "tiff F, 0 to 255": Photo(lambda: saved(GREY.astype(np.float32), "TIFF"), grey3),
    "png RGB, 16 bits": Photo(lambda: raw_png(PHOTO.astype(int) * 257, 16, 2)),
    "tiff I, large": Photo(lambda: saved(GREY.astype(np.int32) * 999, "TIFF"), refusal="grey values from"),
    "tiff F, NaN": Photo(
        lambda: saved(np.where(GREY > 9, GREY, np.nan).astype(np.float32), "TIFF"), refusal="grey values from"
    ),
    "gif": lossy("GIF"),
    "bmp": Photo(lambda: saved(PHOTO, "BMP")),
    "text": Photo(lambda: b"photos" * 99, refusal="none of PNG, JPEG, TIFF, WebP, AVIF, GIF, BMP"),
    "truncated png": Photo(lambda: saved(PHOTO)[:200], refusal="cannot be decoded"),
    "truncated tiff": Photo(lambda: saved(PHOTO, "TIFF", compression="tiff_lzw")[:200], refusal="a.leftImg8bit"),
    "truncated webp": Photo(lambda: saved(PHOTO, "WEBP", lossless=True)[:100], refusal="a.leftImg8bit"),
    "corrupt exif": Photo(lambda: saved(PHOTO, exif=b"Exif\0\0MM\0*\0\0\0\1nonsense")),
}
TURNS = [("PNG", n) for n in range(1, 9)] + [("WEBP", 3), ("WEBP", 6), ("TIFF", 3), ("TIFF", 6)]
PHOTOS |= {
    f"{kind} orientation {n}": Photo(
        lambda kind=kind, n=n: saved(
            turned(n), kind, exif=orientation(n), **({"lossless": True} if kind == "WEBP" else {})
        )
    )
    for kind, n in TURNS
}
if features.check("avif"):
    PHOTOS["avif RGB"] = lossy("AVIF", quality=90)


class Watching(nn.Module):
    """A segmenter that keeps the photo it is shown."""

    label_space = SPACE
    finds_instances = True

    def forward(self, image: torch.Tensor) -> Prediction:
        self.photo = ((image[0] + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
        nothing = torch.zeros(1, *image.shape[-2:], dtype=torch.int64)
        return Prediction(nothing, nothing)


def from_photo(root: Path) -> Seen:
    segmenter = Watching()
    found = PhotoReader(segmenter, SPACE).read(root / "leftImg8bit/val/town/a_leftImg8bit.png")
    assert found.label.shape == (HEIGHT, WIDTH)
    return found.label, found.label, segmenter.photo


PREPARED = ["png I;16", "PNG orientation 6", "tiff F, 0 to 1", "truncated png"]  # as training reads them, so a few do


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize(
    ("name", "command"),
    [
        *itertools.product(PHOTOS, ["training", "data-check", "evaluate", "generate --from-photos"]),
        *((name, "prepare") for name in PREPARED),
    ],
)
def test_a_photo_is_the_same_to_every_command(tmp_path, name, command):
    photo, read = PHOTOS[name], READERS.get(command, from_photo)
    root = root_of(tmp_path, photo=photo.content())
    if photo.refusal is not None:
        with pytest.raises(DatasetError, match=photo.refusal):
            read(root)
        return
    np.testing.assert_array_equal(read(root)[2], photo.expected())


# Instances of every class, and maps of other label spaces

COCO, STUFF = LabelSpace.built_in("coco_panoptic"), LabelSpace.coco_stuff()
HIGH = LabelSpace.from_classes(
    [
        {"name": name, "ids": [raw], "thing": True}
        for raw, name in ((0, "void"), (65, "cat"), (117, "dog"), (254, "cow"))
    ],
    ignore="void",
)


def individuals(*raw_ids: int) -> tuple[np.ndarray, np.ndarray]:
    """Two instances and a group of each class, in columns: raw label ids and raw instance ids."""
    label = np.repeat(np.array(raw_ids, np.uint8), 3)[None].repeat(2, 0)
    instance = label.astype(np.int32)
    for place, raw in enumerate(raw_ids):
        instance[:, 3 * place], instance[:, 3 * place + 1] = (raw or 256) * 1000, (raw or 256) * 1000 + 7
    return label, instance


def as_coco(folder: Path, instance: np.ndarray, space: LabelSpace) -> Path:
    form = FORMATS["coco"](space)
    form.write(folder, "a", PanopticMap.of_instance_ids(instance, "a"))
    form.finish(folder)
    return folder / "panoptic" / "a.png"


def converted(path: Path, space: LabelSpace) -> tuple[np.ndarray, np.ndarray]:
    found = FORMATS["coco"](space).read(path)
    return found.label, found.instance


def generated(path: Path, space: LabelSpace, told: LabelSpace | None = None) -> tuple[np.ndarray, np.ndarray]:
    found = open_label_map(path, label_space=space, label_space_of_input=told)
    return found.label, found.instance


def uploaded(path: Path, space: LabelSpace, told: LabelSpace | None = None) -> tuple[np.ndarray, np.ndarray]:
    described = path.parent.with_suffix(".json")
    companion = described if described.is_file() else None
    found = open_upload(path, companion, space, Limits(), label_space_of_input=told)
    return found.label, found.instance


def trained_on(path: Path, space: LabelSpace) -> tuple[np.ndarray, np.ndarray]:
    """The instance map in 32 bits, as a dataset of Cityscapes' layout."""
    label, instance = reading.read_label_ids(path), reading.read_instance_ids(path.with_name("instance.png"))
    maps = Maps(label, instance, path, path)
    return consistent_label(maps, space, OnInconsistentIds.ERROR), instance


@pytest.mark.parametrize(("space", "raw_ids"), [(STUFF, (0, 1, 66, 89)), (HIGH, (65, 117, 254))], ids=["coco", "high"])
def test_instances_of_all_classes_are_the_same_to_every_command(tmp_path, space, raw_ids):
    """Persons of COCO-Stuff, class 0, and classes whose instances do not fit into 16 bits."""
    label, instance = individuals(*raw_ids)
    panoptic = as_coco(tmp_path / "coco", instance, space)
    Image.fromarray(label).save(tmp_path / "label.png")
    (tmp_path / "instance.png").write_bytes(saved(instance, "TIFF"))
    (tmp_path / "panoptic.png").write_bytes(saved(to_panoptic(instance), "TIFF"))
    found = {
        "convert": converted(panoptic, space),
        "generate coco": generated(panoptic, space),
        "app coco": uploaded(panoptic, space),
        "training": trained_on(tmp_path / "label.png", space),
        "generate instance ids": generated(tmp_path / "instance.png", space),
        "app instance ids": uploaded(tmp_path / "instance.png", space),
    }
    for command, (its_label, its_instance) in found.items():
        np.testing.assert_array_equal(its_label, label, command)
        np.testing.assert_array_equal(its_instance, instance, command)
        assert (its_label.dtype, its_instance.dtype) == (np.uint8, np.int32), command
    both = open_label_map(tmp_path / "label.png", tmp_path / "instance.png", label_space=space)
    np.testing.assert_array_equal(both.instance, instance)
    told = open_label_map(tmp_path / "panoptic.png", label_space=space, kind=MapKind.PANOPTIC_IDS)
    np.testing.assert_array_equal(told.instance, instance)
    assert len(both.instance_ids) == 2 * len(raw_ids)


@pytest.mark.parametrize("read", [generated, uploaded], ids=["generate", "app"])
def test_a_map_of_another_label_space_is_the_same_to_every_command(tmp_path, read):
    """COCO panoptic, as its dataset is trained on, for a model of COCO-Stuff; by its categories, and told."""
    write_coco_panoptic(tmp_path)
    samples = FileSamples(COCOPanoptic(tmp_path), "train", COCO, 32, 64)
    for sample, files in zip(samples, samples.files, strict=True):
        expected = translated(LabelMap(sample["label"].numpy(), sample["instance"].numpy(), COCO), STUFF)
        names = np.array(COCO.names)[np.array(COCO.raw_to_class)[sample["label"].numpy()]]
        there = np.array(STUFF.names)[expected.class_indices]
        assert set(zip(names.flat, there.flat, strict=True)) <= {
            ("unknown", "unknown"), ("car", "car"), ("person", "person"), ("sky-other-merged", "sky-other")
        }  # fmt: skip
        told = tmp_path / "grey.png"
        Image.fromarray(sample["label"].numpy()).save(told)
        label, instance = read(told, STUFF, COCO)
        np.testing.assert_array_equal(label, expected.label)
        assert instance is None
        label, instance = read(files.label, STUFF, COCO)
        np.testing.assert_array_equal(label, expected.label)
        np.testing.assert_array_equal(compact(instance), compact(expected.instance))


def compact(instance: np.ndarray) -> np.ndarray:
    return compact_instances(torch.from_numpy(instance)[None])[0].numpy()


# Formats that `oasis convert` reads, and datasets that read them


def convert(root: Path) -> Seen:
    found = FORMATS["cityscapes"](SPACE).read(root / "gtFine/train/town/a_gtFine_instanceIds.png")
    return found.label, found.instance, None


# What `oasis convert` says of a label map if it is not the same as in training.
CONVERTED = {
    "png P, other classes' colours": "its classes are not those of",
    "another size": "its classes are not those of",
    "foreign ids": "its classes are not those of",
    "train ids": "its classes are not those of",
    "train ids, void": "its classes are not those of",
    "png P, 4 bits": "its classes are not those of",
    "numbers of objects": "its classes are not those of",
    "another picture's": "its classes are not those of",
}


@pytest.mark.parametrize(
    ("kind", "name"), [*(("label", name) for name in LABELS), *(("instance", name) for name in INSTANCES)]
)
def test_oasis_convert_reads_as_training_does(tmp_path, kind, name):
    case = (LABELS if kind == "label" else INSTANCES)[name]
    root = root_of(tmp_path, **{kind: case.content()})
    refusal = None if case.training is None else CONVERTED.get(name, case.training)
    assert_read_or_refused(Case(case.content, refusal), "convert", lambda: convert(root))


SIDEWAYS = 6  # an EXIF orientation that swaps rows and columns


@pytest.mark.parametrize("name", ["panoptic_ids", "mapillary", "bdd100k", "coco", "ade20k", "spade", "cityscapes"])
def test_every_panoptic_format_is_turned_by_exif(tmp_path, name):
    """As label maps and photos are; the size in the header too."""
    form = FORMATS[name](SPACE)
    single = np.where(LABEL == 24, 24_000, INSTANCE)  # without groups, which not all formats store
    panoptic = PanopticMap.of_instance_ids(single, "a")
    form.write(tmp_path, "train/a", panoptic)
    form.finish(tmp_path)
    for path in tmp_path.rglob("*.png"):
        picture = Image.open(path)
        picture.transpose(Image.Transpose.ROTATE_90).save(path, exif=orientation(SIDEWAYS))
    (path,) = form.find(tmp_path / "panoptic" if name == "coco" else tmp_path).values()
    found = FORMATS[name](SPACE).read(path)
    np.testing.assert_array_equal(found.label, LABEL)
    np.testing.assert_array_equal(found.instance >= 1000, single >= 1000)
    if name in ("panoptic_ids", "mapillary", "bdd100k"):
        mode = "RGBA" if name == "bdd100k" else "I"
        assert FORMATS[name](SPACE).size(path, mode) == (WIDTH, HEIGHT)


@pytest.mark.parametrize("name", ["coco", "ade20k"])
def test_colours_of_16_bits_are_refused(tmp_path, name):
    """Pillow returns their upper halves."""
    (tmp_path / "a.png").write_bytes(raw_png(channels(LABEL.astype(int), 3), 16, 2))
    with pytest.raises(DatasetError, match=BITS):
        reading.read_colors(tmp_path / "a.png", name)
    with pytest.raises(DatasetError, match=BITS):
        reading.check_color_header(tmp_path / "a.png", name)
