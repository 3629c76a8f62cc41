"""Styles of single segments, with a small pix2pixHD of instance features under whose weights they can be seen."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from oasis.checkpoint import Restored
from oasis.encodings import Boundary
from oasis.errors import CheckpointError, ConfigurationError, DatasetError
from oasis.models import FeatureClusters, Pix2PixHDFeatureGenerator, SPADEGenerator
from oasis.synthesis import Synthesizer, imitate
from oasis.synthesis.style import photo_tensor

HEIGHT, WIDTH = 32, 128
LEFT, RIGHT = 26000, 26002  # the street's two cars
FAR = np.s_[:, 80:]  # of both


def small(ids, normalized):
    """`normalized` = with the instance norms of the published network, whose moments are those of a whole picture."""
    torch.manual_seed(0)
    encoding = Boundary(ids)
    sizes = {"channels": 4, "num_halvings": 1, "num_blocks": 1, "encoder_channels": 4, "encoder_halvings": 1}
    generator = Pix2PixHDFeatureGenerator(encoding.channels, ids.num_classes, **sizes)
    for name, parameter in generator.named_parameters():
        if name.endswith("weight"):
            nn.init.kaiming_normal_(parameter)
    with torch.no_grad():
        generator.network.layers[1].weight[:, -3:] *= 3  # features beside many classes
    if not normalized:
        for parent in list(generator.network.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, nn.InstanceNorm2d):
                    setattr(parent, name, nn.Identity())
    synthesizer = Synthesizer(Restored({}, ids, encoding, generator, 0), HEIGHT, WIDTH, "small", "cpu")
    centers = torch.rand(ids.num_classes, 10, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    synthesizer.clusters = FeatureClusters(centers, torch.full((ids.num_classes,), 10))
    return synthesizer


@pytest.fixture
def synthesizer(ids):
    return small(ids, normalized=True)


@pytest.fixture
def local(ids):
    return small(ids, normalized=False)


@pytest.fixture
def opened(synthesizer, street):
    return synthesizer.open(street.label, street.instance)


def pixels(synthesizer, *given, **settings):
    return np.asarray(synthesizer.synthesize(*given, **settings), float) / 255


def crop(color):
    """A car of a color, with windows."""
    photo = Image.new("RGB", (30, 20), color)
    photo.paste("black", (8, 3, 22, 9))
    return photo


def features_seen(synthesizer, *given, **settings):
    """The features, (3, H, W), with which a picture was generated."""
    seen = []
    hook = synthesizer.generator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[1]))
    synthesizer.synthesize(*given, **settings)
    hook.remove()
    return seen[-1][0]


def test_each_instance_draws_a_cluster_of_its_class(synthesizer, opened):
    centers = synthesizer.clusters.centers
    apart = 0
    for seed in range(8):
        features = features_seen(synthesizer, opened, seed=seed)
        assert features.equal(features_seen(synthesizer, opened, seed=seed))
        drawn = []
        for mask in (opened.instance_mask(LEFT), opened.instance_mask(RIGHT), opened.class_mask("road")):
            (row,) = features[:, torch.from_numpy(mask)].T.unique(dim=0)
            name = opened.label_space.names[int(opened.class_indices[mask][0])]
            assert (centers[opened.label_space.names.index(name)] == row).all(1).any()
            drawn.append(row)
        apart += not drawn[0].equal(drawn[1])
    assert apart >= 5, "instances draw alone"


def test_a_part_can_be_drawn_again_and_draws_mixed(synthesizer, opened):
    mask = opened.instance_mask(LEFT)
    one = synthesizer.noise(0)
    other = next(
        again
        for seed in range(20)
        if not features_seen(synthesizer, opened, noise=one).equal(
            features_seen(synthesizer, opened, noise=(again := one.resampled(mask, seed)))
        )
    )
    before, after = (features_seen(synthesizer, opened, noise=noise) for noise in (one, other))
    assert before[:, ~mask].equal(after[:, ~mask])
    half = features_seen(synthesizer, opened, noise=one.mixed(other, 0.5))
    torch.testing.assert_close(half, (before + after) / 2)


def test_the_same_cluster_of_every_class(synthesizer, opened):
    features = features_seen(synthesizer, opened, style=3, seed=0)
    label = torch.from_numpy(opened.class_indices).long()
    assert features.equal(synthesizer.clusters.centers[label, 3].permute(2, 0, 1))
    pictures = [pixels(synthesizer, opened, style=number, seed=0) for number in range(3)]
    of_seeds = abs(pixels(synthesizer, opened, style=0, seed=1) - pictures[0]).max()
    between = [abs(pictures[i] - pictures[j]).mean() for i, j in ((0, 1), (0, 2), (1, 2))]
    assert of_seeds == 0, "nothing is left to a seed"
    assert min(between) > 0.02


def test_a_photo_of_the_scene_gives_each_segment_its_own_features(synthesizer, opened):
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8))
    found = features_seen(synthesizer, opened, style=photo)
    _, segments = synthesizer.inputs(opened, synthesizer.noise(0))
    layers = synthesizer.generator.style_encoder.layers(photo_tensor(photo, HEIGHT, WIDTH))
    for number in segments.unique():
        here = (segments == number)[0]
        expected = layers[0][:, here].mean(1, keepdim=True)
        torch.testing.assert_close(found[:, here], expected.expand(-1, int(here.sum())))


def test_a_photo_of_an_object_is_seen_in_its_place(synthesizer, opened):
    """By hand: the picture without it, the photo laid over the object, the encoder, the mean over the object."""
    plain = pixels(synthesizer, opened, seed=0)
    drawn = features_seen(synthesizer, opened, seed=0)
    found = features_seen(synthesizer, opened, seed=0, style={LEFT: crop("red")})
    mask = opened.instance_mask(LEFT)
    assert found[:, ~mask].equal(drawn[:, ~mask])
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    laid = Image.fromarray((plain * 255).round().astype(np.uint8))
    size = (len(columns), len(rows))
    laid.paste(crop("red").resize(size, Image.Resampling.BICUBIC), (int(columns[0]), int(rows[0])))
    there = np.where(mask[..., None], laid, (plain * 255).round()).astype(np.uint8)
    layers = synthesizer.generator.style_encoder.layers(photo_tensor(Image.fromarray(there), HEIGHT, WIDTH))
    expected = layers[0][:, mask].mean(1, keepdim=True)
    torch.testing.assert_close(found[:, mask], expected.expand(-1, int(mask.sum())), atol=0.02, rtol=0)
    blue = features_seen(synthesizer, opened, seed=0, style={LEFT: crop("blue")})
    assert (blue - found)[:, mask].abs().max() > 0.05


def test_a_class_gives_its_photo_to_each_of_its_instances(synthesizer, opened):
    drawn = features_seen(synthesizer, opened, seed=0)
    found = features_seen(synthesizer, opened, seed=0, style={"car": crop("red"), 24001: 5})
    for instance in (LEFT, RIGHT):
        assert len(found[:, opened.instance_mask(instance)].T.unique(dim=0)) == 1
    car, person = opened.class_mask("car"), opened.instance_mask(24001)
    assert found[:, ~car & ~person].equal(drawn[:, ~car & ~person])
    number = opened.label_space.names.index("person")
    assert found[:, person].T.eq(synthesizer.clusters.centers[number, 5]).all()


@pytest.mark.parametrize("own", [2, crop("blue")], ids=["number", "photo"])
@pytest.mark.parametrize("of_class", [5, crop("red")], ids=["number", "photo"])
def test_an_instance_keeps_its_own_style_beside_that_of_its_class(synthesizer, opened, of_class, own):
    found = features_seen(synthesizer, opened, seed=0, style={"car": of_class, LEFT: own})
    assert found.equal(features_seen(synthesizer, opened, seed=0, style={LEFT: own, "car": of_class})), "in any order"
    left, right = (opened.instance_mask(instance) for instance in (LEFT, RIGHT))
    apart = features_seen(synthesizer, opened, seed=0, style={RIGHT: of_class, LEFT: own})
    assert found[:, ~left].equal(apart[:, ~left]), "as if each car had been named"
    # What lies under a photo reaches the encoder a little, through the norms.
    torch.testing.assert_close(found, apart, atol=0.1 if of_class == 5 and own != 2 else 0, rtol=0)
    assert not found[:, left].T.unique(dim=0).equal(found[:, right].T.unique(dim=0))
    if own == 2:
        number = opened.label_space.names.index("car")
        assert found[:, left].T.eq(synthesizer.clusters.centers[number, 2]).all()


def test_without_norms_of_the_whole_picture_a_restyled_instance_changes_its_surroundings_alone(local, opened):
    for style in (3, crop("red")):
        before, after = pixels(local, opened, seed=0), pixels(local, opened, seed=0, style={LEFT: style})
        change = abs(after - before).max(2)
        assert change[opened.instance_mask(LEFT)].max() > 0.02
        assert change[FAR].max() < 0.01


def test_norms_of_the_whole_picture_carry_a_restyled_instance_everywhere_but_weakly(synthesizer, opened):
    """So it is in the published network: its instance norms take the moments of all pixels."""
    before = pixels(synthesizer, opened, seed=0)
    changes = [abs(pixels(synthesizer, opened, seed=0, style={LEFT: number}) - before).mean(2) for number in range(10)]
    inside = np.mean([change[opened.instance_mask(LEFT)].mean() for change in changes])
    far = np.mean([change[FAR].mean() for change in changes])
    assert 0 < far < inside / 4


# Refusals


@pytest.mark.parametrize(
    ("style", "words"),
    [
        ({26007: 1}, r"has no instance 26007\. There are: .*26000"),
        ({"train": 1}, r"has no train\. There are: .*car"),
        ({"tree house": 1}, r"'tree house' is no class"),
        ({2.5: 1}, r"2\.5 names no part of a map"),
        ({LEFT: 10}, r"style 10: there is no such cluster.*0 to 9"),
        (10, r"style 10: there is no such cluster"),
    ],
)
def test_what_the_map_or_the_model_lacks(synthesizer, opened, style, words):
    with pytest.raises(ConfigurationError, match=words):
        synthesizer.synthesize(opened, style=style)


def test_photos_that_cannot_be_read(synthesizer, opened, tmp_path):
    with pytest.raises(DatasetError, match=r"gone\.png"):
        synthesizer.synthesize(opened, style={LEFT: tmp_path / "gone.png"})


def test_models_without_styles_of_segments_say_which_have_them(make_synthesizer, ids, opened):
    with pytest.raises(ConfigurationError, match=r"no style encoder.*model=spade_vae, model=pix2pixhd_features"):
        make_synthesizer().synthesize(opened, style=3)
    encoding = Boundary(ids)
    sizes = {"height": HEIGHT, "width": WIDTH, "norm": "batch"}
    spade = SPADEGenerator(encoding.channels, 6, 2, encoder_channels=2, spade_channels=4, **sizes)
    whole = Synthesizer(Restored({}, ids, encoding, spade, 0), HEIGHT, WIDTH, "whole", "cpu")
    with pytest.raises(ConfigurationError, match=r"whole gives a whole picture one style.*pix2pixhd_features"):
        whole.synthesize(opened, style={"car": crop("red")})


def test_without_clusters_only_a_photo_of_the_scene_has_a_style(synthesizer, opened):
    del synthesizer.clusters
    with pytest.raises(CheckpointError, match="no file of a checkpoint"):
        synthesizer.synthesize(opened)
    assert synthesizer.synthesize(opened, style=crop("red")).size == (WIDTH, HEIGHT)
    with pytest.raises(ConfigurationError, match=r"encodes the style of a photo.*--style PHOTO"):
        imitate(synthesizer, opened, crop("red"))
