"""Photos of one map from several seeds."""

import gradio as gr

from oasis.app import markup
from oasis.app.components import html
from oasis.app.context import EVENT, NO_MAP, AppContext, Updates, seed_field, seed_of, telling
from oasis.app.inner_tab import InnerTab
from oasis.app.pictures import Figure, grid, placeholder
from oasis.app.session import Session
from oasis.synthesis.variety import require_random

_MOST = 12


class SeedsTab:
    """Seeds side by side.

    Built within the page that is being built.

    Args:
        context: shared by all tabs.
        tab: photos are generated when it is opened.
    """

    def __init__(self, context: AppContext, tab: InnerTab) -> None:
        self.context = context
        with gr.Row(elem_classes="tight"):
            seed = seed_field("First seed", elem_id="vary-seed")
            count = gr.Slider(2, _MOST, 6, step=1, label="How many", elem_id="vary-count", min_width=200)
            go = gr.Button("Generate", size="md", variant="primary", elem_id="vary-go", min_width=140, scale=0)
        self.pictures = html(placeholder(NO_MAP), "vary-grid")
        self.told = html(elem_id="vary-told")
        inputs = [context.session, context.model, seed, count]
        settings = EVENT | {"outputs": [self.pictures, self.told], "show_progress_on": [self.pictures]}
        for listen in (go.click, seed.submit, count.release, tab.select):
            listen(telling(self.told)(self.generate), inputs, **settings)

    def generate(self, session: Session, name: str, number: float | None, count: float) -> Updates:
        """Photos of the current map."""
        first, label_map = seed_of(number), session.require_map()
        require_random(self.context.pool.model(name))
        seeds = range(first, first + min(max(int(count), 1), _MOST))
        photos = [self.context.pool.generate(name, label_map, seed=seed) for seed in seeds]
        figures = [
            Figure(photo.image, f"seed {seed}", file_name=f"photo_seed{seed}.png")
            for seed, photo in zip(seeds, photos, strict=True)
        ]
        each = markup.seconds(sum(photo.seconds for photo in photos) / len(photos))
        told = markup.status([f"{len(figures)} photos", f"{each} each", name])
        return {self.pictures: grid(figures, 3), self.told: told}
