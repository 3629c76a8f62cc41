"""One map, many photos: the tabs within the tab Vary."""

import gradio as gr

from oasis.app.between_tab import BetweenTab
from oasis.app.context import AppContext
from oasis.app.resample_tab import ResampleTab
from oasis.app.seeds_tab import SeedsTab


def vary_tab(context: AppContext, tab: gr.Tab) -> None:
    """Build the tabs, within the page that is being built.

    Args:
        context: shared by all tabs.
        tab: the tab to fill.
    """
    with gr.Tabs():
        with gr.Tab("Seeds side by side"):
            SeedsTab(context, tab)
        with gr.Tab("Resample by clicking") as inner:
            ResampleTab(context, inner)
        with gr.Tab("Between two seeds") as inner:
            BetweenTab(context, inner)
