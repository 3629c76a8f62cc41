import torch

from oasis.randomness import Stream, sample_generator


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
