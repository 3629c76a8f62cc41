"""pix2pixHD with instance features: the generator, and the clusters that segments draw from."""

import pytest
import torch

from oasis.errors import ConfigurationError
from oasis.models import FeatureClusters, Pix2PixHDFeatureGenerator, encodes_style
from oasis.models.feature_encoder import mean_of_segments

SMALL = {"channels": 2, "num_halvings": 2, "num_blocks": 1, "encoder_channels": 2, "encoder_halvings": 2}


@pytest.fixture
def generator():
    torch.manual_seed(0)
    return Pix2PixHDFeatureGenerator(5, 4, **SMALL)


@pytest.mark.parametrize("local", [0, 1])
def test_features_stand_behind_the_condition(local):
    torch.manual_seed(0)
    generator = Pix2PixHDFeatureGenerator(5, 4, **SMALL, num_local_blocks=local)
    assert encodes_style(generator)
    assert generator.size_divisor == (8 if local else 4)
    condition, photo = torch.rand(2, 5, 16, 32), torch.rand(2, 3, 16, 32) * 2 - 1
    segments = torch.randint(0, 4, (2, 16, 32))
    style = generator.encode_style(photo, segments)
    assert style.log_variance is None
    assert style.mean.shape == (2, 3, 16, 32)
    picture = generator(condition, style.sample())
    assert picture.equal(generator.network(torch.cat([condition, style.mean], 1)))
    picture.square().sum().backward()
    for name, parameter in generator.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    one = torch.tensor([[0.1, 0.2, 0.3], [-0.1, 0.5, 0.9]])
    assert generator(condition, one).equal(generator(condition, one[:, :, None, None].expand(-1, -1, 16, 32)))


def test_published_size():
    with torch.device("meta"):
        generator = Pix2PixHDFeatureGenerator(36, 35)
    parts = [sum(each.numel() for each in part.parameters()) for part in (generator.network, generator.style_encoder)]
    assert parts == [182_546_755 + 3 * 64 * 7 * 7, 788_803]


def test_what_does_not_fit(generator):
    condition = torch.zeros(2, 5, 16, 32)
    with pytest.raises(ConfigurationError, match=r"no features; there must be 3 numbers for each of 2 pictures"):
        generator(condition)
    with pytest.raises(ConfigurationError, match=r"features of shape \(2, 4\)"):
        generator(condition, torch.zeros(2, 4))
    with pytest.raises(ConfigurationError, match=r"condition has 8 channels.*built for 5"):
        generator(torch.zeros(2, 8, 16, 32), torch.zeros(2, 3))
    with pytest.raises(ConfigurationError, match=r"feature_channels=0.*model=pix2pixhd"):
        Pix2PixHDFeatureGenerator(5, 4, feature_channels=0)


def test_means_of_large_segments_in_bfloat16():
    """It counts to 256 only, so that a sum of ones would end there."""
    features = torch.ones(1, 3, 64, 64, dtype=torch.bfloat16)
    assert mean_of_segments(features, torch.zeros(1, 64, 64).long(), 1).eq(1).all()


@pytest.fixture
def clusters():
    """Class 0 has three clusters, class 1 two, class 2 none."""
    centers = torch.arange(3 * 10 * 2).view(3, 10, 2) / 60
    return FeatureClusters(centers, torch.tensor([3, 2, 0]))


def test_segments_draw_clusters_of_their_class(clusters):
    label = torch.tensor([[0, 0, 1, 1, 2, 1]]).repeat(2, 1)[None]
    instance = torch.tensor([[1, 2, 0, 3, 0, 0]]).repeat(2, 1)[None]

    def drawn(seed):
        return clusters.drawn(label, instance, [torch.Generator().manual_seed(seed)])[0]

    seen = [set() for _ in range(6)]
    for seed in range(60):
        features = drawn(seed)
        assert features.equal(drawn(seed))
        assert features[:, 0].equal(features[:, 1]), "both rows are of the same segments"
        assert features[:, 0, 2].equal(features[:, 0, 5]), "pixels of a class without instances are one segment"
        for column in range(6):
            seen[column].add(tuple(features[:, 0, column].tolist()))
    for column, number in enumerate(label[0, 0].tolist()):
        count = int(clusters.counts[number])
        allowed = {tuple(each.tolist()) for each in clusters.centers[number, :count]}
        assert seen[column] == (allowed if count else {tuple(clusters.centers[number, 0].tolist())})
    assert any(not drawn(seed)[:, 0, 0].equal(drawn(seed)[:, 0, 1]) for seed in range(10)), "instances draw alone"


def test_the_same_cluster_of_every_class(clusters):
    label = torch.tensor([[[0, 1, 2]]])
    features = clusters.nth(label, 2)[0, :, 0]
    for column, row in enumerate((2, 0, 0)):  # a class with fewer starts again
        assert features[:, column].equal(clusters.centers[column, row])
    for number in (3, -1):
        with pytest.raises(ConfigurationError, match=rf"style {number}: there is no such cluster.*0 to 2"):
            clusters.nth(label, number)
