"""Other noise under a part of a photo, chosen by clicking on it."""

import gradio as gr

from oasis.app import markup
from oasis.app.color_map import color_map
from oasis.app.components import clickable, html
from oasis.app.context import EVENT, NO_MAP, AppContext, Updates, seed_field, seed_of, sent, telling
from oasis.app.inner_tab import InnerTab
from oasis.app.pictures import Figure, placeholder
from oasis.app.session import Session
from oasis.errors import ConfigurationError
from oasis.synthesis import LabelMap, Segment


class ResampleTab:
    """Resamples the noise of a segment: another car at the same place, or another sky.

    Built within the page that is being built.

    Args:
        context: shared by all tabs.
        tab: the tab to fill.
    """

    def __init__(self, context: AppContext, tab: InnerTab) -> None:
        self.context, self.tab = context, tab
        with gr.Row(elem_classes="tight"):
            self.seed = seed_field(elem_id="resample-seed")
            self.whole_class = gr.Radio(
                [("this one", False), ("all of its class", True)],
                value=False,
                label="A click draws anew",
                elem_id="resample-what",
                min_width=320,
            )
            self.again = gr.Button("Start again", size="md", elem_id="resample-again", min_width=140, scale=0)
        with gr.Row():
            self.shown = clickable(placeholder(NO_MAP), "resample-map")
            self.photo = clickable(placeholder("The photo comes here"), "resample-photo")
        self.told = html(elem_id="resample-told")
        self._listen()

    def _listen(self) -> None:
        told, context = telling(self.told), self.context
        outputs = [context.session, self.shown, self.photo, self.told]
        settings = EVENT | {"outputs": outputs, "show_progress_on": [self.photo]}
        common = [context.session, context.model, self.seed]
        self.tab.select(told(self.generate), common, **settings)
        self.seed.submit(told(self.generate), common, **settings)
        self.again.click(told(self.start_again), common, **settings)
        for picture in (self.shown, self.photo):
            picture.click(told(self.click), [*common, self.whole_class], **settings)

    def generate(self, session: Session, name: str, number: float | None) -> Updates:
        """The photo with all that was resampled so far."""
        model, seed, label_map = self.context.pool.model(name), seed_of(number), session.require_map()
        photo = self.context.pool.generate(name, label_map, noise=session.noise(name, model, seed))
        done = ", ".join(session.resampled) or "nothing yet; click a car, or the sky, in either picture"
        parts = (f"Generated in {markup.seconds(photo.seconds)}", f"seed {seed}", f"drawn anew: {done}")
        return {
            self.context.session: session,
            self.shown: Figure(color_map(label_map, model), "Label map", is_map=True).html(),
            self.photo: Figure(photo.image, "Photo", file_name=f"photo_seed{seed}_resampled.png").html(),
            self.told: markup.status(parts),
        }

    def start_again(self, session: Session, name: str, number: float | None) -> Updates:
        """The photo of the seed alone."""
        session.start_again()
        return self.generate(session, name, number)

    def click(
        self, session: Session, name: str, number: float | None, whole_class: bool, event: gr.EventData
    ) -> Updates:
        """Resample the segment that was clicked on."""
        model = self.context.pool.model(name)
        segment = clicked_segment(event, session.require_map().resized(model.height, model.width))
        session.resample(name, model, seed_of(number), segment, whole_class)
        return self.generate(session, name, number)


def clicked_segment(event: gr.EventData, label_map: LabelMap) -> Segment:
    """The segment that was clicked on.

    Args:
        event: the click.
        label_map: at the size of the model, which decides what the picture shows.

    Raises:
        ConfigurationError: the click is not in the picture.
    """
    return label_map.segment_at(*_pixel_at(sent(event, "x"), sent(event, "y"), label_map.height, label_map.width))


def _pixel_at(x: object, y: object, height: int, width: int) -> tuple[int, int]:
    """The pixel (row, column) at a position from a browser, as shares of width and height.

    Raises:
        ConfigurationError: the position is not in the picture.
    """
    if not isinstance(x, int | float) or not isinstance(y, int | float) or not (0 <= x <= 1 and 0 <= y <= 1):
        raise ConfigurationError("That click was beside the picture. Click again.")
    return min(int(y * height), height - 1), min(int(x * width), width - 1)
