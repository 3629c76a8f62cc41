"""Markdown, HTML, JSON, CSV and curves have the numbers of the study, and no external resources."""

import base64
import csv
import io
import json
import re
import statistics
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from made_up_runs import make_run
from PIL import Image

from oasis.report.markdown import escaped
from oasis.studies import assemble, write_report
from oasis.studies.arms import Arm
from oasis.studies.plots import band
from oasis.studies.run import LeftOut

HOSTILE = "<script>alert(1)</script>|`*_$\\frac{"
PQ = {"semantic": (0.30, 0.32, 0.34), "boundary": (0.36, 0.37, 0.41)}


def runs(**changes):
    return [
        make_run(
            encoding,
            seed,
            value,
            real_photos={"segmenter/pq": 0.8},
            untrained={"segmenter/pq": 0.01 * (seed + 1)},
            costs={"generator_parameters": 3e6, "images_per_second": 7.0 + seed},
            facts={"device": "cpu", "commit": "0123456789abcdef+changes"},
            curves={
                "segmenter/pq": ((10, value / 2), (20, value)),
                "generator/adversarial": ((5, 3.0), (20, 2.0 + seed)),
            },
            **changes,
        )
        for encoding, values in PQ.items()
        for seed, value in enumerate(values)
    ]


@pytest.fixture
def written(tmp_path):
    study = assemble(runs(), [LeftOut("runs/torn", "torn")])
    files = write_report(study, tmp_path / "report", samples=0, command="oasis report runs")
    return {path.name: path for path in files}


def table(text, head):
    """Rows of the first Markdown table whose heading begins so, as lists."""
    lines = text.splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith(f"| {head}"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            return rows
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return rows


def test_the_table_is_worked_out_by_hand(written):
    text = written["report.md"].read_text()
    rows = {row[0]: row[1:] for row in table(text, "encoding | discriminator | n | PQ")}
    for encoding, values in PQ.items():
        expected = f"{100 * statistics.fmean(values):.2f} ± {100 * statistics.stdev(values):.2f}"
        assert rows[encoding] == ["oasis", "3", expected]
    assert rows["real photos"] == ["", "", "80.00"]
    assert rows["untrained"] == ["", "", "2.00 ± 0.89"]  # of 1, 2, 3, 1, 2, 3
    assert table(text, "minus semantic")[0] == ["boundary / oasis", "3", r"**+6.00 \[+3.52, +8.48\]**"]
    assert table(text, "encoding | discriminator | G")[0] == ["semantic", "oasis", "3", "8", "cpu"]
    assert table(text, "encoding | discriminator | seed")[1][:5] == [
        "semantic",
        "oasis",
        "1",
        "20",
        "0123456789+changes",
    ]
    assert table(text, "run | why") == [["runs/torn", "torn"]]


def test_json_and_csv_hold_every_seed(written):
    content = json.loads(written["report.json"].read_text())
    (group,) = content["groups"]
    boundary = next(arm for arm in group["arms"] if arm["encoding"] == "boundary")
    scores = boundary["scores"]["segmenter/pq"]
    assert scores["values"] == {str(seed): value for seed, value in enumerate(PQ["boundary"])}
    assert scores["conclusion"] == "better"
    assert scores["low"] == pytest.approx(0.06 - 4.302653 * 0.01 / 3**0.5)
    with written["table.csv"].open() as file:
        rows = {row["encoding"]: row for row in csv.DictReader(file)}
    assert float(rows["boundary"]["difference"]) == pytest.approx(0.06)
    assert rows["semantic"]["difference"] == rows["semantic"]["conclusion"] == ""
    assert float(rows["boundary"]["sign_flip_p"]) == 0.25


def test_pictures_are_beside_the_markdown_and_inside_the_html(written):
    markdown, html = written["report.md"].read_text(), written["report.html"].read_text()
    named = re.findall(r"!\[.*?\]\(([^)]+)\)", markdown)
    assert named == ["group_1_differences.png", "group_1_segmenter_pq.png", "group_1_generator_adversarial.png"]
    inside = re.findall(r'(?:src|srcset)="data:image/png;base64,([^"]+)"', html)
    assert len(inside) == 2 * len(named)  # for a light and a dark page
    for content in inside:
        Image.open(io.BytesIO(base64.b64decode(content, validate=True))).verify()
    for name in named:
        Image.open(written[name]).verify()


def test_nothing_comes_from_elsewhere(written):
    html = written["report.html"].read_text()
    assert not re.findall(r'(?:src|srcset|href)="(?!data:)', html)
    for word in ("http:", "https:", "<script", "@import", "url("):
        assert word not in html


class Balance(HTMLParser):
    """Checks that what is opened is closed, in order."""

    def __init__(self, text):
        super().__init__()
        self.open = []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "img", "source"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_well_formed(written):
    assert Balance(written["report.html"].read_text()).open == []


def test_every_name_is_text(tmp_path):
    hostile = [replace(run, origin=HOSTILE + run.origin, facts={"device": HOSTILE}) for run in runs()]
    hostile += [replace(run.choosing(encoding=HOSTILE), origin=f"x{run.seed}") for run in hostile[:3]]
    study = assemble(hostile, [LeftOut(HOSTILE, HOSTILE)])
    files = write_report(study, tmp_path, samples=0, command=HOSTILE)
    html, markdown = files[0].read_text(), files[1].read_text()
    Balance(html)
    assert "<script" not in html
    assert not re.search(r"(?<!\\)<script", markdown.replace("```bash\n" + HOSTILE, ""))
    assert html.count("&lt;script&gt;") >= 10
    assert escaped("a|b") == r"a\|b"
    rows = [line for line in markdown.splitlines() if line.startswith(r"| \<script") and "±" in line]
    assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [5]


def test_all_intervals_are_counted(tmp_path):
    """Two encodings, two discriminators, one metric: one difference over both, one under each, two across."""
    both = [*runs(), *(replace(run.choosing(discriminator="panoptic"), origin=f"p{run.origin}") for run in runs())]
    markdown = write_report(assemble(both), tmp_path, samples=0)[1].read_text()
    assert markdown.count("These tables hold 5 intervals.") == 1
    assert "# Differences from the discriminator oasis" in markdown
    assert "boundary / panoptic against boundary / oasis: cannot be told apart with 3 seeds in PQ." in markdown


def test_several_settings_are_told_apart(tmp_path):
    more = [replace(run, settings={**run.settings, "batches": 900}, origin=f"far/{run.seed}") for run in runs()[:2]]
    files = write_report(assemble([*runs(), *more]), tmp_path, samples=0)
    markdown = files[1].read_text()
    assert "# Run group 1: Scores" in markdown
    assert "# Run group 2: Scores" in markdown
    assert markdown.index("Before reading the numbers") < markdown.index("Run group 1")
    assert "batches: 20 / 900" in markdown


def test_runs_without_a_checkpoint_have_no_pictures_and_it_is_said(tmp_path):
    files = write_report(assemble(runs()), tmp_path, samples=2)
    assert "No pictures of boundary / oasis: its runs have no checkpoint here." in files[1].read_text()


def test_curves_are_means_over_the_batches_that_all_have():
    arms = [
        make_run(seed=0, curves={"a": ((1, 1.0), (2, 4.0), (3, 5.0))}),
        make_run(seed=1, curves={"a": ((2, 2.0), (3, 9.0))}),
    ]
    batches, mean, spread = band(arms, "a")
    np.testing.assert_allclose(batches, [2, 3])
    np.testing.assert_allclose(mean, [3, 7])
    np.testing.assert_allclose(spread, [np.std([4, 2], ddof=1), np.std([5, 9], ddof=1)])
    assert band(arms, "b")[0].size == 0
    np.testing.assert_allclose(band(arms[:1], "a")[2], 0)
    batches, mean, _ = band(arms[:1], "a", parts=1)  # the whole run is one part
    np.testing.assert_allclose((batches[0], mean[0]), (3, 10 / 3))


def test_arms_know_their_order():
    group = assemble(runs()).groups[0]
    assert group.arms == [Arm.of("semantic", "oasis"), Arm.of("boundary", "oasis")]
