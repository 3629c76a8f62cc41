"""The workspace of the study builds without a network, and shows nothing that nobody logs."""

import pytest
from segmenting import untrained_segmenter
from wandb_files import contents, files_of, isolate

pytest.importorskip("wandb_workspaces")
import wandb_workspaces.reports.v2 as panels

from experiments.panoptic_encodings.wandb_workspace import workspace


@pytest.mark.filterwarnings("ignore:.*generated and.*real images", "ignore:.*fewer than the")
def test_all_of_its_panels_show_what_is_logged(fit, ids, monkeypatch, tmp_path):
    isolate(monkeypatch, tmp_path)
    segmenter = untrained_segmenter(ids, monkeypatch, tmp_path)
    built = workspace("nobody", "panoptic-oasis")
    curves, scores, media = set(), set(), set()
    for panel in (panel for section in built.sections for panel in section.panels):
        if isinstance(panel, panels.LinePlot):
            curves |= {str(name) for name in panel.y}
            assert panel.x == built.settings.x_axis
        elif isinstance(panel, panels.BarPlot):
            scores |= {metric.name for metric in panel.metrics}
        else:
            media |= set(panel.media_keys)
    (file,) = files_of(fit("run", "logger=wandb", "discriminator=panoptic", "trainer.max_epochs=1", *segmenter))
    found = contents(file)
    logged = {name for row in found.rows for name in row}
    assert {"segmenter/pq_things", "discriminator/label_mix", "generator/center"} <= curves <= logged
    assert media <= logged
    assert built.settings.x_axis in logged
    summaries = {f"{name}.{kind}" for name, value in found.summary.items() if isinstance(value, dict) for kind in value}
    assert {"segmenter/pq_things.last", "real_photos/segmenter/pq_things"} <= scores
    assert scores <= summaries | {name for name, value in found.summary.items() if not isinstance(value, dict)}
    assert [by.name for by in built.runset_settings.groupby] == ["JobType"]
    assert found.run.job_type == "semantic/panoptic"
