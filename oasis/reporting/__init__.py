"""From the runs of a study to its report: tables with intervals, curves, pictures."""

from oasis.reporting.differences import Difference
from oasis.reporting.finding import Found, find_runs
from oasis.reporting.gallery import write_gallery
from oasis.reporting.report import write_report
from oasis.reporting.run import LeftOut, Run
from oasis.reporting.runs_table import read_runs_table, write_runs_table
from oasis.reporting.study import Arm, Setting, Study, assemble

__all__ = [
    "Arm",
    "Difference",
    "Found",
    "LeftOut",
    "Run",
    "Setting",
    "Study",
    "assemble",
    "find_runs",
    "read_runs_table",
    "write_gallery",
    "write_report",
    "write_runs_table",
]
