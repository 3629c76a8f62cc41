"""A label map from a file or an example, and its photo."""

from pathlib import Path

import gradio as gr
import numpy as np

from oasis.app import markup
from oasis.app.color_map import color_map
from oasis.app.components import html, strip
from oasis.app.context import EVENT, NO_UPDATES, AppContext, Updates, seed_field, seed_of, sent, telling
from oasis.app.pictures import Figure, placeholder
from oasis.app.session import Session
from oasis.app.uploads import open_upload
from oasis.data.instance_maps import INSTANCE_FORMATS
from oasis.errors import ConfigurationError
from oasis.labels import LabelSpace, built_in_names
from oasis.synthesis import MapKind

_UPLOAD = "a map: label ids, instance ids or colours"
_KINDS = (
    ("detect", ""),
    ("label ids", MapKind.LABEL_IDS.value),
    ("train ids (0 = road)", MapKind.TRAIN_IDS.value),
    ("instance ids", MapKind.INSTANCE_IDS.value),
    ("panoptic ids", MapKind.PANOPTIC_IDS.value),
    ("COCO panoptic", MapKind.COCO_PANOPTIC.value),
    ("colours", MapKind.COLORS.value),
)


class UploadTab:
    """The first tab: generates a photo from an example or an uploaded file.

    Built within the page that is being built.

    Args:
        context: shared by all tabs.
    """

    def __init__(self, context: AppContext) -> None:
        self.context = context
        first = context.pool.model()
        hint = f"Click a street above, or upload {_UPLOAD}" if context.examples else f"Upload {_UPLOAD}"
        self.examples = strip([(each.name, color_map(each.label_map, first)) for each in context.examples], "examples")
        with gr.Row(elem_classes="work"):
            with gr.Column(scale=1, min_width=230, elem_classes="side"):
                self.label = gr.File(label="Label map (PNG, TIFF, GIF, BMP)", elem_id="label-file", height=122)
                self.instance = gr.File(label="Instance map, or COCO's JSON", elem_id="instance-file", height=122)
                self.kind = gr.Dropdown(_KINDS, value="", label="The map's kind", elem_id="map-kind")
                formats = [("detect", ""), *((name.replace("_", " "), name) for name in INSTANCE_FORMATS)]
                self.format = gr.Dropdown(formats, value="", label="The instances' format", elem_id="instance-format")
                spaces = [("the model's", ""), *((name, name) for name in built_in_names())]
                self.space = gr.Dropdown(spaces, value="", label="The map's classes", elem_id="map-classes")
                with gr.Row(elem_classes="tight"):
                    self.seed = seed_field(elem_id="upload-seed")
                    self.again = gr.Button("New seed", size="md", elem_id="new-seed", min_width=110, scale=0)
            with gr.Column(scale=4, min_width=400):
                with gr.Row():
                    self.shown = html(placeholder(hint), "upload-map")
                    self.photo = html(placeholder("The photo comes here"), "upload-photo")
                self.told = html(elem_id="upload-told")
                self.legend = html(elem_id="upload-legend")
        self._listen()

    def _listen(self) -> None:
        told, context = telling(self.told), self.context
        outputs = [
            context.session,
            self.shown,
            self.photo,
            self.told,
            self.legend,
            self.label,
            self.instance,
            self.seed,
        ]
        settings = EVENT | {"outputs": outputs, "show_progress_on": [self.photo]}
        common = [context.session, context.model, self.seed]
        files = [*common, self.label, self.instance, self.kind, self.space, self.format]
        self.examples.click(told(self.choose), common, **settings)
        for file in (self.label, self.instance):
            file.upload(told(self.open_files), files, **settings)
        for choice in (self.kind, self.space, self.format):
            choice.input(told(self.open_files), files, **settings)
        self.again.click(told(self.generate_anew), common[:2], **settings)
        self.seed.submit(told(self.generate), common, **settings)

    def generate(self, session: Session, name: str, number: float | None) -> Updates:
        """The photo of the current map."""
        label_map, seed, model = session.require_map(), seed_of(number), self.context.pool.model(name)
        photo = self.context.pool.generate(name, label_map, seed=seed)
        parts = (f"Generated in {markup.seconds(photo.seconds)}", f"seed {seed}", name)
        return {
            self.context.session: session,
            self.shown: Figure(color_map(label_map, model), "Label map", is_map=True).html(),
            self.photo: Figure(photo.image, "Photo", file_name=f"photo_seed{seed}.png").html(),
            self.told: markup.status(parts, label_map.notes),
            self.legend: markup.legend(label_map),
        }

    def generate_anew(self, session: Session, name: str) -> Updates:
        """The photo of the current map from a random seed."""
        seed = int(np.random.default_rng().integers(10_000))
        return self.generate(session, name, seed) | {self.seed: seed}

    def choose(self, session: Session, name: str, number: float | None, event: gr.EventData) -> Updates:
        """The photo of an example."""
        index = sent(event, "index")
        if not isinstance(index, int) or not 0 <= index < len(self.context.examples):
            raise ConfigurationError("There is no such example. Load the page anew.")
        session.take(self.context.examples[index].label_map)
        return self.generate(session, name, number) | {self.label: None, self.instance: None}

    def open_files(
        self,
        session: Session,
        name: str,
        number: float | None,
        label: str | None,
        instance: str | None,
        kind: str,
        space: str,
        form: str,
    ) -> Updates:
        """The photo of the uploaded map."""
        if label is None and instance is None:
            return NO_UPDATES  # a kind was chosen before the file
        if label is None:
            return {self.told: markup.status(["The label map is still to come: an instance map alone is not enough."])}
        model, companion = self.context.pool.model(name), Path(instance) if instance is not None else None
        opened = open_upload(
            Path(label),
            companion,
            model.label_space,
            self.context.limits,
            kind=MapKind(kind) if kind else None,
            label_space_of_input=LabelSpace.built_in(space) if space else None,
            instance_format=INSTANCE_FORMATS[form] if form else None,
        )
        session.take(model.open(opened))
        return self.generate(session, name, number)
