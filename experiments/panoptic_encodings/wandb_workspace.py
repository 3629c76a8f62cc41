"""The panels of the study as a W&B workspace: curves as means over seeds, samples, costs.

pip install 'panoptic-oasis[workspace]'
python -m experiments.panoptic_encodings.wandb_workspace ENTITY [PROJECT]
"""

import sys

import wandb_workspaces.reports.v2 as panels
import wandb_workspaces.workspaces as ws

from oasis.metrics import describe
from oasis.training.loggers.wandb_logging import STEP

NAME = "Panoptic encodings"
SCORES = (
    "segmenter/pq_things",
    "segmenter/touching_recall",
    "instances/color",
    "segmenter/pq",
    "segmenter/miou",
    "segmenter/frechet",
    "segmenter/kernel",
)
REFERENCES = ("real_photos", "untrained")
LOSSES = {
    "Generator": ("generator/adversarial", "generator/center", "generator/offset"),
    "Discriminator": ("discriminator/real", "discriminator/fake", "discriminator/label_mix"),
    "Validation": ("val/generator_adversarial", "val/discriminator_real", "val/discriminator_fake"),
}
COSTS = ("speed/images_per_second",)
PICTURES = ("samples/generated", "samples/photo", "samples/grid")


def workspace(entity: str, project: str) -> ws.Workspace:
    """The workspace; nothing is sent before its `save_as_new_view`.

    Args:
        entity: W&B's user or team.
        project: the W&B project the runs are in.
    """
    sections = [
        ws.Section("Scores", [_curves(_title(name), (name,)) for name in SCORES], is_open=True),
        ws.Section("Samples", [panels.MediaBrowser(title=name, media_keys=[name]) for name in PICTURES], is_open=True),
        ws.Section("Last scores", [_bars(name) for name in SCORES]),
        ws.Section("Losses", [_curves(title, names) for title, names in LOSSES.items()]),
        ws.Section("Costs", [_curves("Images a second", COSTS)]),
    ]
    return ws.Workspace(
        entity=entity,
        project=project,
        name=NAME,
        sections=sections,
        settings=ws.WorkspaceSettings(x_axis=STEP, max_runs=100),
        runset_settings=ws.RunsetSettings(groupby=[ws.Metric("JobType")]),
    )


def _title(name: str) -> str:
    """Without the unit: W&B shows the values as they were logged."""
    known = describe(name)
    return f"{known.title} {known.arrow}"


def _curves(title: str, names: tuple[str, ...]) -> panels.LinePlot:
    return panels.LinePlot(
        title=title, x=STEP, y=list(names), groupby_aggfunc="mean", groupby_rangefunc="stddev", max_runs_to_show=100
    )


def _bars(name: str) -> panels.BarPlot:
    """The last score beside the real-photo reference and the untrained baseline."""
    shown = [f"{name}.last", *(f"{reference}/{name}" for reference in REFERENCES)]
    metrics = [panels.SummaryMetric(metric) for metric in shown]
    return panels.BarPlot(title=_title(name), metrics=metrics, max_bars_to_show=100)


if __name__ == "__main__":
    workspace(sys.argv[1], *(sys.argv[2:] or ["panoptic-oasis"])).save_as_new_view()
