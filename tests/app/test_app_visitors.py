"""Several visitors, the dark theme, and a full queue."""

import re
import threading

import pytest

from oasis.app.limits import Limits
from oasis.app.server import serving

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # within Gradio, of pandas


def test_dark_page_is_legible(browser, visit, address):
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="dark")
    visitor = visit(context.new_page(), f"{address}?__theme=dark")
    visitor.tab("Draw")
    visitor.told("#draw-told", "0 strokes")
    for place in ("header h1", "header p", "#draw-told .status", "#canvas .chip", "#canvas .tools"):
        assert contrast(visitor.page, place) > 4.5, place
    visitor.snapshot("dark")
    context.close()


def contrast(page, place: str) -> float:
    """Of a text and what is behind it, as WCAG 2 computes it."""
    colors = page.eval_on_selector(
        place,
        """element => {
            const seen = [getComputedStyle(element).color];
            for (let e = element; e; e = e.parentElement) {
                const color = getComputedStyle(e).backgroundColor;
                if (!color.endsWith(", 0)")) { seen.push(color); break; }
            }
            return seen;
        }""",
    )
    luminances = []
    for color in colors:
        channels = [int(value) / 255 for value in re.findall(r"[\d.]+", color)[:3]]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        luminances.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return (max(luminances) + 0.05) / (min(luminances) + 0.05)


def test_five_visitors_at_once_are_all_served(browser, visit, address):
    contexts = [browser.new_context() for _ in range(5)]
    visitors = [visit(context.new_page(), address) for context in contexts]
    for number, visitor in enumerate(visitors):  # all click without waiting for the photos of others
        visitor.page.locator("#examples button").nth(number).click()
    for visitor in visitors:
        visitor.told("#upload-told", "Generated in")
    photos = {visitor.picture("#upload-photo").tobytes() for visitor in visitors}
    assert len(photos) == 5  # each their own
    for context in contexts:
        context.close()


@pytest.mark.usefixtures("tiny_models")
def test_spinner_turns_while_it_generates(visitor, pool, monkeypatch):
    done, model = threading.Event(), pool.model("plain")
    synthesize = model.synthesize
    monkeypatch.setattr(model, "synthesize", lambda *args, **settings: done.wait(10) and synthesize(*args, **settings))
    visitor.page.locator("#examples button").first.click()
    visitor.page.locator("#upload-photo [data-testid=status-tracker]:visible").wait_for()
    done.set()
    visitor.told("#upload-told", "Generated in")
    assert visitor.page.locator("#upload-photo .progress-text:visible").count() == 0


@pytest.mark.usefixtures("tiny_models")
def test_who_comes_when_the_queue_is_full_is_told(browser, visit, pool, monkeypatch):
    done, model = threading.Event(), pool.model("plain")
    synthesize = model.synthesize
    monkeypatch.setattr(model, "synthesize", lambda *args, **settings: done.wait(10) and synthesize(*args, **settings))
    with serving(pool, Limits(waiting=1)) as url:
        contexts = [browser.new_context() for _ in range(3)]
        visitors = [visit(context.new_page(), url) for context in contexts]
        for visitor in visitors:  # one is served, one waits, and one is too many
            visitor.page.locator("#examples button").first.click()
            visitor.page.wait_for_timeout(400)
        visitors[2].page.get_by_text(re.compile("queue is full|busy", re.I)).first.wait_for()
        done.set()
        for visitor in visitors[:2]:
            visitor.told("#upload-told", "Generated in")
        assert visitors[2].choose_example().std() > 5
        for context in contexts:
            context.close()
