"""Files of the official SPADE and pix2pixHD to checkpoints; names and shapes are those of `baseline_states`."""

import baseline_states as official
import pytest
import torch
from official_states import made_up

from oasis.checkpoint import load, restore
from oasis.checkpoint.official import import_official
from oasis.checkpoint.official.names import pix2pixhd_names
from oasis.errors import CheckpointError, ConfigurationError
from oasis.models import FeatureEncoder, Pix2PixHDGenerator, Pix2PixHDLocalEnhancer, SPADEGenerator, encodes_style


@pytest.fixture
def save(tmp_path):
    def write(shapes, name="latest_net_G.pth"):
        torch.save(made_up(shapes), tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out.ckpt"


def learnt(shapes):
    return sum(torch.Size(s).numel() for n, s in shapes.items() if n.endswith(("weight", "weight_orig", "bias")))


@pytest.mark.parametrize(
    ("condition", "encoding", "label_space", "size"),
    [
        (35, "Semantic", "cityscapes_ids", (256, 512)),
        (36, "Boundary", "cityscapes_ids", (256, 512)),
        (151, "Semantic", "ade20k", (256, 256)),
        (183, "Semantic", "coco_stuff", (256, 256)),
        (184, "Boundary", "coco_stuff", (256, 256)),
    ],
)
def test_spade_of_every_dataset(save, out, condition, encoding, label_space, size):
    shapes = official.spade_generator(condition, channels=1)
    seen = official.spade_discriminator(condition + 3, channels=2)
    imported = import_official(save(shapes), out, save(seen, "latest_net_D.pth"))
    assert imported.parameters == {"generator": learnt(shapes), "discriminator": learnt(seen)}
    assert "--more-upsampling" in imported.notes[0]
    restored = restore(out)
    assert type(restored.generator) is SPADEGenerator
    assert type(restored.encoding).__name__ == encoding
    assert restored.encoding.channels == condition
    assert restored.config["label_space"] == {"_target_": f"oasis.labels.LabelSpace.{label_space}"}
    assert (restored.config["data"]["height"], restored.config["data"]["width"]) == size
    assert restored.config["name"].startswith("official_spade_")


@pytest.mark.parametrize("edges", [False, True])
def test_classes_keep_their_weights_where_spade_numbers_them_otherwise(save, out, edges):
    """SPADE's class k of COCO-Stuff is raw id k, and `unknown` the last; the edges come behind all classes."""
    condition = 183 + edges
    file = save(official.spade_generator(condition, channels=1))
    other = save(official.spade_discriminator(condition + 3, channels=2), "latest_net_D.pth")
    import_official(file, out, other)
    restored, weights = restore(out), load(out)["state_dict"]
    theirs = torch.load(file, weights_only=True)
    for raw in (0, 2, 90, 181, 255):
        ours = restored.label_space.raw_to_class[raw]
        k = 182 if raw == 255 else raw
        for name, stored in (
            ("stem.weight", "fc.weight"),
            ("blocks.4.spade_s.shared.weight", "up_1.norm_s.mlp_shared.0.weight"),
        ):
            assert weights[f"generator.{name}"][:, ours].equal(theirs[stored][:, k]), (raw, name)
        seen = torch.load(other, weights_only=True)["discriminator_1.model0.0.weight"]
        first = weights["discriminator.scales.1.0.0.weight"]
        assert first[:, ours].equal(seen[:, k])
    assert first[:, 183:].equal(seen[:, 183:]), "edges and the picture"
    if edges:
        assert weights["generator.stem.weight"][:, 183].equal(theirs["fc.weight"][:, 183])


@pytest.mark.parametrize(
    ("start", "condition", "settings", "size", "more"),
    [
        ((8, 16), 36, {}, (256, 512), False),
        ((4, 8), 36, {}, (256, 512), True),  # SPADE's own settings of Cityscapes
        ((4, 8), 36, {"more_upsampling": False}, (128, 256), False),
        ((2, 4), 36, {}, (64, 128), False),
        ((2, 4), 36, {"height": 64, "width": 128}, (64, 128), False),
        ((2, 4), 36, {"height": 128, "width": 64}, (128, 64), False),
        ((8, 8), 151, {}, (256, 256), False),
    ],
)
def test_the_size_of_a_latent_start(save, out, start, condition, settings, size, more):
    file = save(official.spade_generator(condition, channels=1, latent=256, start=start))
    assert import_official(file, out, **settings).notes == ()
    restored = restore(out)
    generator = restored.generator
    assert (generator.noise_dim, generator.size_divisor) == (256, 64 if more else 32)
    assert (restored.config["data"]["height"], restored.config["data"]["width"]) == size
    assert not encodes_style(generator)


def test_a_style_encoder(save, out):
    generator = save(official.spade_generator(channels=1, latent=256))
    encoder = save(official.spade_encoder(channels=2), "latest_net_E.pth")
    imported = import_official(generator, out, encoder=encoder)
    assert imported.config["generator"]["encoder_channels"] == 2
    restored = restore(out).generator
    assert encodes_style(restored)
    theirs = torch.load(encoder, weights_only=True)
    assert restored.style_encoder.mean.weight.equal(theirs["fc_mu.weight"])
    plain = save(official.spade_generator(channels=1), "plain.pth")
    with pytest.raises(CheckpointError, match=r"latest_net_E\.pth: .*styles of 256 numbers, but .*no latent vector"):
        import_official(plain, out, encoder=encoder, force=True)
    with pytest.raises(CheckpointError, match=r"plain\.pth: not an official SPADE encoder.*\*_net_E\.pth"):
        import_official(generator, out, encoder=plain, force=True)


@pytest.mark.parametrize(
    ("shapes", "kind", "size"),
    [
        (official.pix2pixhd_generator(35, channels=2), Pix2PixHDGenerator, (512, 1024)),
        (official.pix2pixhd_generator(36, channels=2), Pix2PixHDGenerator, (512, 1024)),
        (official.pix2pixhd_local(36, channels=1), Pix2PixHDLocalEnhancer, (1024, 2048)),
        (official.pix2pixhd_generator(152, channels=1), Pix2PixHDGenerator, (512, 1024)),
    ],
)
def test_pix2pixhd(save, out, shapes, kind, size):
    condition = shapes["model.1.weight"][1]
    seen = official.pix2pixhd_discriminator(condition + 3, channels=2)
    imported = import_official(save(shapes), out, save(seen, "latest_net_D.pth"))
    assert imported.parameters == {"generator": learnt(shapes), "discriminator": learnt(seen)}
    restored = restore(out)
    assert type(restored.generator) is kind
    assert restored.encoding.channels == condition
    assert (restored.config["data"]["height"], restored.config["data"]["width"]) == size


@pytest.mark.parametrize("local", [False, True])
@pytest.mark.parametrize("condition", [35, 36, 152])
def test_pix2pixhd_with_instance_features(save, out, condition, local):
    """Pictures are those of the parts, imported alone and put together by hand."""
    shapes = (official.pix2pixhd_local if local else official.pix2pixhd_generator)(condition + 3, channels=2)
    seen = official.pix2pixhd_discriminator(condition + 3, channels=2)
    encoder = save(official.pix2pixhd_encoder(2), "E.pth")
    generator = save(shapes)
    imported = import_official(generator, out, save(seen, "D.pth"), encoder)
    of_encoder = learnt(official.pix2pixhd_encoder(2))
    assert imported.parameters == {"generator": learnt(shapes) + of_encoder, "discriminator": learnt(seen)}
    restored = restore(out)
    assert (restored.encoding.channels, restored.generator.noise_dim) == (condition, 3)
    assert restored.config["data"]["height"] == (1024 if local else 512)
    alone = (Pix2PixHDLocalEnhancer if local else Pix2PixHDGenerator)(condition + 3, 2)
    theirs = torch.load(generator, weights_only=True)
    alone.load_state_dict({name: theirs[other] for name, other in pix2pixhd_names(alone.state_dict()).items()})
    features = FeatureEncoder(3, 2)
    theirs = torch.load(encoder, weights_only=True)
    features.load_state_dict({name: theirs[other] for name, other in pix2pixhd_names(features.state_dict()).items()})
    torch.manual_seed(0)
    photo, seen = torch.rand(1, 3, 64, 64), torch.rand(1, condition, 64, 64)
    segments = torch.randint(0, 3, (1, 64, 64))
    with torch.no_grad():
        expected = alone(torch.cat([seen, features(photo, segments, 3)], 1))
        found = restored.generator(seen, restored.generator.encode_style(photo, segments).mean)
    torch.testing.assert_close(found, expected)


def test_an_encoder_of_something_else(save, out):
    plain, styled = save(official.pix2pixhd_generator(36, 2), "plain.pth"), save(official.pix2pixhd_generator(39, 2))
    encoder = save(official.pix2pixhd_encoder(2), "E.pth")
    with pytest.raises(CheckpointError, match=r"E\.pth: an encoder of 3 features, but .*plain\.pth reads 36 channels"):
        import_official(plain, out, encoder=encoder)
    with pytest.raises(CheckpointError, match=r"plain\.pth: not an official pix2pixHD feature encoder"):
        import_official(styled, out, encoder=plain)
    spade = save(official.spade_encoder(2), "spade_E.pth")
    with pytest.raises(CheckpointError, match=r"spade_E\.pth: not an official pix2pixHD feature encoder"):
        import_official(styled, out, encoder=spade)
    assert not out.exists()


def test_moments_that_old_releases_of_torch_saved_for_instance_norms(save, out):
    shapes = official.pix2pixhd_generator(36, channels=2) | {"model.2.running_mean": (2,), "model.2.running_var": (2,)}
    import_official(save(shapes), out)
    assert isinstance(restore(out).generator, Pix2PixHDGenerator)


# What does not fit


def test_a_local_enhancer_is_not_taken_for_a_global_generator(save, out):
    half = {name: shape for name, shape in official.pix2pixhd_local(channels=2).items() if name.startswith("model.")}
    with pytest.raises(CheckpointError, match=r"latest_net_G\.pth: the global part of a local enhancer.*model\.38"):
        import_official(save(half), out)


@pytest.mark.parametrize(
    ("generator", "discriminator", "words"),
    [
        (official.spade_generator(36, 1), official.spade_discriminator(38, 2), r"maps of 35 channels.* have 36"),
        (
            official.pix2pixhd_generator(35, 2),
            official.pix2pixhd_discriminator(39, 2),
            r"of 36 channels.* have 35",
        ),
        (official.spade_generator(36, 1), official.pix2pixhd_discriminator(39, 2), r"no SPADE discriminator"),
        (official.pix2pixhd_generator(36, 2), official.spade_discriminator(39, 2), r"no pix2pixHD discriminator"),
        (official.spade_generator(36, 1), official.spade_generator(36, 1), r"no SPADE discriminator"),
    ],
)
def test_a_discriminator_of_something_else(save, out, generator, discriminator, words):
    with pytest.raises(CheckpointError, match=rf"other_D\.pth.*{words}"):
        import_official(save(generator), out, save(discriminator, "other_D.pth"))
    assert not out.exists()


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (official.spade_generator(51, 1), r"reads label maps of 51 channels.*151 \(ade20k\).*one channel of edges"),
        (official.pix2pixhd_generator(51, 2), r"reads label maps of 51 channels"),
        (official.pix2pixhd_generator(39, 2), r"instance features.*--encoder \*_net_E\.pth"),
        (official.pix2pixhd_encoder(2), r"a feature encoder of pix2pixHD"),
        (official.spade_encoder(2), r"an encoder\. Give the generator first.*--encoder"),
        (official.spade_discriminator(39, 2), r"a discriminator\. Give the generator first.*--discriminator"),
        (official.pix2pixhd_discriminator(39, 2), r"a discriminator\. Give the generator first.*--discriminator"),
        (
            official.spade_generator(36, 1) | {"up_4.extra": (1,)},
            r"not quite an official SPADE generator; of its tensors are\n  1 left over: up_4",
        ),
    ],
)
def test_another_network(save, out, shapes, words):
    with pytest.raises(CheckpointError, match=rf"latest_net_G\.pth: .*{words}"):
        import_official(save(shapes), out)


def test_settings_of_another_release(save, out):
    spade, pix2pixhd = save(official.spade_generator(36, 1)), save(official.pix2pixhd_generator(36, 2), "other.pth")
    with pytest.raises(ConfigurationError, match=r"--noise-dim 3: .*not of OASIS"):
        import_official(spade, out, noise_dim=3)
    with pytest.raises(ConfigurationError, match=r"--more-upsampling: .*other\.pth is not of SPADE"):
        import_official(pix2pixhd, out, more_upsampling=True)
    latent = save(official.spade_generator(36, 1, latent=256))
    with pytest.raises(ConfigurationError, match=r"has 8 pixels, which is not 1/32 or 1/64 of 100x100"):
        import_official(latent, out, height=100, width=100)
