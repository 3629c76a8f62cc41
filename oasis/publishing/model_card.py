"""The model card of a repository: README.md, sample pictures, and the configuration."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from oasis.errors import CheckpointError
from oasis.files import write_json
from oasis.metrics import describe
from oasis.report import Table, cells
from oasis.report.markdown import escaped, table_as_markdown
from oasis.report.numbers import NOT_AVAILABLE
from oasis.run_names import CHECKPOINTS
from oasis.synthesis import Synthesizer
from oasis.synthesis.contact_sheet import ContactSheet
from oasis.synthesis.examples import draw_examples
from oasis.training.callbacks.metrics import REAL, UNTRAINED
from oasis.training.callbacks.run_summary import read_summary
from oasis.training.runs.run_folder import CONFIG as RUN_CONFIG

CARD, CONFIG, SAMPLES = "README.md", "config.json", "samples.png"
_SETTINGS = ("name", "label_space", "encoding", "generator")
_STREETS, _SEEDS = 4, (0, 1, 2)
_HEADER = """---
library_name: panoptic-oasis
pipeline_tag: image-to-image
tags:
- semantic-image-synthesis
- label-to-image
- panoptic
- gan
---
"""


def write_card(folder: Path, synthesizer: Synthesizer, repository: str) -> None:
    """Write the model card, sample pictures, and the configuration of the networks into a folder.

    Samples are of synthetic streets, if the model knows their classes; else of the newest picture in the run's folder,
    if there is one. Scores are those of the run's summary. A checkpoint that lies elsewhere has neither.

    Args:
        folder: exists.
        synthesizer: of the checkpoint.
        repository: `OWNER/NAME`.
    """
    config = synthesizer.restored.config
    write_json(folder / CONFIG, {name: config[name] for name in _SETTINGS if name in config})
    run = None if synthesizer.checkpoint is None else _run_of(synthesizer.checkpoint.absolute())
    has_samples = _write_samples(folder / SAMPLES, synthesizer, run)
    lines = _lines(synthesizer, repository, has_samples, _scores(run))
    (folder / CARD).write_text(_HEADER + "\n".join(lines) + "\n", encoding="utf-8")


def _run_of(checkpoint: Path) -> Path | None:
    """The folder of the run that wrote a checkpoint; None if the file does not lie as a run writes it."""
    run = checkpoint.parent.parent
    return run if checkpoint.parent.name == CHECKPOINTS and (run / RUN_CONFIG).is_file() else None


def _write_samples(path: Path, synthesizer: Synthesizer, run: Path | None) -> bool:
    examples = draw_examples(synthesizer)[:_STREETS]
    if examples:
        sheet = ContactSheet(f"{synthesizer.name}, {synthesizer.height}x{synthesizer.width}")
        for each in examples:
            pictures = [(f"seed {seed}", synthesizer.synthesize(each.label_map, seed=seed)) for seed in _SEEDS]
            sheet.add(each.name, synthesizer.colors(each.label_map), pictures)
        sheet.draw().save(path)
        return True
    newest = sorted((run / "samples").glob("*.png"))[-1:] if run is not None else []
    for picture in newest:
        path.write_bytes(picture.read_bytes())
    return bool(newest)


def _scores(run: Path | None) -> dict[str, dict[str, Any]]:
    """The scores of the run's last validation, and their references; empty if it has none."""
    try:
        summary = None if run is None else read_summary(run)
    except CheckpointError:
        summary = None
    return {name: (summary or {}).get(name) or {} for name in ("metrics", REAL, UNTRAINED)}


def _lines(
    synthesizer: Synthesizer, repository: str, has_samples: bool, scores: dict[str, dict[str, Any]]
) -> Iterator[str]:
    restored, space = synthesizer.restored, synthesizer.label_space
    yield from (f"# {escaped(repository.partition('/')[2])}", "", "Photos from label maps, by Panoptic OASIS.", "")
    if has_samples:
        yield from (f"![Label maps, and what is generated from them]({SAMPLES})", "")
    yield from ("```bash", "pip install 'panoptic-oasis[hub]'")
    yield from (f"oasis generate hf://{repository} LABELMAP --output photos", "```", "")
    yield from ("```python", "from oasis import Synthesizer", "")
    yield f'synthesizer = Synthesizer.from_checkpoint("hf://{repository}")'
    yield from ('synthesizer.synthesize("street_labelIds.png", seed=0).save("photo.png")', "```", "")
    parameters = sum(each.numel() for each in synthesizer.generator.parameters())
    facts = {
        "Pictures": f"{synthesizer.height}x{synthesizer.width} (height x width)",
        "Generator": f"{type(synthesizer.generator).__name__}, {parameters / 1e6:.2f} million parameters",
        "Encoding": type(synthesizer.encoding).__name__,
        "Instance maps": "needed for things" if synthesizer.needs_instances else "not needed",
        "Training": f"{restored.batches_seen} batches",
        f"Classes ({space.num_classes})": ", ".join(space.names),
    }
    yield table_as_markdown(Table(cells("", ""), tuple(cells(name, value) for name, value in facts.items())))
    if scores["metrics"]:
        yield from ("", "## Scores of the last validation", "", _score_table(scores))
    yield from ("", f"Settings of the networks: [{CONFIG}]({CONFIG}), and in the header of the weights.")


def _score_table(scores: dict[str, dict[str, Any]]) -> str:
    rows = []
    for name, value in scores["metrics"].items():
        info = describe(name)
        values = (value, *(scores[reference].get(name) for reference in (REAL, UNTRAINED)))
        shown = (info.show(each) if isinstance(each, int | float) else NOT_AVAILABLE for each in values)
        rows.append(cells(info.heading, *shown))
    return table_as_markdown(Table(cells("", "this model", "real photos", "untrained"), tuple(rows)))
