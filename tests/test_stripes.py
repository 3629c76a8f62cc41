"""The measures of stripes, on pictures with and without."""

import torch

from experiments.stripes.measure import fixed_share, grid_power


def textures(count=24, height=64, width=128):
    torch.manual_seed(0)
    return torch.rand(count, height, width)


def with_stripes(pictures, period, dim):
    phase = torch.arange(pictures.shape[dim]) % period == 0
    shape = [1, 1, 1]
    shape[dim] = -1
    return pictures + phase.float().view(shape)


def test_noise_has_no_stripes():
    assert 0.8 < grid_power(textures()) < 1.25
    assert abs(fixed_share(textures())) < 0.01


def test_stripes_of_the_grid_are_found_in_both_directions():
    for dim in (1, 2):
        assert grid_power(with_stripes(textures(), 4, dim)) > 2
        assert fixed_share(with_stripes(textures(), 4, dim)) > 0.3


def test_detail_at_the_same_place_has_its_share_of_the_power():
    pattern = torch.randn(64, 128)
    pictures = 3**0.5 * torch.randn(400, 64, 128) + pattern
    assert abs(fixed_share(pictures) - 0.25) < 0.02


def test_what_moves_is_no_stripe():
    edges = torch.stack(
        [torch.roll((torch.arange(128) % 31 < 15).float().expand(64, 128), 3 * i, 1) for i in range(31)]
    )
    assert fixed_share(edges) < 0.05
