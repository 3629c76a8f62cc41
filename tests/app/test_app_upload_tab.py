"""The tab Upload in Chromium, without network."""

import re

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # within Gradio, of pandas


def test_one_click_on_an_example_gives_a_photo(visitor):
    photo = visitor.choose_example(1)
    assert photo.std() > 5
    assert re.search(r"Generated in \d+\.\d\d s · seed 0", visitor.page.inner_text("#upload-told"))
    assert "road" in visitor.page.inner_text("#upload-legend")
    assert visitor.complaints == []
    visitor.snapshot("upload")
    visitor.page.click("#new-seed")
    visitor.told("#upload-told", r"seed [1-9]")
    assert not np.array_equal(visitor.picture("#upload-photo"), photo)
    seed = visitor.page.locator("#upload-seed input").input_value()
    assert f"seed {seed}" in visitor.page.inner_text("#upload-told")


def test_photo_can_be_downloaded(visitor):
    photo = visitor.choose_example()
    with visitor.page.expect_download() as download:
        visitor.page.click("#upload-photo a.download")
    assert download.value.suggested_filename == "photo_seed0.png"
    np.testing.assert_array_equal(np.asarray(Image.open(download.value.path()).convert("RGB")), photo)


@pytest.mark.usefixtures("tiny_models")
def test_uploaded_maps_give_the_photo_that_python_gives(visitor, pool, street, as_png):
    label, instance = street
    visitor.upload(as_png(label), "town_labelIds.png")
    visitor.told("#upload-told", "Generated in")
    expected = np.asarray(pool.model("plain").synthesize(label, seed=0))
    np.testing.assert_array_equal(visitor.picture("#upload-photo"), expected)
    plain = visitor.picture("#upload-map")
    visitor.upload(as_png(instance), "town_instanceIds.png", "#instance-file")
    colors = visitor.changed("#upload-map", plain)
    assert (colors[17 * 12, 22 * 12] == 255).all()  # the contour between the two cars


@pytest.mark.usefixtures("tiny_models")
def test_model_that_needs_instances_says_which_file_to_give(visitor, street, as_png):
    visitor.page.click("#model input")
    visitor.page.get_by_role("option", name="outlines").click()
    visitor.upload(as_png(street[0]), "town_labelIds.png")
    said = visitor.told("#upload-told", "instance")
    assert "Not generated" in said
    visitor.upload(as_png(street[1]), "town_instanceIds.png", "#instance-file")
    visitor.told("#upload-told", "Generated in .* outlines")


@pytest.mark.usefixtures("tiny_models")
def test_a_map_of_train_ids_once_its_kind_is_chosen(visitor, pool, as_png):
    train = np.repeat(np.array([[10, 2, 13, 0]], np.uint8), 8, axis=0).repeat(8, 1)
    visitor.upload(as_png(train), "town.png")
    assert "train ids" in visitor.told("#upload-told", "Not generated")
    visitor.page.click("#map-kind input")
    visitor.page.get_by_role("option", name="train ids").click()
    visitor.told("#upload-told", "Generated in")
    ids = np.vectorize({10: 23, 2: 11, 13: 26, 0: 7}.get)(train).astype(np.uint8)
    expected = np.asarray(pool.model("plain").synthesize(ids, seed=0))
    np.testing.assert_array_equal(visitor.picture("#upload-photo"), expected)


def test_broken_file_is_told_in_words_and_the_app_lives_on(visitor):
    visitor.upload(b"this is no picture", "notes.png")
    said = visitor.told("#upload-told", "notes.png")
    assert said.startswith("Not generated. notes.png: is no PNG or TIFF picture but a text file")
    assert "/tmp" not in said
    visitor.snapshot("error")
    assert visitor.choose_example().std() > 5


def test_file_that_is_too_large_is_refused_in_the_page(visitor):
    visitor.upload(bytes(3 * 2**20), "huge.png")
    visitor.page.get_by_text(re.compile("exceeds|too large|size", re.I)).first.wait_for()
    visitor.page.reload()
    visitor.page.wait_for_selector("#examples button")
    assert visitor.choose_example().std() > 5


def test_markup_in_a_file_name_is_text(visitor):
    visitor.upload(b"<svg onload=alert(1)>", "<img src=x onerror=document.title='hacked'>.png")
    visitor.told("#upload-told", "SVG drawing")
    assert visitor.page.locator("#upload-told img").count() == 0
    assert visitor.page.title() == "Panoptic OASIS"
