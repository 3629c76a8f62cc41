"""One map, many photos: the tabs within the tab Vary."""

import gradio as gr

from oasis.app.between_tab import BetweenTab
from oasis.app.desk import Desk
from oasis.app.resample_tab import ResampleTab
from oasis.app.seeds_tab import SeedsTab


def vary_tab(desk: Desk, tab: gr.Tab) -> None:
    """Build the tabs, within the page that is being built.

    Args:
        desk: what all tabs work with.
        tab: that is filled.
    """
    with gr.Tabs():
        with gr.Tab("Seeds side by side"):
            SeedsTab(desk, tab)
        with gr.Tab("Resample by clicking") as inner:
            ResampleTab(desk, inner)
        with gr.Tab("Between two seeds") as inner:
            BetweenTab(desk, inner)
