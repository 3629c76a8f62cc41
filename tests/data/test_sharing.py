"""The shares of several processes in a scored split; torch's own sampler is the reference."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DistributedSampler

from oasis.data.sharing import Share


class Numbers:
    """A split whose samples hold their position alone."""

    def __init__(self, size):
        self.size = size

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        return {"index": index}


class Fast(Numbers):
    """One that reads whole batches."""

    def __getitems__(self, indices):
        return [{"index": index} for index in indices]


@given(size=st.integers(1, 40), processes=st.integers(1, 7))
def test_each_sample_counts_once_wherever_it_is_read(size, processes):
    shares = [Share(Numbers(size), rank, processes) for rank in range(processes)]
    read = [[share[i] for i in range(len(share))] for share in shares]
    for rank, samples in enumerate(read):
        reference = DistributedSampler(range(size), processes, rank, shuffle=False)
        assert [sample["index"] for sample in samples] == list(reference)
        counted = [sample["counted"] for sample in samples]
        assert counted == sorted(counted, reverse=True)  # those that count come first
    counted = [sample["index"] for samples in read for sample in samples if sample["counted"]]
    assert sorted(counted) == list(range(size))


@pytest.mark.parametrize("source", [Numbers(5), Fast(5)])
def test_a_batch_is_its_samples(source):
    share = Share(source, 1, 2)
    assert (
        share.__getitems__([2, 0])
        == [share[2], share[0]]
        == [
            {"index": 0, "counted": False},
            {"index": 1, "counted": True},
        ]
    )
