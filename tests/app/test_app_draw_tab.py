"""The tab Draw in Chromium: a mouse draws, the map and the photo change; and its answers without a browser."""

import base64
import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from oasis.app.limits import Limits
from oasis.app.model_pool import ModelPool
from oasis.app.session import Session
from oasis.synthesis import LabelMap

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # within Gradio, of pandas


def test_drawn_stroke_changes_the_photo_there(visitor):
    visitor.tab("Draw")
    visitor.told("#draw-told", "0 strokes")
    before, sheet = visitor.picture("#draw-photo"), visitor.picture("#canvas")
    visitor.stroke("car", [(0.45, 0.78), (0.62, 0.78), (0.62, 0.84), (0.45, 0.84)], size=8)
    visitor.told("#draw-told", "1 stroke ")
    after, drawn = visitor.picture("#draw-photo"), visitor.picture("#canvas")
    difference = np.abs(after - before).mean(2)
    height, width = difference.shape
    there = difference[int(0.72 * height) : int(0.9 * height), int(0.45 * width) : int(0.62 * width)].mean()
    assert there > 3
    assert difference[: height // 4].mean() < there / 4
    # The map holds the exact colour of the class, inside a white contour, and nothing in between.
    changed = np.unique(drawn[(drawn != sheet).any(2)], axis=0)
    assert {tuple(color) for color in changed.tolist()} == {(0, 0, 142), (255, 255, 255)}
    visitor.stroke("car", [(0.2, 0.8), (0.3, 0.8)])
    visitor.told("#draw-told", "2 strokes")
    visitor.snapshot("draw")
    visitor.page.keyboard.press("Control+z")
    visitor.told("#draw-told", "1 stroke ")
    visitor.page.click("#undo")
    visitor.told("#draw-told", "0 strokes")
    np.testing.assert_array_equal(visitor.picture("#canvas"), sheet)
    np.testing.assert_array_equal(visitor.picture("#draw-photo"), before)


def test_two_strokes_of_a_thing_are_two_instances_with_a_seam(visitor):
    visitor.tab("Draw")
    visitor.told("#draw-told", "0 strokes")
    for count, x in enumerate((0.42, 0.54), 1):
        visitor.stroke("car", [(x, 0.8), (x + 0.1, 0.8)], size=10)
        visitor.told("#draw-told", f"{count} stroke")
    row = visitor.picture("#canvas")[int(0.8 * visitor.picture("#canvas").shape[0]) - 2]
    white = (row == 255).all(1)
    assert (np.diff(white.astype(int)) == 1).sum() >= 3  # left rim, seam, right rim


def test_filled_outline_and_photo_on_demand(visitor):
    visitor.tab("Draw")
    visitor.told("#draw-told", "0 strokes")
    photo = visitor.picture("#draw-photo")
    visitor.page.locator("#live input").uncheck()
    visitor.page.locator("#canvas .fill input").check()
    sheet = visitor.picture("#canvas")
    visitor.stroke("vegetation", [(0.1, 0.1), (0.3, 0.1), (0.3, 0.4), (0.1, 0.4)], size=1)
    visitor.changed("#canvas", sheet)
    drawn = visitor.picture("#canvas")
    assert tuple(drawn[drawn.shape[0] // 4, drawn.shape[1] // 5]) == (107, 142, 35)
    np.testing.assert_array_equal(visitor.picture("#draw-photo"), photo)
    visitor.page.click("#render")
    visitor.told("#draw-told", "1 stroke ")
    assert not np.array_equal(visitor.picture("#draw-photo"), photo)


@pytest.mark.parametrize(
    ("drawn_on", "said", "cars"), [(1, "no classes of this model: car", 1), (2, "brushes have the classes of plain", 0)]
)
def test_canvas_shows_the_map_where_there_can_be_no_photo(pool, narrow, drawn_on, said, cars):
    """The map is one of the second model, which knows no cars: a car can be drawn into its sky, not into its houses."""
    gr = pytest.importorskip("gradio")
    from oasis.app.context import AppContext
    from oasis.app.draw_tab import DrawTab

    both, session = ModelPool([pool.model("plain"), narrow]), Session()
    with gr.Blocks(), gr.Tab("Draw") as inner:
        tab = DrawTab(AppContext(both, Limits(), [], gr.State(session), gr.Dropdown(both.names)), inner)
    session.take(LabelMap(np.full((32, 64), drawn_on, np.uint8), None, narrow.label_space, "map.png"))
    stroke = {"raw_id": 26, "points": [[0.5, 0.5]], "radius": 0.2}
    answer = tab.stroke(session, "narrow", 0, True, SimpleNamespace(stroke=stroke))
    assert said in answer[tab.told]
    assert session.strokes == cars
    picture = Image.open(io.BytesIO(base64.b64decode(answer[tab.canvas]["picture"].partition(",")[2])))
    assert picture.getpixel((picture.width // 2, picture.height // 2)) == ((0, 0, 142) if cars else (70, 70, 70))


def test_names_of_a_checkpoint_are_text(browser, narrow, monkeypatch):
    from oasis.app.server import serving

    markup = narrow.label_space.names[0]
    monkeypatch.setattr(narrow, "name", markup)
    with serving(ModelPool([narrow]), Limits()) as address:
        page = browser.new_page()
        page.goto(address)
        for tab, place in (
            ("Draw", "#starts"),
            ("Draw", "#draw-legend"),
            ("Vary", "#vary-told"),
            ("Compare", "figure"),
        ):
            page.get_by_role("tab", name=tab, exact=True).click()
            page.locator(place).filter(has_text=markup).first.wait_for()
        assert page.locator("img[src=x]").count() == 0
        assert page.title() == "Panoptic OASIS"
        page.close()
