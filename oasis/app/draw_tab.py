"""Drawing a label map, with its photo beside it."""

import gradio as gr

from oasis.app import markup
from oasis.app.color_map import color_map
from oasis.app.components import canvas, html, on_canvas, strip
from oasis.app.context import EVENT, AppContext, Updates, explained, seed_field, seed_of, sent, telling
from oasis.app.drawing import Stroke
from oasis.app.empty_street import empty_start
from oasis.app.pictures import Figure, placeholder
from oasis.app.session import Session
from oasis.errors import ConfigurationError, OasisError


class DrawTab:
    """Brushes, a canvas, and the photo of what was drawn.

    Built within the page that is being built.

    Args:
        context: shared by all tabs.
        tab: the tab to fill.
    """

    def __init__(self, context: AppContext, tab: gr.Tab) -> None:
        self.context, self.tab, self.first = context, tab, context.pool.model()
        self.starts = [empty_start(self.first), *context.examples]
        self.beginnings = strip([(each.name, color_map(each.label_map, self.first)) for each in self.starts], "starts")
        with gr.Row(elem_classes="work"):
            with gr.Column(scale=1, min_width=420):
                self.canvas = canvas(markup.brushes(self.first.label_space))
                with gr.Row(elem_classes="tight"):
                    self.seed = seed_field(elem_id="draw-seed")
                    self.live = gr.Checkbox(True, label="photo after each stroke", elem_id="live", min_width=200)
                    self.undo = gr.Button("Undo", size="md", elem_id="undo", min_width=80, scale=0)
                    self.render = gr.Button(
                        "Generate photo", size="md", variant="primary", elem_id="render", min_width=120, scale=0
                    )
            with gr.Column(scale=1, min_width=420):
                self.photo = html(placeholder("The photo comes here"), "draw-photo")
                self.told = html(elem_id="draw-told")
                self.legend = html(elem_id="draw-legend")
        self._listen()

    def _listen(self) -> None:
        told, context = telling(self.told), self.context
        outputs = [context.session, self.canvas, self.photo, self.told, self.legend]
        settings = EVENT | {"outputs": outputs, "show_progress_on": [self.photo]}
        common = [context.session, context.model, self.seed]
        self.beginnings.click(told(self.begin), common, **settings)
        self.tab.select(told(self.enter), common, **settings)
        self.canvas.submit(told(self.stroke), [*common, self.live], **settings)
        self.undo.click(told(self.take_back), [*common, self.live], **settings)
        self.render.click(told(self.generate), common, **settings)
        self.seed.submit(told(self.generate), common, **settings)

    def show(self, session: Session, name: str) -> Updates:
        """The current map on the canvas."""
        label_map = session.require_map()
        colors = color_map(label_map, self.context.pool.model(name))
        return {self.context.session: session, self.canvas: on_canvas(colors), self.legend: markup.legend(label_map)}

    def generate(self, session: Session, name: str, number: float | None) -> Updates:
        """The current map, and its photo or why there is none."""
        shown = self.show(session, name)
        try:
            seed = seed_of(number)
            photo = self.context.pool.generate(name, session.require_map(), seed=seed)
        except OasisError as error:
            return shown | {self.told: markup.problem(explained(error))}
        count = f"{session.strokes} stroke{'' if session.strokes == 1 else 's'}"
        parts = (f"Generated in {markup.seconds(photo.seconds)}", f"seed {seed}", count, name)
        return shown | {
            self.photo: Figure(photo.image, "Photo", file_name=f"drawn_seed{seed}.png").html(),
            self.told: markup.status(parts),
        }

    def begin(self, session: Session, name: str, number: float | None, event: gr.EventData) -> Updates:
        """Start from the empty map or an example."""
        index = sent(event, "index")
        if not isinstance(index, int) or not 0 <= index < len(self.starts):
            raise ConfigurationError("There is no such start. Load the page anew.")
        session.take(self.starts[index].label_map)
        return self.generate(session, name, number)

    def enter(self, session: Session, name: str, number: float | None) -> Updates:
        """Continue with the map of the other tabs, or start from the empty one."""
        if session.label_map is None:
            session.take(self.starts[0].label_map)
        return self.generate(session, name, number)

    def stroke(self, session: Session, name: str, number: float | None, live: bool, event: gr.EventData) -> Updates:
        """Draw a stroke into the map."""
        try:
            session.draw(Stroke.from_message(sent(event, "stroke")), self.first, self.context.limits.undo)
        except ConfigurationError as error:  # the canvas shows a preview of the refused stroke: clear it
            return self.show(session, name) | {self.told: markup.problem(str(error))}
        return self.generate(session, name, number) if live else self.show(session, name)

    def take_back(self, session: Session, name: str, number: float | None, live: bool) -> Updates:
        """Undo the last stroke."""
        if not session.undo():
            return {self.told: markup.status(["There is no stroke to take back."])}
        return self.generate(session, name, number) if live else self.show(session, name)
