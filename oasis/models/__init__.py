"""The networks: tensors and integers in, tensors out."""

from oasis.models.discriminator import OASISDiscriminator
from oasis.models.generator import OASISGenerator
from oasis.models.spade import SPADE, SPADEBlock
from oasis.models.summary import ModelSummary, summarize

__all__ = ["SPADE", "ModelSummary", "OASISDiscriminator", "OASISGenerator", "SPADEBlock", "summarize"]
