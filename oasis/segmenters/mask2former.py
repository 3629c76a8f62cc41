"""Mask2Former trained on real Cityscapes photos, from Hugging Face's transformers."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Self

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from oasis.errors import ConfigurationError
from oasis.hub_files import find_checkpoint, fingerprint, import_transformers
from oasis.labels import LabelSpace
from oasis.segmenters.base import Prediction, Segmenter
from oasis.segmenters.query_segments import segments_of_queries
from oasis.segmenters.transformers_files import load_network, require_cityscapes

if TYPE_CHECKING:
    from transformers import Mask2FormerForUniversalSegmentation, Mask2FormerImageProcessor

_PROTOCOL = "mask2former 1"  # increase the number when a prediction for the same picture changes


class Mask2FormerSegmenter(Segmenter):
    """Mask2Former with one of the checkpoints `facebook/mask2former-swin-{tiny,small,base,large}-cityscapes-panoptic`.

    A picture in [-1, 1] is normalised and resized by the checkpoint's `preprocessor_config.json`, on its own device
    and without rounding to bytes. Pictures are segmented one by one: a prediction does not depend on the batch, and
    the memory is that of one picture.

    Masks become segments as in the paper's own evaluation (thresholds 0.8, 0.5 and 0.8), at the picture's size, and not
    by transformers' `post_process_panoptic_segmentation`, which differs in three points: it gives several instances one
    number once a stuff class was found twice (transformers issue 23461); it resizes all masks to 384 x 384; and it has
    no least probability for a pixel, so that if only one query is confident, as happens on bad fakes, its segment
    covers the entire picture.

    Pixels without a segment get the most likely class over all queries, as in the paper's semantic inference, and no
    instance: mIoU needs a class everywhere. In panoptic scores a thing without an instance is not a segment.

    The score of an instance is its query's class probability times the mean probability of the pixels of its mask.

    Source: Cheng et al. 2022 (Masked-attention Mask Transformer), section 4 for the scores of instances; Cheng et al.
    2021 (MaskFormer), section 3.4.

    Args:
        model: with the 19 classes in the order of their train ids.
        processor: its preprocessing.
        fingerprint: of weights and preprocessing.
    """

    scores_instances = True

    def __init__(
        self, model: "Mask2FormerForUniversalSegmentation", processor: "Mask2FormerImageProcessor", fingerprint: str
    ) -> None:
        super().__init__()
        self.label_space = LabelSpace.cityscapes_train_ids()
        self.model = model.requires_grad_(False)
        self.processor = processor
        self.num_features: int = model.model.pixel_level_module.encoder.channels[-1]
        self.fingerprint = fingerprint
        things = torch.tensor([i in self.label_space.things for i in sorted(self.label_space.evaluated)])
        self.register_buffer("things", things, persistent=False)
        self.eval()

    @classmethod
    def for_dataset(cls, default: Path, weights: str | None = None) -> Self:
        """`segmenter=mask2former`: see `SegmenterSource`.

        Args:
            default: ignored; this segmenter is not trained here.
            weights: see `from_pretrained`.

        Raises:
            ConfigurationError: no weights are given; or see `from_pretrained`.
            MissingWeightsError: see `from_pretrained`.
        """
        if weights is None:
            raise ConfigurationError(
                "segmenter.weights=null: name a Mask2Former checkpoint or a folder that holds one."
            )
        return cls.from_pretrained(weights)

    @classmethod
    def from_pretrained(cls, name_or_path: str | os.PathLike[str]) -> Self:
        """Load a checkpoint.

        Nothing is unpickled and no code of a checkpoint is executed. Downloads only files that are not cached.

        Args:
            name_or_path: a folder with `config.json`, `preprocessor_config.json` and `model.safetensors`, or a name on
                the Hugging Face hub.

        Raises:
            ConfigurationError: transformers is not installed, or the checkpoint is corrupt or not for the 19 classes
                of Cityscapes.
            MissingWeightsError: it is neither a folder nor in the cache, and cannot be downloaded.
        """
        transformers = import_transformers("segmenter=mask2former")
        folder = find_checkpoint(os.fspath(name_or_path))
        require_cityscapes(folder)
        model, processor = load_network(
            folder,
            transformers.Mask2FormerForUniversalSegmentation,
            transformers.Mask2FormerImageProcessor,
            "Mask2Former",
        )
        return cls(model, processor, fingerprint(folder, _PROTOCOL))

    def train(self, mode: bool = True) -> Self:
        """Stays in eval mode: Swin has dropout."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, image: Tensor) -> Prediction:
        """Segment pictures: (B, 3, H, W) float in [-1, 1] to a prediction of the same height and width."""
        predictions = []
        for picture in image.unsqueeze(1):
            with torch.autocast(image.device.type, enabled=False):
                outputs = self.model(pixel_values=self._prepared(picture))
                masks = F.interpolate(
                    outputs.masks_queries_logits, image.shape[-2:], mode="bilinear", align_corners=False
                )
                predictions.append(
                    segments_of_queries(
                        outputs.class_queries_logits[0].softmax(1), masks[0].sigmoid(), self.get_buffer("things")
                    )
                )
        label, instance, score = zip(*predictions, strict=True)
        return Prediction(torch.stack(label), torch.stack(instance), pad_sequence(list(score), batch_first=True))

    @torch.no_grad()
    def features(self, image: Tensor) -> Tensor:
        """The backbone's last feature map, averaged: (B, 3, H, W) float in [-1, 1] to (B, num_features) float32."""
        pooled = []
        for picture in image.unsqueeze(1):
            with torch.autocast(image.device.type, enabled=False):
                maps = self.model.model.pixel_level_module.encoder(self._prepared(picture)).feature_maps
                pooled.append(maps[-1].mean(dim=(2, 3)))
        return torch.cat(pooled)

    def _prepared(self, picture: Tensor) -> Tensor:
        prepared: Tensor = self.processor(
            images=(picture.float() + 1) / 2, do_rescale=False, return_tensors="pt"
        ).pixel_values
        return prepared
