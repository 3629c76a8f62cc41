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
from oasis.models.discriminator import OASISDiscriminator
from oasis.models.feature_clusters import FeatureClusters
from oasis.models.feature_encoder import FeatureEncoder
from oasis.models.generator import OASISGenerator
from oasis.models.inade_generator import INADEGenerator, SPADEINADEGenerator
from oasis.models.instance_discriminator import InstanceDiscriminator
from oasis.models.panoptic_discriminator import PanopticDiscriminator
from oasis.models.patch_discriminator import PatchDiscriminator, PatchOutput
from oasis.models.pix2pixhd_features import Pix2PixHDFeatureGenerator
from oasis.models.pix2pixhd_generator import Pix2PixHDGenerator, Pix2PixHDLocalEnhancer
from oasis.models.pretrained_discriminator import PretrainedDiscriminator
from oasis.models.segment_token_generator import SegmentTokenGenerator
from oasis.models.segmenting import DiscriminatorOutput, SegmentingDiscriminator
from oasis.models.spade_generator import SPADEGenerator
from oasis.models.style_encoder import StyleEncoder
from oasis.models.summary import summarize
from oasis.models.surroundings import PanopticSurroundings, PlainSurroundings
from oasis.models.transformer_discriminator import TransformerDiscriminator
from oasis.models.transformer_generator import TransformerGenerator

__all__ = [
    "Discriminator",
    "DiscriminatorOutput",
    "Exportable",
    "FeatureClusters",
    "FeatureEncoder",
    "Generator",
    "INADEGenerator",
    "InstanceDiscriminator",
    "OASISDiscriminator",
    "OASISGenerator",
    "PanopticDiscriminator",
    "PanopticSurroundings",
    "PatchDiscriminator",
    "PatchOutput",
    "Pix2PixHDFeatureGenerator",
    "Pix2PixHDGenerator",
    "Pix2PixHDLocalEnhancer",
    "PlainSurroundings",
    "PretrainedDiscriminator",
    "Recomputable",
    "SPADEGenerator",
    "SPADEINADEGenerator",
    "SegmentTokenGenerator",
    "SegmentingDiscriminator",
    "Style",
    "StyleEncoder",
    "StyleEncoding",
    "TransformerDiscriminator",
    "TransformerGenerator",
    "encodes_style",
    "summarize",
]
