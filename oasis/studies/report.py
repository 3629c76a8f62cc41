"""The report of a study: its page and its files."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from oasis.metrics.names import describe
from oasis.report import Page, Section, Table, as_html, as_markdown, cells
from oasis.studies.overall import factors, overall_conclusions
from oasis.studies.pairs import comparisons
from oasis.studies.plots import curve_pictures, interval_picture
from oasis.studies.protocols import told_protocols
from oasis.studies.results import write_csv, write_json
from oasis.studies.runs_table import write_runs_table
from oasis.studies.samples import sample_pictures
from oasis.studies.study import RunGroup, Study
from oasis.studies.tables import cost_table, difference_table, overall_table, run_table, score_table
from oasis.studies.words import OVERALL, OVERALL_MEANING, conclusions, how_to_read

HTML, MARKDOWN, JSON, TABLE, RUNS = "report.html", "report.md", "report.json", "table.csv", "runs.csv"
_TITLE = "Encodings of panoptic label maps, compared"


def write_report(study: Study, folder: Path, *, samples: int = 6, command: str = "") -> list[Path]:
    """Write the report as HTML with its pictures inside, as Markdown with pictures beside it, and as JSON and CSV.

    Args:
        study: its runs.
        folder: where to write; created if missing.
        samples: label maps in the sample grids; 0 = no pictures.
        command: the command line, to reproduce the report.

    Returns:
        The files, the HTML first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    page = compose(study, samples, command)
    (folder / HTML).write_text(as_html(page), encoding="utf-8")
    (folder / MARKDOWN).write_text(as_markdown(page), encoding="utf-8")
    write_json(study, folder / JSON)
    write_csv(study, folder / TABLE)
    write_runs_table([run for group in study.groups for run in group.runs], folder / RUNS)
    pictures = [picture for section in page.sections for picture in section.pictures]
    for picture in pictures:
        (folder / picture.file).write_bytes(picture.light)
    return [folder / name for name in (HTML, MARKDOWN, JSON, TABLE, RUNS, *(picture.file for picture in pictures))]


def compose(study: Study, samples: int = 0, command: str = "") -> Page:
    """The report as a page, independent of the format; see `write_report`."""
    sections: list[Section] = []
    for number, group in enumerate(study.groups, 1):
        several = len(study.groups) > 1
        own = _sections(group, samples, f"group_{number}")
        sections += [replace(one, title=f"Run group {number}: {one.title}") for one in own] if several else own
    if study.left_out:
        rows = tuple(cells(one.origin, one.reason) for one in study.left_out)
        sections.append(Section("Runs that were left out", tables=(Table(cells("run", "why"), rows, prose=True),)))
    return Page(_TITLE, _lead(study), study.warnings, tuple(sections), command)


def _sections(group: RunGroup, samples: int, prefix: str) -> list[Section]:
    sections = [_scores(group), *_overall(group), *_differences(group, prefix)]
    notes: list[str] = []
    pictures = sample_pictures(group, samples, prefix, notes)
    if pictures or notes:
        sections.append(Section("Samples", items=tuple(notes), pictures=tuple(pictures)))
    curves = curve_pictures(group, prefix)
    if curves:
        sections.append(Section("Learning curves", pictures=tuple(curves)))
    sections.append(Section("Costs", ("Medians over the runs of a row.",), (cost_table(group),)))
    return [*sections, Section("Where the numbers come from", tables=(run_table(group),))]


def _overall(group: RunGroup) -> Iterator[Section]:
    if found := factors(group):
        items = tuple(overall_conclusions(found))
        yield Section(OVERALL, (OVERALL_MEANING,), (overall_table(group, found),), items=items)


def _differences(group: RunGroup, prefix: str) -> Iterator[Section]:
    found = comparisons(group)
    for place, one in enumerate(found, 1):
        picture = interval_picture(one.group, one.pairs, f"{prefix}_{one.name}") if one.name else None
        yield Section(
            one.title,
            tables=(difference_table(one.group, one.pairs, one.heading),),
            items=tuple(conclusions(one.group, one.pairs)),
            after=tuple(how_to_read(found)) if place == len(found) else (),
            pictures=(picture,) if picture else (),
        )


def _scores(group: RunGroup) -> Section:
    before = (
        f"{_budget(group)} Mean ± standard deviation over n seeds, each a training of its own. ↑ higher is better, "
        "↓ lower is better. Below: the real-photo reference and the untrained baseline (generators before their "
        "first step).",
    )
    meanings = tuple(f"{describe(name).title}: {describe(name).meaning}" for name in group.metrics)
    return Section("Scores", before, (score_table(group),), items=(*told_protocols(group), *meanings))


def _budget(group: RunGroup) -> str:
    known = group.runs[0].settings
    facts = {
        "batches": known.get("batches"),
        "of": known.get("data.batch_size"),
        "at": f"{known['data.height']}x{known['data.width']}"
        if "data.height" in known and "data.width" in known
        else None,
    }
    size = " ".join(
        f"{value} {name}" if name == "batches" else f"{name} {value}"
        for name, value in facts.items()
        if value is not None
    )
    return f"{len(group.runs)} runs, {size}."


def _lead(study: Study) -> str:
    runs = sum(len(group.runs) for group in study.groups)
    arms = len({arm for group in study.groups for arm in group.arms})
    left = f"; {len(study.left_out)} left out" if study.left_out else ""
    return (
        f"{runs} run{'s' if runs != 1 else ''} of {arms} combination{'s' if arms != 1 else ''} of encoding and "
        f"discriminator{left}."
    )


def written(files: Sequence[Path]) -> str:
    """The written files, in one line."""
    return f"Written: {files[0]}, {', '.join(path.name for path in files[1:])}"
