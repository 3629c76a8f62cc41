"""Synthetic streets: a generated dataset in the layout of Cityscapes.

Nothing here imports torch, so that worker processes start quickly.
"""

from oasis.streets.dataset import SyntheticStreets
from oasis.streets.street import draw_street

__all__ = ["SyntheticStreets", "draw_street"]
