"""One map, many photos: the tabs within the tab Vary."""

import gradio as gr

from oasis.app.between_tab import BetweenTab
from oasis.app.context import AppContext
from oasis.app.inner_tab import InnerTab
from oasis.app.resample_tab import ResampleTab
from oasis.app.seeds_tab import SeedsTab

_WITHIN = {"Seeds side by side": SeedsTab, "Resample by clicking": ResampleTab, "Between two seeds": BetweenTab}


def vary_tab(context: AppContext, tab: gr.Tab) -> None:
    """Build the tabs, within the page that is being built.

    Args:
        context: shared by all tabs.
        tab: the tab to fill.
    """
    shown = gr.State("")
    with gr.Tabs():
        for name, build in _WITHIN.items():
            with gr.Tab(name) as inner:
                build(context, InnerTab(name, inner, tab, shown))
