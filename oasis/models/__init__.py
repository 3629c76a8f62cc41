"""The networks."""

from oasis.models.contract import Discriminator, Exportable, Generator, Recomputable
from oasis.models.discriminator import DiscriminatorOutput, OASISDiscriminator
from oasis.models.generator import OASISGenerator
from oasis.models.panoptic_discriminator import PanopticDiscriminator
from oasis.models.summary import summarize

__all__ = [
    "Discriminator",
    "DiscriminatorOutput",
    "Exportable",
    "Generator",
    "OASISDiscriminator",
    "OASISGenerator",
    "PanopticDiscriminator",
    "Recomputable",
    "summarize",
]
