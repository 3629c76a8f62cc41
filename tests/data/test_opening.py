"""Opening files: limits before decoding, and links."""

import os
import struct
import warnings
import zlib

import numpy as np
import pytest
from panoptic_maps import write_json
from PIL import Image

from oasis.data import Cityscapes, FileSamples, LabelMapDataModule
from oasis.data.faults import OversizedFileError, UnreadableFileError
from oasis.data.files import reading
from oasis.data.panoptic.coco_index import SegmentIndex
from oasis.encodings import Semantic
from oasis.errors import ConfigurationError, DatasetError

NAME = "town_000000_000019"


@pytest.fixture
def photo(tiny):
    return tiny.photo("train", NAME)


@pytest.fixture
def read(tiny, ids):
    return lambda **settings: FileSamples(Cityscapes(tiny.root), "train", ids, 32, 64, **settings)[0]


def claim(path, width, height):
    """Write another size into the header of a PNG, with the right checksum."""
    content = path.read_bytes()
    header = b"IHDR" + struct.pack(">II", width, height) + content[24:29]
    path.write_bytes(content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("width", "height"), [(31623, 31623), (2**31 - 1, 2**31 - 1), (1, 2**27)])
def test_absurd_headers_are_refused_before_decoding(tiny, read, monkeypatch, width, height):
    for kind in (tiny.photo, tiny.label, tiny.instance):
        claim(kind("train", NAME), width, height)  # all alike, so that sizes agree
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(OversizedFileError, match=rf"{NAME}.*{width}x{height}.*max_pixels"):
        read()


def test_pillows_warning_is_an_error_or_nothing(photo):
    """Between Pillow's limit and twice that it only warns; here only the given limit counts."""
    with Image.open(photo) as picture:
        picture.resize((96, 64)).save(photo)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(OversizedFileError, match=r"96x64 pixels, more than data\.max_pixels=6143;"):
            reading.read_photo(photo, 32, 64, max_pixels=6143)
        assert reading.read_photo(photo, 32, 64, max_pixels=6144).shape == (32, 64, 3)
        claim(photo, 10_000, 10_000)
        assert reading.check_photo_header(photo, max_pixels=10**8) == (10_000, 10_000)


def test_the_bound_is_a_setting(tiny, ids):
    with pytest.raises(OversizedFileError, match=r"128x64 pixels, more than data\.max_pixels=8191"):
        FileSamples(Cityscapes(tiny.root), "train", ids, 32, 64, max_pixels=128 * 64 - 1)
    data = LabelMapDataModule(Cityscapes(tiny.root), Semantic(ids), ids, height=32, width=64, max_pixels=8191)
    with pytest.raises(OversizedFileError):
        data.dataset("val")
    with pytest.raises(ConfigurationError, match=r"data\.max_pixels=0"):
        LabelMapDataModule(Cityscapes(tiny.root), Semantic(ids), ids, max_pixels=0)


@pytest.mark.parametrize("format_", ["PPM", "TGA"])
def test_no_other_formats_whatever_the_name(photo, read, format_):
    with Image.open(photo) as picture:
        picture.save(photo, format=format_)
    with pytest.raises(UnreadableFileError, match=rf"{NAME}.*none of PNG, JPEG"):
        read()


def test_a_jpeg_that_is_called_png_is_read(photo, read):
    with Image.open(photo) as picture:
        picture.save(photo, format="JPEG")
    assert read()["image"].float().std() > 10


def test_an_empty_file(photo, read):
    photo.write_bytes(b"")
    with pytest.raises(UnreadableFileError, match=rf"{NAME}.*an empty file"):
        read()


def test_what_is_no_file_is_not_waited_for(photo, read):
    photo.unlink()
    os.mkfifo(photo)
    with pytest.raises(UnreadableFileError, match=rf"{NAME}.*not a file, but a folder, pipe or device"):
        read()
    photo.unlink()
    photo.mkdir()
    with pytest.raises(UnreadableFileError, match=r"not a file"):
        read()


def test_links_are_followed_out_of_the_root(tiny, photo, read, tmp_path):
    """Datasets are often folders of links into a store."""
    plain = read()["image"]
    store = tmp_path / "store"
    store.mkdir()
    photo.rename(store / "content")
    photo.symlink_to(store / "content")
    (tiny.root / "gtFine").rename(store / "gtFine")
    (tiny.root / "gtFine").symlink_to(store / "gtFine")
    assert np.array_equal(read()["image"], plain)
    (store / "content").unlink()
    with pytest.raises(UnreadableFileError, match=rf"{NAME}.*a link to .*content, where there is no file"):
        read()


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../../b.png", ""])
def test_the_names_in_a_segments_file_stay_below_it(tmp_path, name):
    path = tmp_path / "panoptic.json"
    write_json(path, {name: []})
    with pytest.raises(DatasetError, match=r"panoptic\.json.*file_name"):
        SegmentIndex.read(path)
    write_json(path, {"town/a.png": []})
    assert "town/a.png" in SegmentIndex.read(path)
