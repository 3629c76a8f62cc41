"""Photos between those of two seeds."""

import gradio as gr

from oasis.app import markup
from oasis.app.components import html
from oasis.app.context import EVENT, NO_MAP, AppContext, Updates, seed_field, seed_of, telling
from oasis.app.inner_tab import InnerTab
from oasis.app.pictures import Figure, grid, placeholder
from oasis.app.session import Session
from oasis.synthesis.variety import require_random


class BetweenTab:
    """A slider from one seed to another.

    Built within the page that is being built.

    Args:
        context: shared by all tabs.
        tab: the tab to fill.
    """

    def __init__(self, context: AppContext, tab: InnerTab) -> None:
        self.context = context
        with gr.Row(elem_classes="tight"):
            left, right = seed_field("From seed", 0, "from-seed"), seed_field("To seed", 1, "to-seed")
            share = gr.Slider(0, 1, 0.5, step=0.05, label="Share of the second", elem_id="share", min_width=300)
        self.pictures = html(placeholder(NO_MAP), "between-grid")
        self.told = html(elem_id="between-told")
        inputs = [context.session, context.model, left, right, share]
        settings = EVENT | {"outputs": [self.pictures, self.told], "show_progress_on": [self.pictures]}
        for listen in (share.release, left.submit, right.submit, tab.select):
            listen(telling(self.told)(self.generate), inputs, **settings)

    def generate(self, session: Session, name: str, first: float | None, second: float | None, share: float) -> Updates:
        """The photos of both seeds, and the one in between."""
        label_map, model = session.require_map(), self.context.pool.model(name)
        require_random(model)
        seeds = seed_of(first), seed_of(second)
        left, right = (model.noise(seed) for seed in seeds)
        noises = (left, left.mixed(right, share), right)
        photos = [self.context.pool.generate(name, label_map, noise=noise) for noise in noises]
        captions = (f"seed {seeds[0]}", f"{share:.0%} of the way", f"seed {seeds[1]}")
        names = (f"photo_seed{seeds[0]}.png", f"photo_between_{share:.2f}.png", f"photo_seed{seeds[1]}.png")
        figures = [Figure(p.image, c, file_name=f) for p, c, f in zip(photos, captions, names, strict=True)]
        each = markup.seconds(sum(photo.seconds for photo in photos) / len(photos))
        return {self.pictures: grid(figures, 3), self.told: markup.status([f"{each} each", name])}
