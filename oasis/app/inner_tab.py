"""A tab within another one."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from oasis.app.context import EVENT, NO_UPDATES, Updates


class InnerTab:
    """A tab within another tab. It is opened when it is chosen, and when the outer tab is chosen while it is shown.

    Gradio sends an inner tab no event in the second case, in which the map may be another than before.

    Args:
        name: differs from those of its neighbours.
        tab: itself.
        outer: the tab around it.
        shown: the name of the tab that `outer` shows, a component that it shares with its neighbours.
    """

    def __init__(self, name: str, tab: gr.Tab, outer: gr.Tab, shown: gr.State) -> None:
        self.name, self.tab, self.outer, self.shown = name, tab, outer, shown
        tab.select(lambda: name, None, shown, **EVENT)

    def select(self, answer: Callable[..., Updates], inputs: Sequence[Any], **settings: Any) -> None:
        """Call an event handler when the tab is opened; arguments as those of Gradio's own `select`."""

        def again(shown: str, *arguments: Any) -> Updates:
            return answer(*arguments) if shown == self.name else NO_UPDATES

        self.tab.select(answer, inputs, **settings)
        self.outer.select(again, [self.shown, *inputs], **settings)
