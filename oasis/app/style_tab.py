"""A map in the style of a photo, and its segments in styles of their own, chosen by clicking on them."""

from pathlib import Path

import gradio as gr

from oasis.app import markup
from oasis.app.color_map import color_map
from oasis.app.components import clickable, html
from oasis.app.context import EVENT, NO_MAP, AppContext, Updates, seed_field, seed_of, sent, telling
from oasis.app.pictures import Figure, placeholder
from oasis.app.resample_tab import pixel_at
from oasis.app.session import Session
from oasis.app.uploads import open_photo_upload
from oasis.errors import ConfigurationError
from oasis.models.feature_clusters import MOST_CLUSTERS
from oasis.synthesis.style import require_segment_styles


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
        model, seed, label_map = self.context.pool.model(name), seed_of(number), session.require_map()
        photo = self.context.pool.generate(name, label_map, seed=seed, style=session.styles or session.photo)
        if session.styles:
            what = ", ".join(
                f"{part}: {f'cluster {style}' if isinstance(style, int) else 'the photo'}"
                for part, style in session.styles.items()
            )
        else:
            what = "that of the photo" if session.photo is not None else "drawn by the seed"
        parts = (f"Generated in {markup.seconds(photo.seconds)}", f"seed {seed}", f"style: {what}")
        return {
            self.context.session: session,
            self.shown: Figure(color_map(label_map, model), "Label map", is_map=True).html(),
            self.photo: Figure(photo.image, "Photo", file_name=f"photo_seed{seed}_styled.png").html(),
            self.told: markup.status(parts),
        }

    def take_photo(self, session: Session, name: str, number: float | None, file: str | None) -> Updates:
        """The map in the style of an uploaded photo."""
        if file is not None:
            session.take_photo(open_photo_upload(Path(file), self.context.limits))
        return self.generate(session, name, number) | {self.file: None}

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
        label_map, model = session.require_map(), self.context.pool.model(name)
        row, column = pixel_at(sent(event, "x"), sent(event, "y"), label_map.height, label_map.width)
        segment = label_map.segment_at(row, column)
        part = segment.name if segment.instance_id is None else segment.instance_id
        require_segment_styles(model.generator, model.name, part)
        if of_photo and session.photo is None:
            raise ConfigurationError("There is no photo yet: upload one, such as a car, cut out roughly.")
        if not of_photo:
            model.clusters.require(int(cluster))
        session.styles[part] = session.photo if of_photo and session.photo is not None else int(cluster)
        return self.generate(session, name, number)
