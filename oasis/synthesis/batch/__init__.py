"""Many label maps or photos to pictures in a folder: what `oasis generate` runs."""

from oasis.synthesis.batch.generation import Generation, Outcome
from oasis.synthesis.batch.inputs import Input, find_maps, find_photos
from oasis.synthesis.batch.options import GenerateOptions

__all__ = ["GenerateOptions", "Generation", "Input", "Outcome", "find_maps", "find_photos"]
