"""Photos of one map by several checkpoints."""

import gradio as gr

from oasis.app import markup
from oasis.app.color_map import color_map
from oasis.app.components import html
from oasis.app.context import EVENT, NO_MAP, AppContext, Updates, explained, seed_field, seed_of, telling
from oasis.app.pictures import Figure, grid, placeholder
from oasis.app.session import Session
from oasis.errors import ConfigurationError, OasisError

_MORE = "only one checkpoint is open; to compare encodings, start with several: oasis app RUN_A RUN_B"


class CompareTab:
    """Checkpoints, and so encodings, side by side.

    Built within the page that is being built.

    Args:
        context: shared by all tabs.
        tab: photos are generated when it is opened.
    """

    def __init__(self, context: AppContext, tab: gr.Tab) -> None:
        self.context = context
        names = context.pool.names
        with gr.Row(elem_classes="tight"):
            seed = seed_field(elem_id="compare-seed")
            models = gr.CheckboxGroup(names, value=names, label="Checkpoints", elem_id="compare-models", min_width=420)
            go = gr.Button(
                "Generate with all", size="md", variant="primary", elem_id="compare-go", min_width=150, scale=0
            )
        self.pictures = html(placeholder(NO_MAP), "compare-grid")
        self.told = html(elem_id="compare-told")
        inputs = [context.session, context.model, models, seed]
        settings = EVENT | {"outputs": [self.pictures, self.told], "show_progress_on": [self.pictures]}
        for listen in (go.click, seed.submit, tab.select):
            listen(telling(self.told)(self.generate), inputs, **settings)

    def generate(self, session: Session, name: str, models: list[str], number: float | None) -> Updates:
        """The current map and a photo by each checkpoint; one that cannot use it does not stop the others."""
        label_map, seed, pool = session.require_map(), seed_of(number), self.context.pool
        if not models:
            raise ConfigurationError("No checkpoint is ticked. Tick at least one.")
        figures = [Figure(color_map(label_map, pool.model(name)), "Label map", is_map=True)]
        failures = []
        for position, model in enumerate(models):
            try:
                photo = pool.generate(model, label_map, seed=seed)
            except OasisError as error:
                failures.append(f"{model}: {explained(error)}")
                continue
            caption = f"{model} · {markup.seconds(photo.seconds)}"
            figures.append(Figure(photo.image, caption, file_name=f"compare_{position}_seed{seed}.png"))
        parts = [f"{len(figures) - 1} of {len(models)} checkpoints", f"seed {seed}"]
        told = markup.status(parts + [_MORE] * (len(pool.names) == 1), failures)
        return {self.pictures: grid(figures, min(len(figures), 3)), self.told: told}
