"""Makes results/table.md from results/runs.csv: `python -m experiments.panoptic_encodings.make_table`.

The runs are gone from the repository, their numbers are not: whatever the table says is worked out from runs.csv, and a
test does it again.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from oasis.report.markdown import escaped, table_as_markdown
from oasis.studies import RunGroup, assemble, read_runs_table
from oasis.studies.overall import factors, overall_conclusions
from oasis.studies.pairs import comparisons, differences_from
from oasis.studies.tables import cost_table, difference_table, overall_table, score_table
from oasis.studies.words import OVERALL, OVERALL_MEANING, conclusions, how_to_read

RESULTS = Path(__file__).parent / "results"
RUNS, TABLE = "runs.csv", "table.md"


def table_of(runs: Path, against: Sequence[str] = ()) -> str:
    """What table.md has to say of a table of runs.

    Args:
        runs: the table.
        against: encodings; all arms are compared with the one that has it and the usual other choices.

    Raises:
        ConfigurationError: not a table of runs, none of them finished, or no run of such an encoding.
    """
    study = assemble(read_runs_table(runs))
    lines = ["<!-- Made from runs.csv by make_table.py; do not edit. -->", ""]
    lines += [f"- {escaped(warning)}" for warning in study.warnings]
    lines += [""] if study.warnings else []
    for number, group in enumerate(study.groups, 1):
        if len(study.groups) > 1:
            lines += [f"# Run group {number}", ""]
        lines += _of(group, against)
    return "\n".join(lines).rstrip() + "\n"


def _of(group: RunGroup, against: Sequence[str]) -> Iterator[str]:
    yield from ("Mean ± standard deviation over n seeds.", "", table_as_markdown(score_table(group)), "")
    if found := factors(group):
        yield from (f"## {OVERALL}", "", OVERALL_MEANING, "", table_as_markdown(overall_table(group, found)), "")
        yield from (*(f"- {escaped(sentence)}" for sentence in overall_conclusions(found)), "")
    compared = [*(differences_from(group, encoding) for encoding in against), *comparisons(group)]
    for one in compared:
        yield from (f"## {one.title}", "", table_as_markdown(difference_table(one.group, one.pairs, one.heading)), "")
        yield from (*(f"- {escaped(sentence)}" for sentence in conclusions(one.group, one.pairs)), "")
    for text in how_to_read(compared):
        yield from (escaped(text), "")
    if any(run.costs for run in group.runs):
        yield from ("## Costs", "", "Medians over the runs of a row.", "", table_as_markdown(cost_table(group)), "")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of runs.csv, and of table.md")
    parser.add_argument("--against", nargs="*", default=[], help="encodings that all arms are compared with")
    options = parser.parse_args(arguments)
    text = table_of(options.results / RUNS, options.against)
    (options.results / TABLE).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
