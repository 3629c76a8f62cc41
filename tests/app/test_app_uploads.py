import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from panoptic_maps import write_json
from PIL import Image

from oasis.app.limits import Limits
from oasis.app.uploads import open_upload
from oasis.data.instance_maps import INSTANCE_FORMATS
from oasis.errors import ConfigurationError, MissingInstancesError, OasisError, message
from oasis.labels import LabelSpace
from oasis.synthesis import LabelMap, MapKind

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def bomb(side: int = 50_000) -> bytes:
    """A PNG of a few kilobytes that declares 2.5 billion pixels."""
    header = side.to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    rows = zlib.compress(bytes(3_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def png(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array.astype(np.uint16) if array.dtype == np.int32 else array).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def limits() -> Limits:
    return Limits(upload_bytes=200_000, pixels=4_000_000)


@pytest.fixture
def put(tmp_path: Path):
    """Puts a file into a folder like Gradio's for uploads, which must not be disclosed to visitors."""

    def write(name: str, content: bytes) -> Path:
        path = tmp_path / "0123456789abcdef" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path

    return write


def test_label_and_instance_map_are_read_as_they_stand(put, street, ids, limits):
    label, instance = street
    opened = open_upload(put("a.png", png(label)), put("b.png", png(instance)), ids, limits)
    np.testing.assert_array_equal(opened.label, label)
    np.testing.assert_array_equal(opened.instance, instance)


def test_train_ids_are_known_by_their_name(put, ids, limits):
    trained = png(np.repeat(np.array([[10, 2, 13, 0, 255]], np.uint8), 4, axis=0))
    opened = open_upload(put("a_gtFine_labelTrainIds.png", trained), None, ids, limits)
    assert opened.label[0].tolist() == [23, 11, 26, 7, 0]
    with pytest.raises(OasisError, match=r"a\.png.*255 is the void value of \*train ids\*"):
        open_upload(put("a.png", trained), None, ids, limits)


def test_a_kind_goes_before_what_the_pixels_look_like(put, ids, limits):
    both = np.repeat(np.array([[26001, 26000, 0]], np.uint16), 4, axis=0)
    path = put("a.png", png(both))
    assert open_upload(path, None, ids, limits).instance_ids == (26000, 26001)
    assert open_upload(path, None, ids, limits, kind=MapKind.PANOPTIC_IDS).instance_ids == (26000,)


def test_coco_panoptic_with_its_json_and_grey_ids_of_its_classes(put, limits, tmp_path):
    """The two uploads lie in folders of their own."""
    space = LabelSpace.coco_stuff()
    ids = np.array([[0, 70_001, 70_002, 5]])
    segments = [{"id": i, "category_id": c} for i, c in ((70_001, 1), (70_002, 1), (5, 184))]
    write_json(tmp_path / "any.json", {"a.png": segments}, {1: "person", 184: "tree-merged"})
    path = put("a.png", png(np.stack([ids % 256, ids // 256 % 256, ids // 65536], -1).astype(np.uint8)))
    found = open_upload(path, tmp_path / "any.json", space, limits)
    assert found.instance.tolist() == [[255, 256_000, 256_001, 168]]
    path = put("grey.png", png(np.array([[0, 1, 1, 184]], np.uint8)))
    coco = LabelSpace.built_in("coco_panoptic")
    assert open_upload(path, None, space, limits, label_space_of_input=coco).label.tolist() == found.label.tolist()
    with pytest.raises(OasisError, match=r"any\.json does not describe grey\.png") as caught:
        open_upload(put("grey.png", path.with_name("a.png").read_bytes()), tmp_path / "any.json", space, limits)
    assert str(tmp_path) not in message(caught.value)
    with pytest.raises(OasisError, match=r"^b\.png: any\.json describes RGB pictures, but"):
        open_upload(put("b.png", png(np.array([[1]], np.uint8))), tmp_path / "any.json", space, limits)


def test_colour_map_becomes_ids(put, street, ids, limits):
    label, _ = street
    colors = np.asarray(ids.palette, np.uint8)[label]
    np.testing.assert_array_equal(open_upload(put("colors.png", png(colors)), None, ids, limits).label, label)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"hello, I am no picture", "no PNG or TIFF picture but a text file"),
        (SVG, "XML or SVG"),
        (b"  \n<svg onload=alert(1)>", "SVG drawing"),
        (b"\xef\xbb\xbf<!DOCTYPE html><script>alert(1)</script>", "web page"),
        (b"<HTML><body>", "web page"),
        (b"\xff\xd8\xff\xe0" + bytes(100), "a JPEG, which blurs ids"),
        (b"PK\x03\x04" + bytes(100), "ZIP archive"),
        (b"\x7fELF" + bytes(100), "none that is known here"),
        (b"\x89PNG\r\n\x1a\n", "map.png"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "map.png"),
        (bomb(), "pixels"),
        (bytes(300_000), "0.3 MiB; the app takes files up to 0.19"),
    ],
    ids=range(13),
)
def test_hostile_file_is_refused_by_the_visitors_name_for_it(put, ids, limits, content, said):
    path = put("map.png", content)
    with pytest.raises(OasisError, match=said) as caught:
        open_upload(path, None, ids, limits)
    assert "map.png" in message(caught.value)
    assert str(path.parent) not in message(caught.value)  # the server's paths are private


def test_torn_picture_is_refused(put, street, ids, limits):
    noisy = np.random.default_rng(0).integers(0, 33, street[0].shape, np.uint8)
    with pytest.raises(OasisError, match=r"map\.png"):
        open_upload(put("map.png", png(noisy)[:-600]), None, ids, limits)


def test_hostile_instance_map_is_refused_too(put, street, ids, limits):
    with pytest.raises(OasisError, match=r"who\.png: is no PNG or TIFF picture but an XML or SVG file"):
        open_upload(put("a.png", png(street[0])), put("who.png", SVG), ids, limits)


def test_ids_that_mean_nothing_are_named(put, ids, limits):
    with pytest.raises(OasisError, match=r"a\.png.*200"):
        open_upload(put("a.png", png(np.full((8, 8), 200, np.uint8))), None, ids, limits)


@pytest.mark.parametrize("name", ["upload_bytes", "pixels", "waiting", "sessions", "kept_seconds", "undo"])
def test_limit_of_nothing_is_refused(name):
    with pytest.raises(ConfigurationError, match=f"{name}=0: a limit"):
        Limits(**{name: 0})


def test_instances_in_the_format_that_is_chosen(ids, limits, tmp_path):
    """The numbers of objects, which nothing in the pixels tells from classes."""
    label = np.full((4, 6), 7, np.uint8)
    label[:, 2:] = 26
    number = np.zeros((4, 6), np.uint8)
    number[:, 2:4], number[:, 4:] = 8, 3
    for name, values in (("label", label), ("objects", number)):
        Image.fromarray(values).save(tmp_path / f"{name}.png")
    paths = tmp_path / "label.png", tmp_path / "objects.png"
    found = open_upload(*paths, ids, limits, instance_format=INSTANCE_FORMATS["numbers"])
    assert found.instance.tolist() == [[7, 7, 26001, 26001, 26000, 26000]] * 4
    with pytest.raises(OasisError, match=r"objects\.png: .*do not fit into 8 bits"):
        open_upload(*paths, ids, limits)


def test_advice_is_for_the_page(narrow, street, ids):
    pytest.importorskip("gradio")
    from oasis.app.context import explained

    with pytest.raises(OasisError, match=r"--replace 'road=CLASS'") as caught:
        narrow.open(LabelMap(*street, ids))
    said = explained(caught.value)
    assert said.endswith("Choose the map's classes, or another model.")
    assert "--replace" not in said


def test_missing_instances_are_asked_for_in_the_words_of_the_page():
    pytest.importorskip("gradio")
    from oasis.app.context import explained

    said = explained(MissingInstancesError("a.png: cars.", "Give instance_map=FILE."))
    assert said.startswith("a.png: cars. Upload its instance map")
    assert "instance_map=" not in said
