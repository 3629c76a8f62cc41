import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from oasis.data.transforms import compact_instances, flip_some, to_unit_range


def slow_compaction(raw):
    out = np.zeros_like(raw)
    for b in range(raw.shape[0]):
        for number, value in enumerate((v for v in np.unique(raw[b]) if v >= 1000), start=1):
            out[b][raw[b] == value] = number
    return out


RAW_IDS = st.sampled_from([0, 7, 24, 26, 999, 1000, 24000, 24001, 26000, 26007, 33033, 65535, 181999, 256999])


@given(hnp.arrays(np.int64, (2, 4, 5), elements=RAW_IDS))
def test_instances_are_numbered_from_one(raw):
    assert np.array_equal(compact_instances(torch.from_numpy(raw)), slow_compaction(raw))


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_fifty_instances(dtype):
    raw = torch.arange(26000, 26050, dtype=dtype).view(1, 5, 10)
    assert compact_instances(raw).flatten().tolist() == list(range(1, 51))
    assert compact_instances(raw).dtype == torch.int64


def test_unit_range_is_exact_at_the_ends():
    image = torch.tensor([0, 255], dtype=torch.uint8).view(1, 1, 1, 2)
    assert to_unit_range(image).flatten().tolist() == [-1.0, 1.0]


def test_flip_is_joint_and_by_sample():
    image = torch.arange(2 * 3 * 2 * 4).view(2, 3, 2, 4)
    label = torch.arange(2 * 2 * 4).view(2, 2, 4)
    flipped_image, flipped_label = flip_some(torch.tensor([False, True]), image, label)
    assert torch.equal(flipped_image[0], image[0])
    assert torch.equal(flipped_label[0], label[0])
    for column in range(4):
        assert torch.equal(flipped_image[1, :, :, column], image[1, :, :, 3 - column])
        assert torch.equal(flipped_label[1, :, column], label[1, :, 3 - column])
