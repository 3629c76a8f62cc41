"""Page components that Gradio does not provide."""

import itertools
from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from oasis.app.drawing import MOST_POINTS
from oasis.app.markup import Brush
from oasis.app.pictures import data_url

_HERE = Path(__file__).parent
_versions = itertools.count()
_SEND_PLACE = """
element.addEventListener("click", (event) => {
  const picture = event.target.closest("img");
  if (!picture) return;
  const box = picture.getBoundingClientRect();
  trigger("click", { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height });
});
"""
_SEND_INDEX = """
element.addEventListener("click", (event) => {
  const chosen = event.target.closest("button");
  if (chosen) trigger("click", { index: Number(chosen.dataset.index) });
});
"""
_STRIP = """<div class="strip" role="group">${value.map((each, index) =>
  `<button type="button" data-index="${index}" title="${each.name}"><img class="map" src="${each.picture}"
  alt="${each.name}" draggable="false"><span>${each.name}</span></button>`).join("")}</div>"""


def html(value: str = "", elem_id: str | None = None) -> gr.HTML:
    """A component that shows HTML."""
    return gr.HTML(value, apply_default_css=False, padding=False, elem_id=elem_id, js_on_load=None)


def clickable(value: str, elem_id: str) -> gr.HTML:
    """A figure that sends a `click` event with the position in the picture: x and y in 0..1."""
    return gr.HTML(value, apply_default_css=False, padding=False, elem_id=elem_id, js_on_load=_SEND_PLACE)


def strip(choices: Sequence[tuple[str, Image.Image]], elem_id: str) -> gr.HTML:
    """A row of thumbnails; a click on one sends a `click` event with its index."""
    pictures = [{"name": escape(name), "picture": data_url(picture)} for name, picture in choices]
    return gr.HTML(
        pictures,
        html_template=_STRIP,
        js_on_load=_SEND_INDEX,
        apply_default_css=False,
        padding=False,
        elem_id=elem_id,
    )


def canvas(brushes: Sequence[Brush]) -> gr.HTML:
    """A canvas with a brush for each class, which sends a `submit` event with a stroke; see `Stroke.from_message`.

    Gradio's own editor sends pixels with antialiased edges, from which classes cannot be read exactly. This one sends
    strokes.
    """
    return gr.HTML(
        {},
        html_template=(_HERE / "canvas.html").read_text(),
        js_on_load=(_HERE / "canvas.js").read_text(),
        apply_default_css=False,
        padding=False,
        elem_id="canvas",
        brushes=[asdict(brush) for brush in brushes],
        most_points=MOST_POINTS,
    )


def on_canvas(picture: Image.Image) -> dict[str, Any]:
    """A picture for the canvas; different each time, so that the preview of a refused stroke is cleared."""
    return {"picture": data_url(picture), "version": next(_versions)}
