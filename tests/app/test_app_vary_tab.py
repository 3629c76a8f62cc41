"""The tabs Vary and Compare in Chromium."""

import numpy as np
import pytest

from oasis.app.limits import Limits
from oasis.app.model_pool import ModelPool
from oasis.app.session import Session
from oasis.errors import ConfigurationError
from oasis.synthesis import LabelMap

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # within Gradio, of pandas


def test_seeds_stand_side_by_side(visitor):
    visitor.choose_example()
    visitor.tab("Vary")
    visitor.told("#vary-told", "6 photos")
    pictures = [visitor.picture("#vary-grid", number) for number in range(6)]
    assert len({picture.tobytes() for picture in pictures}) == 6
    visitor.snapshot("vary")


def test_click_on_an_instance_draws_it_anew(visitor):
    visitor.choose_example(2)
    visitor.tab("Vary")
    visitor.told("#vary-told", "6 photos")
    visitor.tab("Resample by clicking")
    visitor.told("#resample-told", "nothing yet")
    before, colors = visitor.picture("#resample-photo"), visitor.picture("#resample-map")
    rows, columns = np.nonzero((colors == (0, 0, 142)).all(2))
    middle = len(rows) // 2
    box = visitor.page.locator("#resample-map img").bounding_box()
    x, y = (columns[middle] + 0.5) / colors.shape[1], (rows[middle] + 0.5) / colors.shape[0]
    visitor.page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    visitor.told("#resample-told", r"drawn anew: car 26\d\d\d")
    difference = np.abs(visitor.picture("#resample-photo") - before).mean(2)
    row, column = int(y * len(difference)), int(x * difference.shape[1])
    assert difference.max() > 1
    assert difference[max(0, row - 3) : row + 4, max(0, column - 3) : column + 4].mean() > difference.mean()
    visitor.snapshot("resample")
    visitor.page.get_by_label("all of its class").check()
    visitor.page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.05 * box["height"])
    visitor.told("#resample-told", "all of ")
    visitor.page.click("#resample-again")
    visitor.told("#resample-told", "nothing yet")
    np.testing.assert_array_equal(visitor.picture("#resample-photo"), before)


def test_slider_goes_from_one_seed_to_the_other(visitor):
    visitor.choose_example()
    visitor.tab("Vary")
    visitor.told("#vary-told", "6 photos")
    visitor.tab("Between two seeds")
    visitor.told("#between-told", "each")
    left, between, right = (visitor.picture("#between-grid", number) for number in range(3))
    assert not np.array_equal(left, between)
    assert not np.array_equal(right, between)
    visitor.snapshot("between")
    slider = visitor.page.locator("#share input[type=range]")
    slider.focus()
    slider.press("End")
    slider.dispatch_event("pointerup")
    visitor.told("#between-grid", "100% of the way")
    np.testing.assert_array_equal(visitor.picture("#between-grid", 1), right)


def test_tab_within_shows_the_map_that_was_chosen_since(visitor):
    visitor.choose_example()
    visitor.tab("Vary")
    visitor.told("#vary-told", "6 photos")
    seeds = visitor.picture("#vary-grid")
    tabs = {"Resample by clicking": "#resample-map", "Between two seeds": "#between-grid"}
    for example, (tab, place) in enumerate(tabs.items(), 1):
        visitor.tab(tab)
        before = visitor.picture(place)
        visitor.tab("Upload")
        visitor.choose_example(example)
        visitor.tab("Vary")
        visitor.changed(place, before)
        assert not np.array_equal(visitor.picture(place), before)
    visitor.tab("Seeds side by side")
    visitor.changed("#vary-grid", seeds)
    assert not np.array_equal(visitor.picture("#vary-grid"), seeds)


def test_seeds_of_a_model_without_noise_are_not_told_apart(narrow, monkeypatch):
    gr = pytest.importorskip("gradio")
    from oasis.app.between_tab import BetweenTab
    from oasis.app.context import AppContext
    from oasis.app.inner_tab import InnerTab
    from oasis.app.seeds_tab import SeedsTab

    monkeypatch.setattr(narrow.generator, "noise_dim", 0)
    session = Session()
    session.take(LabelMap(np.ones((32, 64), np.uint8), None, narrow.label_space))
    with gr.Blocks(), gr.Tab("Vary") as outer:
        context = AppContext(ModelPool([narrow]), Limits(), [], gr.State(session), gr.Dropdown(["narrow"]))
        tabs = [build(context, InnerTab("within", outer, outer, gr.State(""))) for build in (SeedsTab, BetweenTab)]
    for tab, fields in zip(tabs, ((0, 2), (0, 1, 0.5)), strict=True):
        with pytest.raises(ConfigurationError, match="every seed gives the same picture"):
            tab.generate(session, "narrow", *fields)


def test_checkpoints_are_compared_on_one_map(visitor):
    visitor.choose_example()
    visitor.tab("Compare")
    visitor.told("#compare-told", "of . checkpoints")
    pictures = [visitor.picture("#compare-grid", i) for i in range(visitor.page.locator("#compare-grid img").count())]
    assert len({picture.tobytes() for picture in pictures}) == len(pictures) >= 2
    visitor.snapshot("compare")


def test_tabs_without_a_map_say_where_to_get_one(visitor):
    for tab, place in (("Vary", "#vary-told"), ("Compare", "#compare-told")):
        visitor.tab(tab)
        assert "click a street in the first tab" in visitor.told(place, "no map yet")
