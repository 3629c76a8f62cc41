"""A street in all kinds of maps, and small networks in which noise matters."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from oasis.checkpoint import Restored
from oasis.encodings import Encoding, Semantic
from oasis.labels import LabelSpace
from oasis.models import OASISGenerator
from oasis.synthesis import Synthesizer

HEIGHT, WIDTH = 32, 128


class Street:
    """A sky, a road, two cars, one person and a group of persons: labelIds and instanceIds as Cityscapes has them."""

    def __init__(self, height: int = HEIGHT, width: int = WIDTH) -> None:
        self.label = np.full((height, width), 23, np.uint8)
        self.label[height // 2 :] = 7
        self.label[0, 0] = 0
        self.instance = self.label.astype(np.int32)
        self.add(26, 26000, height // 2, 8)
        self.add(26, 26002, height // 2, 20)
        self.add(24, 24001, height // 4, width // 2)
        self.add(24, 24, height // 4, width - 16)

    def add(self, class_id: int, instance_id: int, top: int, left: int) -> None:
        where = np.s_[top : top + 8, left : left + 12]
        self.label[where] = class_id
        self.instance[where] = instance_id

    def colors(self, space: LabelSpace) -> np.ndarray:
        """(H, W, 3) uint8, pixel by pixel from the label space's palette."""
        rows = [[space.palette[space.raw_to_class[raw]] for raw in row] for row in self.label.tolist()]
        return np.array(rows, np.uint8)


def shaken(generator: OASISGenerator) -> OASISGenerator:
    """The generator with weights under which noise, and every class, can be seen."""
    torch.manual_seed(0)
    for name, parameter in generator.named_parameters():
        if name.endswith("weight") and parameter.dim() == 4:
            nn.init.kaiming_normal_(parameter)
    generator.train()
    with torch.no_grad():
        for _ in range(20):  # BatchNorm statistics for eval mode
            generator(torch.rand(4, generator.condition_channels, HEIGHT, WIDTH))
    return generator.eval()


@pytest.fixture
def make_street() -> type[Street]:
    return Street


@pytest.fixture
def street() -> Street:
    return Street()


@pytest.fixture
def make_synthesizer(ids: LabelSpace) -> Callable[..., Synthesizer]:
    """Makes one around a small generator and the encoding given; `blocks=2` sees 20 pixels far."""

    def make(encoding: Encoding | None = None, *, noise_dim: int = 8, blocks: int = 2, **settings) -> Synthesizer:
        encoding = encoding or Semantic(ids)
        generator = OASISGenerator(encoding.channels, noise_dim, 4, blocks, spade_channels=8, norm="batch", init_gain=1)
        restored = Restored({"name": "small"}, encoding.label_space, encoding, shaken(generator), 0)
        return Synthesizer(restored, **{"height": HEIGHT, "width": WIDTH, "name": "small", "device": "cpu"} | settings)

    return make


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes an array as a PNG."""
    from PIL import Image

    def save(name: str, pixels: np.ndarray, mode: str | None = None) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(pixels.astype(np.uint16) if pixels.dtype == np.int32 else pixels)
        (picture if mode is None else picture.convert(mode)).save(path)
        return path

    return save
