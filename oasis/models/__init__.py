"""The networks: tensors and integers in, tensors out."""

from oasis.models.contract import Discriminator, Exportable, Generator, Recomputable
from oasis.models.discriminator import DiscriminatorOutput, OASISDiscriminator
from oasis.models.generator import OASISGenerator
from oasis.models.panoptic_discriminator import PanopticDiscriminator
from oasis.models.spade import SPADE
from oasis.models.spade_block import SPADEBlock
from oasis.models.summary import ModelSummary, summarize

__all__ = [
    "SPADE",
    "Discriminator",
    "DiscriminatorOutput",
    "Exportable",
    "Generator",
    "ModelSummary",
    "OASISDiscriminator",
    "OASISGenerator",
    "PanopticDiscriminator",
    "Recomputable",
    "SPADEBlock",
    "summarize",
]
