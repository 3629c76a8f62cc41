"""Synthetic streets: a dataset in the layout of Cityscapes that anybody can draw for themselves.

Nothing here loads torch, so that the processes that draw start at once.
"""

from oasis.streets.dataset import SyntheticStreets
from oasis.streets.street import draw_street

__all__ = ["SyntheticStreets", "draw_street"]
