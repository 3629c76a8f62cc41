import pytest
import pytorch_lightning
import torch

from oasis.errors import ConfigurationError
from oasis.randomness import Stream, require_seed, sample_generator


def draw(*key):
    return torch.randn(64, generator=sample_generator(*key))


def test_numbers_depend_on_seed_position_and_stream():
    first = draw(0, 5, Stream.NOISE)
    assert torch.equal(first, draw(0, 5, Stream.NOISE))
    others = [draw(1, 5, Stream.NOISE), draw(0, 6, Stream.NOISE), draw(5, 0, Stream.NOISE), draw(0, 5, Stream.ENCODING)]
    for other in others:
        assert not torch.isclose(first, other).any()


def test_neighbouring_samples_are_not_alike():
    drawn = torch.stack([draw(0, position, Stream.NOISE) for position in range(500)])
    assert drawn.mean().abs() < 0.02
    assert abs(drawn.std() - 1) < 0.02
    correlation = torch.corrcoef(drawn)
    assert (correlation - torch.eye(500)).abs().max() < 0.7  # of 125,000 pairs of 64 numbers


@pytest.mark.parametrize("seed", [-1, None, 99999999999, 2**32, 1.5, True, "0"])
def test_a_seed_out_of_range_is_refused(seed):
    shown = "null" if seed is None else seed
    with pytest.raises(ConfigurationError, match=rf"seed={shown}: must be a whole number from 0 to 4294967295"):
        require_seed(seed)


@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_the_ends_of_the_range_of_seeds_do(seed):
    require_seed(seed)
    pytorch_lightning.seed_everything(seed, verbose=False)
    assert torch.initial_seed() == seed
