"""Any network of Hugging Face's transformers that segments pictures, with its own classes."""

import os
from pathlib import Path
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from oasis.errors import ConfigurationError
from oasis.hub_files import PREPROCESSING, SETTINGS, WEIGHTS, find_checkpoint, fingerprint, import_transformers
from oasis.label_files import RAW_IDS
from oasis.labels import LabelSpace
from oasis.segmenters.base import Prediction, Segmenter
from oasis.segmenters.oneformer_files import TOKENIZER, task_tokens, thing_classes
from oasis.segmenters.query_segments import classes_of_queries, segments_of_queries
from oasis.segmenters.transformers_files import load_network, read_settings

_PROTOCOL = "transformers 2"  # increase the number when a prediction for the same picture changes
_ONEFORMER = "oneformer"
_OF_QUERIES = ("mask2former", "maskformer", _ONEFORMER)  # model_type of those that find segments
_TRIAL = (64, 64)  # size of the picture that tells the number of features


class TransformersSegmenter(Segmenter):
    """A semantic network (SegFormer, UperNet, ...), or one that finds segments (Mask2Former, MaskFormer, OneFormer).

    A picture in [-1, 1] is prepared by the checkpoint's `preprocessor_config.json`, on its own device and without
    rounding to bytes, one by one. Logits are resized bilinearly to the picture before the most likely class is taken;
    segments are those of `segments_of_queries`, and without instances, classes those of `classes_of_queries`.

    Its classes are those of its `config.json`, under their names there; scores match them with the data's. Only the
    files of a OneFormer may say which of them are things; otherwise every segment gets a number, and the data's label
    space decides.

    Args:
        model: of transformers.
        processor: its preprocessing.
        names: C names of its classes.
        fingerprint: of weights and preprocessing.
        things: the classes whose segments are instances; none = it finds classes only.
        of_queries: whether it finds segments.
        task: (1, L) int64, what tells a OneFormer its task; None = another network.
    """

    matches_by_name = True
    task: Tensor | None

    def __init__(
        self,
        model: Any,
        processor: Any,
        names: tuple[str, ...],
        fingerprint: str,
        things: frozenset[int],
        of_queries: bool,
        task: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.finds_instances = self.scores_instances = bool(things)
        self.of_queries = of_queries
        self.label_space = _label_space(names, things)
        self.model = model.requires_grad_(False)
        self.processor = processor
        self.fingerprint = fingerprint
        self.register_buffer("things", torch.tensor([c in things for c in range(len(names))]), persistent=False)
        self.register_buffer("task", task, persistent=False)
        self.eval()
        self.num_features = self.features(torch.zeros(1, 3, *_TRIAL)).shape[1]

    @classmethod
    def for_dataset(cls, default: Path, weights: str | None = None, finds_instances: bool | None = None) -> Self:
        """`segmenter=transformers`: see `SegmenterSource`.

        Args:
            default: ignored; this segmenter is not trained here.
            weights: see `from_pretrained`.
            finds_instances: likewise.

        Raises:
            ConfigurationError: no weights are given; or see `from_pretrained`.
            MissingWeightsError: see `from_pretrained`.
        """
        if weights is None:
            raise ConfigurationError(
                "segmenter.weights=null: name a checkpoint of a network that segments, such as "
                "nvidia/segformer-b5-finetuned-cityscapes-1024-1024, or a folder that holds one."
            )
        return cls.from_pretrained(weights, finds_instances)

    @classmethod
    def from_pretrained(cls, name_or_path: str | os.PathLike[str], finds_instances: bool | None = None) -> Self:
        """Load a checkpoint.

        Nothing is unpickled and no code of a checkpoint is executed. Downloads only files that are not cached.

        Args:
            name_or_path: a folder with `config.json`, `preprocessor_config.json` and `model.safetensors`, and for a
                OneFormer, its tokenizer's files; or a name on the Hugging Face hub.
            finds_instances: whether the segments of a network of queries are single things, which its files do not
                say; None = unless its name ends in `-semantic`. The task of a OneFormer is then "panoptic", and
                otherwise "semantic".

        Raises:
            ConfigurationError: transformers is not installed, or the checkpoint is corrupt or incomplete or of a
                network that does not segment, or that crops its pictures.
            MissingWeightsError: it is neither a folder nor in the cache, and cannot be downloaded.
        """
        transformers = import_transformers("segmenter=transformers")
        folder = find_checkpoint(os.fspath(name_or_path))
        kind, names = read_settings(folder)
        of_queries = kind in _OF_QUERIES
        if finds_instances and not of_queries:
            raise ConfigurationError(f"segmenter.finds_instances=true: {folder} is a {kind!r} model, which finds none")
        if finds_instances is None:
            finds_instances = of_queries and not Path(name_or_path).name.endswith("-semantic")
        things, task = frozenset(range(len(names)) if finds_instances else ()), None
        if kind == _ONEFORMER:
            folder = find_checkpoint(os.fspath(name_or_path), needed=(SETTINGS, PREPROCESSING, WEIGHTS, *TOKENIZER))
            things &= thing_classes(folder, len(names))
            task = task_tokens(folder, "panoptic" if things else "semantic")
        model, processor = load_network(folder, _network_class(folder, kind), transformers.AutoImageProcessor, kind)
        _require_whole_pictures(folder, processor)
        protocol = f"{_PROTOCOL} {sorted(things)} {task if task is None else task.tolist()}"
        return cls(model, processor, names, fingerprint(folder, protocol), things, of_queries, task)

    def train(self, mode: bool = True) -> Self:
        """Stays in eval mode: these networks have dropout."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, image: Tensor) -> Prediction:
        """Segment pictures: (B, 3, H, W) float in [-1, 1] to a prediction of the same height and width."""
        with torch.autocast(image.device.type, enabled=False):
            found = [self._segmented(picture) for picture in image.unsqueeze(1)]
        label, instance, score = zip(*found, strict=True)
        scores = pad_sequence(list(score), batch_first=True) if self.scores_instances else None
        return Prediction(torch.stack(label), torch.stack(instance), scores)

    @torch.no_grad()
    def features(self, image: Tensor) -> Tensor:
        """The backbone's last feature map, averaged: (B, 3, H, W) float in [-1, 1] to (B, num_features) float32."""
        with torch.autocast(image.device.type, enabled=False):
            return torch.cat([_pooled(self._last_features(picture)) for picture in image.unsqueeze(1)])

    def _segmented(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Classes and instances of a picture (1, 3, H, W), (H, W) int64 both, and the (N,) scores of the instances."""
        asked = {} if self.task is None else {"task_inputs": self.task}
        outputs = self.model(pixel_values=self._prepared(picture), **asked)
        if self.of_queries:
            masks = _resized(outputs.masks_queries_logits, picture)[0].sigmoid()
            classes = outputs.class_queries_logits[0].softmax(dim=1)
            if self.finds_instances:
                return segments_of_queries(classes, masks, self.get_buffer("things"))
            label = classes_of_queries(classes, masks)
        else:
            label = _resized(outputs.logits, picture)[0].argmax(dim=0)
        return label, torch.zeros_like(label), picture.new_zeros(0)

    def _last_features(self, picture: Tensor) -> Tensor:
        prepared = self._prepared(picture)
        if self.of_queries:
            maps: Tensor = self.model.model.pixel_level_module.encoder(prepared).feature_maps[-1]
            return maps
        last: Tensor = self.model(pixel_values=prepared, output_hidden_states=True).hidden_states[-1]
        return last

    def _prepared(self, picture: Tensor) -> Tensor:
        prepared: Tensor = self.processor(
            images=(picture.float() + 1) / 2, do_rescale=False, return_tensors="pt"
        ).pixel_values
        return prepared


def _network_class(folder: Path, kind: str) -> Any:
    """The class of transformers that segments with this `model_type`.

    Raises:
        ConfigurationError: there is none.
    """
    import transformers
    from transformers.models.auto.modeling_auto import MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING_NAMES as SEMANTIC

    if kind in _OF_QUERIES:
        return transformers.AutoModelForUniversalSegmentation
    if kind not in SEMANTIC:
        listing = ", ".join(sorted([*_OF_QUERIES, *SEMANTIC]))
        raise ConfigurationError(f"{folder}: a {kind!r} model cannot be used to segment; those that can: {listing}")
    return transformers.AutoModelForSemanticSegmentation


def _require_whole_pictures(folder: Path, processor: Any) -> None:
    """Raise if the preprocessing of a checkpoint crops pictures."""
    if getattr(processor, "do_center_crop", False):
        raise ConfigurationError(
            f"{folder}: its preprocessor_config.json crops pictures (do_center_crop), whose margins it would not "
            "segment: set do_center_crop to false there, or choose another network"
        )


def _label_space(names: tuple[str, ...], things: frozenset[int]) -> LabelSpace:
    """The classes of a checkpoint, and `nothing` behind them, which is never predicted."""
    return LabelSpace(
        names=(*names, "nothing"),
        palette=((0, 0, 0),) * (len(names) + 1),
        things=things,
        ignore_index=len(names),
        raw_to_class=tuple(c if c < len(names) else -1 for c in range(RAW_IDS)),
        evaluated=frozenset(range(len(names))),
    )


def _resized(logits: Tensor, picture: Tensor) -> Tensor:
    return F.interpolate(logits, picture.shape[-2:], mode="bilinear", align_corners=False)


def _pooled(features: Tensor) -> Tensor:
    """(1, D, H, W) maps or (1, L, D) tokens to (1, D)."""
    return features.mean(dim=(2, 3)) if features.ndim == 4 else features.mean(dim=1)
