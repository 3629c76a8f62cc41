"""Objectives: the loss terms of a GAN's networks. An extension point, see docs/extending.md."""

from oasis.objectives.base import LossTerms, Objective, Step
from oasis.objectives.oasis import OASISObjective

__all__ = ["LossTerms", "OASISObjective", "Objective", "Step"]
