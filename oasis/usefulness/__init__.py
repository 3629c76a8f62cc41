"""Whether generated pictures are of use: segmenters trained on them, tested on photos."""

from oasis.usefulness.results import PHOTOS, UNTRAINED, Usefulness, both_of, fakes_of
from oasis.usefulness.study import UsefulnessStudy
from oasis.usefulness.trial import Recipe

__all__ = ["PHOTOS", "UNTRAINED", "Recipe", "Usefulness", "UsefulnessStudy", "both_of", "fakes_of"]
