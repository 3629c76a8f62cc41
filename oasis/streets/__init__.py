"""Synthetic streets: a generated dataset in the layout of Cityscapes.

Nothing here imports torch, so that worker processes start quickly.
"""

from oasis.streets.dataset import SyntheticCrowds, SyntheticStreets
from oasis.streets.street import draw_crowd, draw_street

__all__ = ["SyntheticCrowds", "SyntheticStreets", "draw_crowd", "draw_street"]
