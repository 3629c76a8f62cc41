"""The networks: tensors and integers in, tensors out."""

from oasis.models.discriminator import DiscriminatorOutput, OASISDiscriminator
from oasis.models.generator import OASISGenerator
from oasis.models.panoptic_discriminator import PanopticDiscriminator
from oasis.models.spade import SPADE
from oasis.models.spade_block import SPADEBlock
from oasis.models.summary import ModelSummary, summarize

__all__ = [
    "SPADE",
    "DiscriminatorOutput",
    "ModelSummary",
    "OASISDiscriminator",
    "OASISGenerator",
    "PanopticDiscriminator",
    "SPADEBlock",
    "summarize",
]
