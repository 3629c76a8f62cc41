"""Noise as a recipe, against a dense field that is changed pixel by pixel."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from oasis.errors import ConfigurationError
from oasis.models import OASISGenerator
from oasis.randomness import Stream, sample_generator
from oasis.synthesis import Noise
from oasis.training import fixed_noise

DIM, HEIGHT, WIDTH = 6, 8, 12


def dense(noise: Noise, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """(height, width, Z): the vector of every pixel."""
    return noise.vectors().numpy()[noise.rows(height, width)]


def drawn(seed: int, again: int) -> np.ndarray:
    return torch.randn(1, DIM, generator=sample_generator(seed, again, Stream.NOISE)).numpy()[0]


def box(top: int, left: int, size: int = 4) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[top : top + size, left : left + size] = True
    return mask


def test_a_seed_is_the_noise_that_the_first_measured_picture_has():
    generator = OASISGenerator(3, noise_dim=DIM, channels=2, num_blocks=2)
    expected = fixed_noise(generator, SimpleNamespace(index=torch.tensor([0])), seed=5)
    assert torch.equal(Noise.draw(DIM, 5).vectors(), expected)
    assert not np.isclose(dense(Noise.draw(DIM, 5)), dense(Noise.draw(DIM, 6))).any()


def test_resampling_changes_a_dense_field_inside_the_masks_alone():
    random = np.random.default_rng(0)
    noise, field = Noise.draw(DIM, 3), np.broadcast_to(drawn(3, 0), (HEIGHT, WIDTH, DIM)).copy()
    for seed in (7, 3, 9, 7, 3):  # seeds that come again give what they gave before
        mask = random.random((HEIGHT, WIDTH)) < 0.3
        noise = noise.resampled(mask, seed)
        field[mask] = drawn(seed, 1)
        np.testing.assert_array_equal(dense(noise), field)


def test_resampling_with_the_own_seed_changes_the_picture_all_the_same():
    noise = Noise.draw(DIM, 3)
    assert (dense(noise.resampled(box(0, 0), 3)) != dense(noise))[:4, :4].all()


def test_a_hundred_resamplings_leave_no_more_behind_than_what_is_seen():
    noise = Noise.draw(DIM, 0)
    for seed in range(100):
        noise = noise.resampled(box(2, 2), seed)
    assert noise.weights.shape == (2, 2)
    assert len(noise.draws) == 2
    everywhere = noise.resampled(np.ones((HEIGHT, WIDTH), bool), 5)
    assert everywhere.index.shape == (1, 1)


def test_masks_of_other_sizes_are_resized_by_nearest():
    large = np.kron(box(2, 4), np.ones((2, 2), bool))
    noise = Noise.draw(DIM, 0).resampled(large, 1)
    np.testing.assert_array_equal(dense(noise), dense(Noise.draw(DIM, 0).resampled(box(2, 4), 1)))
    both = noise.resampled(box(0, 0, 2), 2)
    field = dense(noise)
    field[:2, :2] = drawn(2, 1)
    np.testing.assert_array_equal(dense(both), field)


def test_mixing_ends_at_both_and_leaves_what_is_the_same():
    base = Noise.draw(DIM, 0)
    other = base.resampled(box(0, 0), 1)
    np.testing.assert_array_equal(dense(base.mixed(other, 0)), dense(base))
    np.testing.assert_array_equal(dense(base.mixed(other, 1)), dense(other))
    half = dense(base.mixed(other, 0.5))
    outside = ~box(0, 0)
    np.testing.assert_array_equal(half[outside], dense(base)[outside])
    # Halfway on a quarter of a circle both have the same share, the sine of 45 degrees.
    np.testing.assert_allclose(half[0, 0], (drawn(0, 0) + drawn(1, 1)) * np.sqrt(0.5), rtol=1e-6)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_mixtures_of_mixtures_keep_the_variance(share):
    values = []
    for seed in range(0, 400, 4):
        pairs = [Noise.draw(64, seed + i).mixed(Noise.draw(64, seed + i + 1), 0.3) for i in (0, 2)]
        values.append(pairs[0].mixed(pairs[1], share).mixed(pairs[0], 0.4).vectors())
    numbers = torch.cat(values)
    assert abs(numbers.mean()) < 0.05
    assert abs(numbers.std() - 1) < 0.03  # 6400 numbers; a straight line between two would give 0.7


def test_mixtures_of_overlapping_masks_are_mixed_pixel_by_pixel():
    base = Noise.draw(DIM, 0)
    a, b = base.resampled(box(0, 0), 1), base.resampled(box(2, 2), 2)
    found = dense(a.mixed(b, 0.25))
    angle = np.pi / 2 * 0.25
    vectors = {(False, False): drawn(0, 0)}
    for mine, other, here in (
        (drawn(1, 1), drawn(0, 0), (True, False)),
        (drawn(0, 0), drawn(2, 1), (False, True)),
        (drawn(1, 1), drawn(2, 1), (True, True)),
    ):
        vectors[here] = np.cos(angle) * mine + np.sin(angle) * other
    for row in range(HEIGHT):
        for column in range(WIDTH):
            here = (bool(box(0, 0)[row, column]), bool(box(2, 2)[row, column]))
            np.testing.assert_allclose(found[row, column], vectors[here], rtol=1e-5, atol=1e-6)


def test_a_generator_without_noise_has_empty_vectors():
    assert Noise.draw(0, 1).resampled(box(0, 0), 2).vectors().shape == (2, 0)


def test_what_cannot_be_is_refused():
    noise = Noise.draw(DIM, 0)
    with pytest.raises(ConfigurationError, match="seed=-1: a seed is 0 or above"):
        Noise.draw(DIM, -1)
    with pytest.raises(ConfigurationError, match="seed=-2"):
        noise.resampled(box(0, 0), -2)
    for mask in (np.ones((2, 2)), np.ones(3, bool), np.zeros((0, 4), bool)):
        with pytest.raises(ConfigurationError, match=r"must be \(H, W\) and bool"):
            noise.resampled(mask, 1)
    with pytest.raises(ConfigurationError, match=r"share=1.5"):
        noise.mixed(noise, 1.5)
    with pytest.raises(ConfigurationError, match="6 numbers with noise of 4"):
        noise.mixed(Noise.draw(4, 0), 0.5)
