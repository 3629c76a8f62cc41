"""Objectives: the loss terms of a GAN's networks. An extension point, see docs/extending.md."""

from oasis.objectives.base import LossTerms, Objective, Step
from oasis.objectives.hinge import HingeObjective
from oasis.objectives.least_squares import LeastSquaresObjective
from oasis.objectives.oasis import OASISObjective

__all__ = ["HingeObjective", "LeastSquaresObjective", "LossTerms", "OASISObjective", "Objective", "Step"]
