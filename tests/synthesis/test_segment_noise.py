"""A generator with a noise vector per segment: drawn, resampled, mixed and searched."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from oasis.checkpoint import Restored
from oasis.encodings import Semantic
from oasis.errors import MissingInstancesError
from oasis.instances import count_segments
from oasis.models import Generator
from oasis.randomness import Stream
from oasis.synthesis import Synthesizer, imitate
from oasis.synthesis.conditioning import segment_noise
from oasis.training import fixed_noise
from oasis.training.sampling import training_noise

HEIGHT, WIDTH = 32, 128


class Painted(Generator):
    """Paints every segment in the color that its noise vector is."""

    noise_dim = 3
    needs_segments = True
    noise_per_pixel = False
    noise_per_segment = True

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_segments = count_segments(num_classes)
        self.scale = nn.Parameter(torch.tensor(0.3))

    def forward(self, condition, noise=None, segments=None):
        assert noise.shape == (len(condition), self.num_segments, 3)
        number = segments.flatten(1)[:, :, None].expand(-1, -1, 3)
        return torch.tanh(self.scale * noise.gather(1, number)).mT.view(-1, 3, *segments.shape[1:])


@pytest.fixture
def synthesizer(ids):
    generator = Painted(ids.num_classes)
    return Synthesizer(Restored({}, ids, Semantic(ids), generator, 0), HEIGHT, WIDTH, "painted", device="cpu")


@pytest.fixture
def opened(synthesizer, street):
    return synthesizer.open(street.label, street.instance)


def colors(picture, where):
    return np.unique(np.asarray(picture)[where], axis=0)


def test_each_segment_has_a_look_of_its_own(synthesizer, opened, street):
    picture = synthesizer.synthesize(opened, seed=0)
    looks = [colors(picture, street.instance == number) for number in np.unique(street.instance)]
    assert [len(look) for look in looks] == [1] * len(looks)
    assert len(np.unique(np.concatenate(looks), axis=0)) == len(looks)
    assert np.array_equal(picture, synthesizer.synthesize(opened, seed=0))
    assert not np.array_equal(picture, synthesizer.synthesize(opened, seed=1))


def test_resampling_an_instance_leaves_all_others_alone(synthesizer, opened, street):
    before = np.asarray(synthesizer.synthesize(opened, seed=0))
    noise = synthesizer.noise(0).resampled(opened.instance_mask(26000), 5)
    after = np.asarray(synthesizer.synthesize(opened, noise=noise))
    car = street.instance == 26000
    assert (before[~car] == after[~car]).all()
    assert (before[car] != after[car]).any(axis=1).all()


def test_a_segment_resampled_in_part_is_a_mixture_of_variance_one(synthesizer, street):
    noise = synthesizer.noise(0)
    segments = torch.zeros(1, 4, 4, dtype=torch.int64)
    mask = np.zeros((4, 4), bool)
    mask[:, :1] = True  # a quarter
    old, new = (torch.randn(5, 3, generator=draw.generator(Stream.NOISE)) for draw in noise.resampled(mask, 7).draws)
    found = segment_noise(noise.resampled(mask, 7), segments, 5)[0]
    torch.testing.assert_close(found[0], (0.75 * old[0] + 0.25 * new[0]) / (0.75**2 + 0.25**2) ** 0.5)


def test_it_is_the_noise_that_measuring_and_training_draw(synthesizer, opened):
    generator = synthesizer.generator
    expected = fixed_noise(generator, SimpleNamespace(index=torch.tensor([0])), seed=5)
    _, segments = synthesizer.inputs(opened, synthesizer.noise(5))
    found = segment_noise(synthesizer.noise(5), segments, generator.num_segments)
    present = segments.unique()
    assert found[:, present].equal(expected[:, present])
    batch = SimpleNamespace(positions=[3, 4], condition=torch.zeros(2, 1, 4, 4))
    drawn, alone = (
        training_noise(generator, each, 0, Stream.GENERATOR_NOISE)
        for each in (batch, SimpleNamespace(positions=[4], condition=batch.condition))
    )
    assert drawn.shape == (2, generator.num_segments, 3)
    assert drawn[1:].equal(alone)


def test_a_search_comes_near(synthesizer, opened):
    goal = synthesizer.synthesize(opened, seed=3)
    found = imitate(synthesizer, opened, goal, steps=60)
    assert found.loss < 0.3 * found.losses[0]


def test_a_map_without_instances_is_refused(synthesizer, street):
    with pytest.raises(MissingInstancesError, match="belong together"):
        synthesizer.synthesize(street.label)
