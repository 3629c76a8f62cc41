"""DRN-D-105 trained on real Cityscapes photos: the network of most published mIoUs of generated streets."""

import hashlib
import os
from pathlib import Path
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from oasis.errors import ConfigurationError, MissingWeightsError
from oasis.labels import LabelSpace
from oasis.pretrained import read_state_dict, require_same_tensors
from oasis.segmenters.base import Prediction, Segmenter
from oasis.segmenters.drn_layers import DRN, bilinear_kernel

FILE = "drn-d-105_ms_cityscapes.pth"
_FETCH = (
    f"Fetch {FILE}, to which the page of the network's authors leads (https://github.com/fyu/drn, Cityscapes models)"
)
_PROTOCOL = "drn_d_105 1"  # increase the number when a prediction for the same picture changes
_PREFIX = "module."  # of copies that were saved from several GPUs
_COUNTER = "num_batches_tracked"  # unknown to the torch of 2017, and of no effect
_FIXED = "up.weight"
_MEAN, _DEVIATION = (0.2901, 0.3281, 0.2870), (0.1830, 0.1866, 0.1845)  # of RGB in [0, 1]


class DRNSegmenter(Segmenter):
    """DRN-D-105 with the 19 classes of Cityscapes; it finds classes only.

    Two protocols are published, and their numbers differ:

    - At the generated size (OASIS, 256x512): `size` None. The picture is segmented as it is, and compared with the
      label map that it was generated from.
    - Upsampled (SPADE): `size` (1024, 2048). The picture is resized bilinearly, segmented there, and compared with the
      label map at that size, as it is in its file.

    Pictures are segmented one by one, in float32: a prediction does not depend on the batch.

    Source: Yu et al. 2017 (Dilated Residual Networks); Park et al. 2019 (SPADE), section 4, for its use.

    Args:
        network: with the 19 classes in the order of their train ids.
        fingerprint: of its weights.
        size: (height, width) at which pictures are segmented; None = their own.
    """

    num_features = DRN.num_features
    finds_instances = False
    mean: Tensor
    deviation: Tensor

    def __init__(self, network: DRN, fingerprint: str = "", size: tuple[int, int] | None = None) -> None:
        super().__init__()
        self.label_space = LabelSpace.cityscapes_train_ids()
        self.size = size
        self.network = network
        self.fingerprint = hashlib.sha256(f"{_PROTOCOL} {fingerprint} {size}".encode()).hexdigest()
        for name, values in (("mean", _MEAN), ("deviation", _DEVIATION)):
            self.register_buffer(name, torch.tensor(values).view(3, 1, 1), persistent=False)
        self.requires_grad_(False)
        self.train(False)

    @classmethod
    def for_dataset(
        cls, default: Path, weights: str | None = None, height: int | None = None, width: int | None = None
    ) -> Self:
        """`segmenter=drn_d_105`: see `SegmenterSource`.

        Args:
            default: ignored; this segmenter is not trained here.
            weights: see `from_file`; None = the file in torch.hub's cache.
            height: of the pictures that the network sees; None = their own.
            width: likewise.

        Raises:
            ConfigurationError: height without width, or none of a picture; see also `from_file`.
            MissingWeightsError: no file is given, and the cache has none.
        """
        size = _size(height, width)
        if weights is not None:
            return cls.from_file(weights, size)
        cached = Path(torch.hub.get_dir()) / "checkpoints" / FILE
        if not cached.is_file():
            raise MissingWeightsError(
                f"DRN-D-105 has no weights: {cached} does not exist. {_FETCH}, put it there or give its path: "
                "segmenter.weights=PATH"
            )
        return cls.from_file(cached, size)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], size: tuple[int, int] | None = None) -> Self:
        """Read the published weights, without executing code from the file.

        Names may all begin with `module.`. The fixed interpolation `up.weight` and the counters of BatchNorm, which
        have no effect here, may be missing.

        Args:
            path: of the file.
            size: see the class.

        Raises:
            ConfigurationError: no such file, or it is no state dict, or one of another network or other classes.
        """
        path = Path(path).expanduser()
        state = read_state_dict(path, "DRN-D-105", f"{_FETCH}.")
        if all(name.startswith(_PREFIX) for name in state):
            state = {name.removeprefix(_PREFIX): tensor for name, tensor in state.items()}
        with torch.device("meta"):  # 54 million random numbers would be replaced at once
            network = DRN()
        own = network.state_dict()
        optional = {name: torch.tensor(0) for name in own if name.endswith(_COUNTER)}
        state = {**optional, _FIXED: bilinear_kernel(len(own["seg.bias"])), **state}
        require_same_tensors(own, state, str(path), "DRN-D-105 for the 19 classes of Cityscapes")
        network.load_state_dict(state, assign=True)
        with path.open("rb") as file:
            return cls(network.float(), hashlib.file_digest(file, "sha256").hexdigest(), size)

    def train(self, mode: bool = True) -> Self:
        """Stays in eval mode: BatchNorm statistics updated by fakes would change the predictions."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, image: Tensor) -> Prediction:
        """Segment pictures: (B, 3, H, W) float in [-1, 1] to classes of the same height and width, or of `size`."""
        with torch.autocast(image.device.type, enabled=False):
            label = torch.cat([self.network(self._prepared(one)).argmax(dim=1) for one in image.unsqueeze(1)])
        return Prediction(label, torch.zeros_like(label))

    @torch.no_grad()
    def features(self, image: Tensor) -> Tensor:
        """The last feature maps, averaged: (B, 3, H, W) float in [-1, 1] to (B, 512) float32."""
        with torch.autocast(image.device.type, enabled=False):
            return torch.cat(
                [self.network.features(self._prepared(one)).mean(dim=(2, 3)) for one in image.unsqueeze(1)]
            )

    def _prepared(self, picture: Tensor) -> Tensor:
        """A picture (1, 3, H, W) in [-1, 1], at the size and in the range that the network was trained on."""
        picture = picture.float()
        if self.size is not None:
            picture = F.interpolate(picture, self.size, mode="bilinear", align_corners=False)
        return ((picture + 1) / 2 - self.mean) / self.deviation


def _size(height: int | None, width: int | None) -> tuple[int, int] | None:
    if height is None and width is None:
        return None
    if height is None or width is None or height < 1 or width < 1:
        raise ConfigurationError(
            f"segmenter.height={height} segmenter.width={width}: give both, such as segmenter.height=1024 "
            "segmenter.width=2048, or null for both: pictures are then segmented at their own size"
        )
    return height, width
