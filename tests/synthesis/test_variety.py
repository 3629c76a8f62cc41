"""Which models can give several pictures of one map, and draw a part of it anew."""

import numpy as np
import pytest

from oasis.checkpoint import Restored
from oasis.encodings import Concat, InstanceNoise, PerInstanceMasks, Position, Semantic
from oasis.errors import ConfigurationError
from oasis.models import SPADEGenerator
from oasis.synthesis import Synthesizer
from oasis.synthesis.variety import require_random, require_resamplable

HEIGHT, WIDTH = 32, 128


@pytest.fixture
def make_spade(ids):
    """Makes a synthesizer around a small SPADE."""

    def make(noise_dim, encoding=None):
        encoding = encoding or Semantic(ids)
        sizes = {"height": HEIGHT, "width": WIDTH, "norm": "instance"}
        generator = SPADEGenerator(encoding.channels, noise_dim, 2, spade_channels=4, **sizes)
        return Synthesizer(Restored({}, ids, encoding, generator, 0), HEIGHT, WIDTH, "spade", "cpu")

    return make


@pytest.mark.parametrize("encoding", [Semantic, PerInstanceMasks])
def test_a_model_without_noise_has_one_picture(make_synthesizer, street, ids, encoding):
    synthesizer = make_synthesizer(encoding(ids), noise_dim=0)
    opened = synthesizer.open(street.label, street.instance)
    one, other = (np.asarray(synthesizer.synthesize(opened, seed=seed)) for seed in (0, 1))
    assert np.array_equal(one, other)
    for require in (require_random, require_resamplable):
        with pytest.raises(ConfigurationError, match=rf"small: its OASISGenerator has no noise.*{encoding.__name__}"):
            require(synthesizer)


@pytest.mark.parametrize("case", ["noise", "vectors of instances", "both", "noise in one part"])
def test_random_models_differ_in_a_part(make_synthesizer, street, ids, case):
    encodings = {"noise": Semantic(ids), "noise in one part": Concat(ids, [Position(ids), InstanceNoise(ids)])}
    noise_dim = 8 if case in ("noise", "both") else 0
    synthesizer = make_synthesizer(encodings.get(case, InstanceNoise(ids)), noise_dim=noise_dim)
    require_random(synthesizer)
    require_resamplable(synthesizer)
    opened, noise = synthesizer.open(street.label, street.instance), synthesizer.noise(0)
    noises = (noise, noise.resampled(opened.instance_mask(26002), 1), synthesizer.noise(1))
    pictures = [np.asarray(synthesizer.synthesize(opened, noise=each)) for each in noises]
    assert not any(np.array_equal(pictures[0], picture) for picture in pictures[1:])


def test_one_vector_a_picture_has_no_parts(make_spade):
    require_random(make_spade(6))
    with pytest.raises(ConfigurationError, match=r"spade: its SPADEGenerator has one latent vector a picture.*=oasis"):
        require_resamplable(make_spade(6))


def test_a_spade_without_a_vector_is_not_told_to_have_one(make_spade, ids):
    with pytest.raises(ConfigurationError, match="its SPADEGenerator has no noise"):
        require_resamplable(make_spade(0))
    require_resamplable(make_spade(0, InstanceNoise(ids)))
