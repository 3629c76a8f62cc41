"""A map in the style of a photo, and its segments in styles of their own, chosen by clicking on them."""

from pathlib import Path

import gradio as gr
import numpy as np
from PIL import Image

from oasis.app import markup
from oasis.app.color_map import color_map
from oasis.app.components import clickable, html
from oasis.app.context import EVENT, NO_MAP, AppContext, Updates, seed_field, seed_of, telling
from oasis.app.pictures import Figure, placeholder
from oasis.app.resample_tab import clicked_segment
from oasis.app.session import Session
from oasis.app.uploads import open_photo_upload
from oasis.errors import ConfigurationError
from oasis.models.feature_clusters import MOST_CLUSTERS
from oasis.synthesis import LabelMap, Segment
from oasis.synthesis.segment_styles import Part
from oasis.synthesis.style import Photo, require_segment_styles


class StyleTab:
    """Styles of photos and of clusters.

    Built within the page that is being built.

    Args:
        context: shared by all tabs.
        tab: the tab to fill.
    """

    def __init__(self, context: AppContext, tab: gr.Tab) -> None:
        self.context, self.tab = context, tab
        with gr.Row(elem_classes="tight"):
            self.file = gr.File(label="Photo, whose style the map gets", elem_id="style-file", height=122)
            self.seed = seed_field("Seed of the rest", elem_id="style-seed")
            self.of_photo = gr.Radio(
                [("this cluster", False), ("the photo, of such an object", True)],
                value=False,
                label="A click on a segment gives it",
                elem_id="style-what",
                min_width=320,
            )
            self.cluster = gr.Slider(0, MOST_CLUSTERS - 1, 0, step=1, label="Cluster", elem_id="style-cluster")
            self.again = gr.Button("Start again", size="md", elem_id="style-again", min_width=140, scale=0)
        with gr.Row():
            self.shown = clickable(placeholder(NO_MAP), "style-map")
            self.photo = clickable(placeholder("The photo comes here"), "style-photo")
        self.told = html(elem_id="style-told")
        self._listen()

    def _listen(self) -> None:
        told, context = telling(self.told), self.context
        outputs = [context.session, self.shown, self.photo, self.told, self.file]
        settings = EVENT | {"outputs": outputs, "show_progress_on": [self.photo]}
        common = [context.session, context.model, self.seed]
        self.tab.select(told(self.generate), common, **settings)
        self.seed.submit(told(self.generate), common, **settings)
        self.file.upload(told(self.take_photo), [*common, self.file], **settings)
        self.again.click(told(self.start_again), common, **settings)
        for picture in (self.shown, self.photo):
            picture.click(told(self.click), [*common, self.of_photo, self.cluster], **settings)

    def generate(self, session: Session, name: str, number: float | None) -> Updates:
        """The photo in the styles that were chosen so far."""
        return self._styled(session, name, number, session.photo, session.styles)

    def _styled(
        self,
        session: Session,
        name: str,
        number: float | None,
        whole: Image.Image | None,
        styles: dict[Part, Photo | int],
    ) -> Updates:
        """The photo in these styles, which are kept if there can be one."""
        model, seed, label_map = self.context.pool.model(name), seed_of(number), session.require_map()
        photo = self.context.pool.generate(name, label_map, seed=seed, style=styles or whole)
        session.photo, session.styles = whole, styles
        parts = (f"Generated in {markup.seconds(photo.seconds)}", f"seed {seed}", f"style: {_described(whole, styles)}")
        return {
            self.context.session: session,
            self.shown: Figure(color_map(label_map, model), "Label map", is_map=True).html(),
            self.photo: Figure(photo.image, "Photo", file_name=f"photo_seed{seed}_styled.png").html(),
            self.told: markup.status(parts),
        }

    def take_photo(self, session: Session, name: str, number: float | None, file: str | None) -> Updates:
        """The map in the style of an uploaded photo."""
        if file is None:
            return self.generate(session, name, number)
        photo = open_photo_upload(Path(file), self.context.limits)
        return self._styled(session, name, number, photo, {}) | {self.file: None}

    def start_again(self, session: Session, name: str, number: float | None) -> Updates:
        """The photo of the seed alone."""
        session.forget_styles()
        return self.generate(session, name, number)

    def click(
        self,
        session: Session,
        name: str,
        number: float | None,
        of_photo: bool,
        cluster: float,
        event: gr.EventData,
    ) -> Updates:
        """Give the segment that was clicked on a style."""
        model = self.context.pool.model(name)
        label_map = model.open(session.require_map()).resized(model.height, model.width)
        part = _part(clicked_segment(event, label_map), label_map)
        require_segment_styles(model.generator, model.name, part)
        style = session.photo if of_photo else int(cluster)
        if style is None:
            raise ConfigurationError("There is no photo yet: upload one, such as a car, cut out roughly.")
        if isinstance(style, int):
            model.clusters.require(style)
        return self._styled(session, name, number, session.photo, {**session.styles, part: style})


def _part(segment: Segment, label_map: LabelMap) -> Part:
    """The part of a map that gets a style of its own.

    Raises:
        ConfigurationError: the segment has no instance, and others of its class have: it has no name of its own.
    """
    if segment.instance_id is not None:
        return segment.instance_id
    name = segment.name
    if not np.array_equal(segment.mask, label_map.class_mask(name)):
        raise ConfigurationError(
            f"{label_map.source}: what you clicked is {name} without an instance of its own, which could only get the "
            f"style of every {name} of the map. Click a single {name} instead."
        )
    return name


def _described(whole: Image.Image | None, styles: dict[Part, Photo | int]) -> str:
    """Styles as text."""
    if not styles:
        return "drawn by the seed" if whole is None else "that of the photo"
    return ", ".join(
        f"{part}: {f'cluster {style}' if isinstance(style, int) else 'the photo'}" for part, style in styles.items()
    )
