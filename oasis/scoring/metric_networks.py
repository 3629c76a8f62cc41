"""The networks of metrics: feature extractors and a segmenter, if available."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from pytorch_lightning.utilities import rank_zero_warn
from pytorch_lightning.utilities.seed import isolate_rng

from oasis.data import LabelMapDataModule
from oasis.errors import MissingWeightsError
from oasis.files import cache_folder
from oasis.labels import LabelSpace
from oasis.metrics import ExtractorSource, FeatureExtractor, coco
from oasis.scoring.class_matching import ClassMatching, match_classes
from oasis.segmenters import Segmenter, SegmenterSource


@dataclass(frozen=True)
class MetricNetworks:
    """The networks of metrics.

    Attributes:
        extractors: feature extractors for distances; empty if none is available.
        segmenter: None if none is available.
        missing: messages for the user about those that are not available.
        notes: what a reader of their scores should know.
    """

    extractors: list[FeatureExtractor] = field(default_factory=list)
    segmenter: Segmenter | None = None
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def to(self, device: torch.device) -> None:
        """Move all networks."""
        for network in (*self.extractors, *([] if self.segmenter is None else [self.segmenter])):
            network.to(device)


def load_metric_networks(
    data: LabelMapDataModule, extractors: Sequence[ExtractorSource], segmenter: SegmenterSource | None
) -> MetricNetworks:
    """Load the available networks; warn once about missing ones, and continue without them.

    Does not change the random state of training.

    Args:
        data: the dataset; determines the default segmenter.
        extractors: each makes some extractors.
        segmenter: makes the segmenter, or None for no segmenter.

    Raises:
        ConfigurationError: given weights are missing or invalid; the segmenter has other classes than the data, or a
            size at which the data has no label maps.
    """
    loaded_segmenter: Segmenter | None = None
    loaded: list[FeatureExtractor] = []
    missing = []
    with isolate_rng():
        if segmenter is not None:
            try:
                loaded_segmenter = segmenter(
                    segmenter_file(data.source.root, data.height, data.width, data.label_space)
                )
            except MissingWeightsError as error:
                missing.append(_sentence(error))
        for source in extractors:
            try:
                loaded += source(loaded_segmenter)
            except MissingWeightsError as error:
                missing.append(_sentence(error))
    notes = []
    if loaded_segmenter is not None:
        notes = _notes(loaded_segmenter, match_classes(data.label_space, loaded_segmenter))  # raises if they do not fit
        if loaded_segmenter.size is not None:
            data.preparation.of_whole(*loaded_segmenter.size)  # raises, too
        if loaded_segmenter.scores_instances and not coco.is_installed():
            missing.append(coco.MISSING)
    if missing:
        rank_zero_warn(" ".join((*missing, "Scores that need it are left out.")))
    return MetricNetworks(loaded, loaded_segmenter, missing, notes)


def _notes(segmenter: Segmenter, matching: ClassMatching) -> list[str]:
    """What a reader of a segmenter's scores should know."""
    notes = [] if matching.note is None else [matching.note]
    if segmenter.size is not None:
        height, width = segmenter.size
        notes.append(
            f"The segmenter sees every picture resized to {height}x{width} (height x width), real photos too, and is "
            "compared with the label maps at that size."
        )
    if not segmenter.finds_instances:
        notes.append("The segmenter finds classes only: there are no panoptic scores, and no recall of instances.")
    return notes


def _sentence(error: Exception) -> str:
    text = str(error).rstrip(".")
    return f"{text[0].upper()}{text[1:]}."


def segmenter_file(root: Path, height: int, width: int, label_space: LabelSpace) -> Path:
    """The file of a dataset's segmenter, for this picture size and these classes."""
    root = root.expanduser().absolute()
    key = hashlib.sha256(repr((str(root), height, width, label_space.names)).encode()).hexdigest()[:8]
    return cache_folder() / "segmenters" / f"{root.name}-{height}x{width}-{key}.pt"
