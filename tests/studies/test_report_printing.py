"""The output of `oasis report` fits the terminal, and is complete."""

import io

import pytest
from made_up_runs import make_run
from rich.console import Console

from oasis.cli.report_printing import print_study
from oasis.studies import assemble

METRICS = (
    "segmenter/pq",
    "segmenter/miou",
    "segmenter/pq_things",
    "segmenter/pq_stuff",
    "segmenter/touching_recall",
    "segmenter/frechet",
)


def printed(width, encodings=("semantic", "per_instance_masks")):
    runs = [
        make_run(encoding, seed, metrics={name: 0.1234 + place / 10 for place, name in enumerate(METRICS)})
        for encoding in encodings
        for seed in range(3)
    ]
    console = Console(file=io.StringIO(), width=width)
    print_study(assemble(runs), console)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 81, 82, 83, 100, 131, 400])
def test_nothing_is_cut_and_nothing_too_wide(width):
    text = printed(width)
    rows = [line for line in text.splitlines() if line.startswith(("semantic", "per_instance_masks"))]
    tables = [line for line in rows if "±" in line]
    assert all(len(line) <= width for line in tables)
    # Per cent: five rates of both encodings, once each; and the distance, which is no rate.
    expected = sorted([f"{12.34 + 10 * place:.2f} ± 0.00" for place in range(5)] + ["0.62 ± 0.00"])
    for encoding in ("semantic", "per_instance_masks"):
        cells = [cell.strip() for line in tables if line.startswith(encoding) for cell in line.split("   ")]
        assert sorted(cell for cell in cells if "±" in cell) == expected
    assert "…" not in text


def test_a_wide_terminal_gets_one_table_a_narrow_one_several():
    assert printed(400).count("discriminator") < printed(80).count("discriminator")
    assert printed(400).count("discriminator   n") == 1
