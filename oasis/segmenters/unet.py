"""The project's own segmenter, which trains in minutes on a CPU."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from oasis.errors import UNREADABLE, CheckpointError, ConfigurationError, MissingWeightsError
from oasis.files import replacing
from oasis.instances import mean_by_number
from oasis.labels import LabelSpace
from oasis.segmenters.base import Prediction, Segmenter
from oasis.segmenters.grouping import Grouping
from oasis.segmenters.panoptic_unet import PanopticUNet, UNetOutput
from oasis.segmenters.unet_files import KIND, REMEDY, plain, read_parts, reason, to_label_space

_FORMER_FOLDER = "judges"
_RULE = "votes by probability"  # part of the fingerprint: change it whenever predictions change
_VIEWS = (4, 2, 1)  # of a picture; the first is the default
_PIXELS_AT_ONCE = 256 * 512  # of pictures: fewer waste time between layers, more do not fit into the caches of a CPU


class UNetSegmenter(Segmenter):
    """A `PanopticUNet` that finds classes and instances.

    It predicts evaluated classes only. Predictions are averaged over four views of a picture (test-time augmentation).
    On synthetic streets of 64x128, PQ of things is 29.4 % with four views, 27.4 % with two and 24.8 % with one. Scores
    of different numbers of views cannot be compared. It is frozen, and always in eval mode; `SegmenterTraining` makes
    trained ones. It computes in float32, even under autocast.

    The score of an instance is the height of its centre times the mean probability of its class over its pixels.

    Args:
        label_space: the classes.
        channels: width of the network.
        depth: of the network.
        grouping: groups pixels into instances; None = the defaults of `Grouping`.
        facts: details such as the dataset it was trained on; plain containers and numbers.
        views: 4, 2 or 1, in proportion to the time of a prediction.

    Raises:
        ConfigurationError: a label space without evaluated classes; another number of views; see `PanopticUNet`.

    Source of the scores: Cheng et al. 2020 (Panoptic-DeepLab), section 3, on instance segmentation.
    """

    scores_instances = True
    named: Tensor
    things: Tensor

    def __init__(
        self,
        label_space: LabelSpace,
        channels: int = 32,
        depth: int = 5,
        grouping: Grouping | None = None,
        facts: Mapping[str, Any] | None = None,
        views: int = 4,
    ) -> None:
        super().__init__()
        self.views = _checked(views)
        self.label_space = label_space
        self.settings = {"channels": channels, "depth": depth}
        self.grouping = Grouping() if grouping is None else grouping
        self.facts = dict(facts or {})
        named = named_classes(label_space)
        self.network = PanopticUNet(len(named), channels, depth)
        self.num_features = self.network.num_features
        things = torch.tensor([c in label_space.things for c in range(label_space.num_classes)])
        self.register_buffer("named", torch.tensor(named), persistent=False)
        self.register_buffer("things", things, persistent=False)
        self.requires_grad_(False)
        self.train(False)

    @property
    def fingerprint(self) -> str:  # type: ignore[override]  # computed from the current weights
        """A hash of the weights and everything else that predictions depend on."""
        hashed = hashlib.sha256(repr((KIND, _RULE, self.settings, self.grouping, self.label_space)).encode())
        if self.views != _VIEWS[0]:
            hashed.update(f"{self.views} views".encode())
        for name, tensor in self.network.state_dict().items():
            hashed.update(name.encode())
            hashed.update(tensor.cpu().contiguous().numpy().tobytes())
        return hashed.hexdigest()[:32]

    @property
    def protocol(self) -> str:
        """See `Segmenter`."""
        return f"{super().protocol}, {self.views} views"

    def train(self, mode: bool = True) -> Self:
        """Stays in eval mode: BatchNorm statistics updated by fakes would change the predictions."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, image: Tensor) -> Prediction:
        """Segment pictures of any size: (B, 3, H, W) float in [-1, 1] to a prediction of the same height and width."""
        height, width = image.shape[2:]
        few = max(1, _PIXELS_AT_ONCE // (height * width)) if image.device.type == "cpu" else len(image)
        with torch.autocast(image.device.type, enabled=False):
            seen = [self._look(some) for some in torch.split(image.float(), few)]
        logits, center, offset = (torch.cat(parts) for parts in zip(*seen, strict=True))
        # Among the named classes, by their positions; along the last axis, softmax is four times as fast on CPUs.
        votes = logits.movedim(1, -1).softmax(dim=-1).movedim(-1, 1)
        place, instance, peak = self.grouping(logits.argmax(dim=1), center, offset, self.things[self.named], votes)
        sure = votes.gather(1, place.unsqueeze(1))
        mean = mean_by_number(sure, instance, peak.shape[1] + 1)[:, 1:, 0]
        return Prediction(self.named[place], instance, peak * mean)

    def _look(self, image: Tensor) -> UNetOutput:
        """The mean over the views: the picture and its mirror image, each also shifted by one pixel.

        In a shifted picture, the strides of the network fall between those in the other.
        """
        mirrored = image.flip(-1)
        if self.views == 1:
            return self._seen([image])[0]
        if self.views == 2:
            plain, shifted = self._seen([image, _moved(mirrored)])
            return plain.mean(shifted.moved_back().mirrored())
        seen = self._seen([image, _moved(image), mirrored, _moved(mirrored)])
        original, mirrored_back = (plain.mean(shifted.moved_back()) for plain, shifted in (seen[:2], seen[2:]))
        return original.mean(mirrored_back.mirrored())

    def _seen(self, views: list[Tensor]) -> list[UNetOutput]:
        """What the network sees in each view: in one pass if they are small."""
        if len(views) * views[0][:, 0].numel() > _PIXELS_AT_ONCE:
            return [self.network(view) for view in views]
        parts = (part.chunk(len(views)) for part in self.network(torch.cat(views)))
        return [UNetOutput(*each) for each in zip(*parts, strict=True)]

    @torch.no_grad()
    def features(self, image: Tensor) -> Tensor:
        """Mean and standard deviation of each deepest feature: (B, 3, H, W) in [-1, 1] to (B, num_features) float32."""
        with torch.autocast(image.device.type, enabled=False):
            deepest = self.network.scales(image.float())[-1].flatten(2)
        return torch.cat([deepest.mean(dim=2), deepest.std(dim=2, correction=0)], dim=1)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything `from_file` needs, including facts; atomic."""
        parts = {
            "kind": KIND,
            "label_space": plain(self.label_space),
            "network": self.settings,
            "grouping": asdict(self.grouping),
            "weights": {name: tensor.cpu().contiguous() for name, tensor in self.network.state_dict().items()},
            "facts": self.facts,
        }
        with replacing(Path(path)) as unfinished:
            torch.save(parts, unfinished)

    @classmethod
    def for_dataset(cls, default: Path, weights: str | None = None, views: int = 4) -> Self:
        """`segmenter=unet`: see `SegmenterSource`.

        Args:
            default: the path of the segmenter that `oasis train-segmenter` trains for the dataset.
            weights: another file of it, which must exist.
            views: see the class.

        Raises:
            MissingWeightsError: no file is given, and there is none for this dataset.
            CheckpointError: the file is corrupt, or not a segmenter.
        """
        if weights is not None:
            return cls.from_file(weights, views)
        for path in (default, default.parent.with_name(_FORMER_FOLDER) / default.name):
            if path.is_file():
                return cls.from_file(path, views)
        raise MissingWeightsError(
            f"No segmenter was trained for this dataset and picture size yet ({default} does not exist). Train it with "
            "`oasis train-segmenter`, followed by the same settings of the data, or name one: segmenter.weights=PATH."
        )

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], views: int = 4) -> Self:
        """Read a file of `save`, without executing code from it.

        Args:
            path: the file.
            views: see the class; not a part of the file.

        Raises:
            CheckpointError: the file is missing, corrupt, or not a segmenter.
        """
        views = _checked(views)
        parts = read_parts(Path(path))
        try:
            segmenter = cls(
                to_label_space(parts["label_space"]),
                **parts["network"],
                grouping=Grouping(**parts["grouping"]),
                facts=parts["facts"],
                views=views,
            )
            segmenter.network.load_state_dict(parts["weights"])
        except UNREADABLE as error:
            raise CheckpointError(
                f"{path}: the parts of this segmenter do not fit ({reason(error)}). {REMEDY}."
            ) from error
        return segmenter


def _checked(views: int) -> int:
    if views not in _VIEWS:
        raise ConfigurationError(f"segmenter.views={views}: a picture is seen in 4, 2 or 1 views")
    return views


def _moved(image: Tensor) -> Tensor:
    """Shifted one pixel down and right; repeats the first row and column."""
    return F.pad(image, (1, 0, 1, 0), mode="replicate")[..., :-1, :-1]


def named_classes(label_space: LabelSpace) -> list[int]:
    """The classes that a segmenter predicts: the evaluated ones.

    Raises:
        ConfigurationError: there are none.
    """
    named = sorted(label_space.evaluated - {label_space.ignore_index})
    if len(named) == 0:
        raise ConfigurationError(
            "label_space.evaluated names no class but the ignored one: there is nothing to predict"
        )
    return named
