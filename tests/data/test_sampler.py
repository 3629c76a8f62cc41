from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oasis.data.sampler import StreamSampler


def stream(size, batch_size, seed, epochs, batches_an_epoch=None):
    """The samples that training sees over some epochs, each of which may be cut short."""
    batches = 0
    sampler = StreamSampler(size, batch_size, seed, lambda: batches)
    seen = []
    for _ in range(epochs):
        wanted = (batches_an_epoch or len(sampler) // batch_size) * batch_size
        seen += list(islice(sampler, wanted))
        batches += wanted // batch_size
    return [place.sample for place in seen]


def test_an_epoch_shows_no_sample_twice():
    first, second = stream(10, 3, 0, 1), stream(10, 3, 0, 2)[9:]
    assert len(set(first)) == len(first) == 9
    assert set(first) <= set(range(10))
    assert first != second


def test_seeds_differ():
    assert stream(50, 5, 0, 1) != stream(50, 5, 1, 1)


@given(st.integers(2, 12), st.integers(1, 4), st.integers(0, 20))
def test_resuming_anywhere_goes_on_with_the_next_sample(size, batch_size, done):
    if size < batch_size:
        return
    epochs = done // (size // batch_size) + 2
    whole = stream(size, batch_size, 3, epochs + 1)
    resumed = list(StreamSampler(size, batch_size, 3, lambda: done))
    start = done * batch_size
    assert [place.sample for place in resumed] == whole[start : start + len(resumed)]
    assert [place.position for place in resumed] == list(range(start, start + len(resumed)))


@pytest.mark.parametrize("batches_an_epoch", [1, 2])
def test_short_epochs_go_through_the_whole_dataset(batches_an_epoch):
    seen = stream(8, 2, 0, 4 // batches_an_epoch, batches_an_epoch)
    assert sorted(seen) == list(range(8))
