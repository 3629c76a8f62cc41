"""What every encoding promises; run over the folder conf/encoding, so that none can be forgotten."""

from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from oasis.encodings import Encoding

CONFIGS = sorted((Path(__file__).parents[2] / "conf" / "encoding").glob("*.yaml"))


@pytest.fixture(params=CONFIGS, ids=lambda path: path.stem)
def encoding(request):
    space = {"_target_": "oasis.labels.LabelSpace.cityscapes_ids"}
    return instantiate(OmegaConf.merge(OmegaConf.load(request.param), {"label_space": space}))


def maps(batch=2, height=8, width=12, instances=3):
    generator = torch.Generator().manual_seed(0)
    label = torch.randint(0, 35, (batch, height, width), generator=generator)
    instance = torch.randint(0, instances + 1, (batch, height, width), generator=generator)
    thing = (label >= 24) & (label <= 33)
    return label, instance * thing


def test_channels_as_announced(encoding):
    label, instance = maps()
    condition = encoding(label, instance)
    assert isinstance(encoding, Encoding)
    assert condition.shape == (2, encoding.channels, 8, 12)
    assert condition.dtype == torch.float32
    assert condition.isfinite().all()


def test_classes_are_one_hot_in_front(encoding):
    label, instance = maps()
    one_hot = encoding(label, instance)[:, :35]
    for b in range(2):
        for y in range(8):
            for x in range(12):
                expected = torch.zeros(35)
                expected[label[b, y, x]] = 1
                assert torch.equal(one_hot[b, :, y, x], expected)


def test_batch_entries_do_not_see_each_other(encoding):
    label, instance = maps()
    together = encoding(label, instance)
    alone = torch.cat([encoding(label[i : i + 1], instance[i : i + 1]) for i in range(2)])
    assert torch.equal(together, alone)
