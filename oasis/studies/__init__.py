"""Reports on the runs of a study: tables with intervals, curves, pictures."""

from oasis.studies.finding import find_runs
from oasis.studies.gallery import write_gallery
from oasis.studies.report import write_report
from oasis.studies.run import Run
from oasis.studies.runs_table import read_runs_table, write_runs_table
from oasis.studies.study import RunGroup, assemble

__all__ = [
    "Run",
    "RunGroup",
    "assemble",
    "find_runs",
    "read_runs_table",
    "write_gallery",
    "write_report",
    "write_runs_table",
]
