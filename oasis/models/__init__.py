"""The networks."""

from oasis.models.contract import (
    Discriminator,
    Exportable,
    Generator,
    Recomputable,
    Style,
    StyleEncoding,
    encodes_style,
)
from oasis.models.discriminator import DiscriminatorOutput, OASISDiscriminator
from oasis.models.feature_clusters import FeatureClusters
from oasis.models.feature_encoder import FeatureEncoder
from oasis.models.generator import OASISGenerator
from oasis.models.inade_generator import INADEGenerator, SPADEINADEGenerator
from oasis.models.panoptic_discriminator import PanopticDiscriminator
from oasis.models.patch_discriminator import PatchDiscriminator, PatchOutput
from oasis.models.pix2pixhd_features import Pix2PixHDFeatureGenerator
from oasis.models.pix2pixhd_generator import Pix2PixHDGenerator, Pix2PixHDLocalEnhancer
from oasis.models.spade_generator import SPADEGenerator
from oasis.models.style_encoder import StyleEncoder
from oasis.models.summary import summarize

__all__ = [
    "Discriminator",
    "DiscriminatorOutput",
    "Exportable",
    "FeatureClusters",
    "FeatureEncoder",
    "Generator",
    "INADEGenerator",
    "OASISDiscriminator",
    "OASISGenerator",
    "PanopticDiscriminator",
    "PatchDiscriminator",
    "PatchOutput",
    "Pix2PixHDFeatureGenerator",
    "Pix2PixHDGenerator",
    "Pix2PixHDLocalEnhancer",
    "Recomputable",
    "SPADEGenerator",
    "SPADEINADEGenerator",
    "Style",
    "StyleEncoder",
    "StyleEncoding",
    "encodes_style",
    "summarize",
]
