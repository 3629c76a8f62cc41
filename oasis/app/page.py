"""The page: its heading and its tabs."""

import gradio as gr

from oasis.app import markup
from oasis.app.compare_tab import CompareTab
from oasis.app.components import html
from oasis.app.context import AppContext
from oasis.app.draw_tab import DrawTab
from oasis.app.limits import Limits
from oasis.app.model_pool import ModelPool
from oasis.app.session import Session
from oasis.app.style_tab import StyleTab
from oasis.app.upload_tab import UploadTab
from oasis.app.vary_tab import vary_tab
from oasis.synthesis.examples import draw_examples

TITLE = "Panoptic OASIS"


def build_page(pool: ModelPool, limits: Limits) -> gr.Blocks:
    """The complete page; theme and CSS come with `launch`."""
    first = pool.model()
    sweep = max(1, limits.kept_seconds // 2)
    page = gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(sweep, limits.kept_seconds))
    with page:
        with gr.Row(elem_classes="head"):
            html(markup.head(TITLE, "label maps in, photos out"))
            model = gr.Dropdown(
                pool.names,
                value=pool.names[0],
                label="Checkpoint",
                show_label=False,
                elem_id="model",
                interactive=len(pool.names) > 1,
                min_width=260,
                scale=0,
            )
        session = gr.State(Session(), time_to_live=limits.kept_seconds)
        context = AppContext(pool, limits, draw_examples(first), session, model)
        with gr.Tabs():
            with gr.Tab("Upload"):
                UploadTab(context)
            with gr.Tab("Draw", elem_id="tab-draw") as draw:
                DrawTab(context, draw)
            with gr.Tab("Vary") as vary:
                vary_tab(context, vary)
            if pool.encodes_style:
                with gr.Tab("Style") as style:
                    StyleTab(context, style)
            with gr.Tab("Compare") as compare:
                CompareTab(context, compare)
        page.queue(max_size=limits.waiting, default_concurrency_limit=1)
    return page
