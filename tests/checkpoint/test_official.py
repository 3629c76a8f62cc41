"""Official state dicts to checkpoints; what the networks then compute is compared in tests/golden."""

import zipfile

import pytest
import torch
from official_states import discriminator_shapes, generator_shapes, made_up

from oasis.checkpoint import load, restore
from oasis.checkpoint.official import import_official
from oasis.checkpoint.official.names import official_names
from oasis.checkpoint.resuming import find_to_resume
from oasis.checkpoint.starting import start_from
from oasis.errors import CheckpointError, ConfigurationError
from oasis.models import OASISGenerator

TINY = {"channels": 1, "spade": 2}


@pytest.fixture
def save(tmp_path):
    def write(shapes, name="best_EMA.pth"):
        torch.save(made_up(shapes), tmp_path / name)
        return tmp_path / name

    return write


@pytest.mark.parametrize(
    ("classes", "noise", "label_space", "size"),
    [
        (35, 64, "cityscapes_ids", (256, 512)),
        (35, 0, "cityscapes_ids", (256, 512)),
        (20, 0, "cityscapes_train_ids", (256, 512)),
        (151, 64, "ade20k", (256, 256)),
        (183, 64, "coco_stuff", (256, 256)),
    ],
)
def test_sizes_are_found_out(save, tmp_path, classes, noise, label_space, size):
    shapes = generator_shapes(classes, noise, **TINY)
    imported = import_official(save(shapes), tmp_path / "out.ckpt")
    assert imported.num_classes == classes
    learnt = {n: s for n, s in shapes.items() if n.endswith(("weight", "weight_orig", "bias"))}
    assert imported.parameters == {"generator": sum(torch.Size(shape).numel() for shape in learnt.values())}
    restored = restore(tmp_path / "out.ckpt")
    assert restored.config["label_space"] == {"_target_": f"oasis.labels.LabelSpace.{label_space}"}
    assert restored.label_space.num_classes == restored.encoding.channels == classes
    assert (restored.config["data"]["height"], restored.config["data"]["width"]) == size
    assert (restored.generator.noise_dim, restored.batches_seen) == (noise, 0)


def test_a_generator_of_ours_comes_back(tmp_path):
    """Of other widths, depths and kernels than published, without a spectral norm."""
    settings = {"noise_dim": 5, "channels": 2, "num_blocks": 7, "spade_channels": 3, "spade_kernel": 5}
    ours = OASISGenerator(35, **settings, spectral_norm=False, norm="instance", init_gain=1.0).eval()
    weights = ours.state_dict()
    torch.save({theirs: weights[name] for name, theirs in official_names(weights).items()}, tmp_path / "our_G.pth")
    import_official(tmp_path / "our_G.pth", tmp_path / "out.ckpt", noise_dim=5)
    again = restore(tmp_path / "out.ckpt").generator
    condition, noise = torch.rand(1, 35, 64, 128), torch.rand(1, 5)
    with torch.no_grad():
        assert again(condition, noise).equal(ours(condition, noise))


def test_every_official_name_is_one_of_ours():
    with torch.device("meta"):
        ours = OASISGenerator(35, channels=1, spade_channels=2).state_dict()
    named = {theirs: tuple(ours[name].shape) for name, theirs in official_names(ours).items()}
    assert named == generator_shapes(35, **TINY)


@pytest.mark.parametrize("how", ["before torch 1.6", "DataParallel", "half"])
def test_other_ways_to_write_the_same(save, tmp_path, how):
    file = save(generator_shapes(35, **TINY))
    import_official(file, tmp_path / "plain.ckpt")
    state = torch.load(file, weights_only=True)
    if how == "DataParallel":
        torch.save({f"module.{name}": value for name, value in state.items()}, file)
    elif how == "half":
        torch.save({name: value.half() for name, value in state.items()}, file)
    else:
        torch.save(state, file, _use_new_zipfile_serialization=False)
        assert not zipfile.is_zipfile(file)
    import_official(file, tmp_path / "other.ckpt")
    plain, other = (restore(tmp_path / f"{name}.ckpt").generator.state_dict() for name in ("plain", "other"))
    for name, value in plain.items():
        assert other[name].dtype == value.dtype
        relative, absolute = (1e-3, 1e-7) if how == "half" else (0, 0)
        torch.testing.assert_close(other[name], value, rtol=relative, atol=absolute)


def test_the_discriminator_tells_classes_from_noise(save, tmp_path):
    generator = save(generator_shapes(35, 10, **TINY))
    with pytest.raises(CheckpointError, match=r"best_EMA\.pth: its generator reads 45 channels\. .*--noise-dim"):
        import_official(generator, tmp_path / "out.ckpt")
    discriminator = save(discriminator_shapes(35, channels=4), "best_D.pth")
    imported = import_official(generator, tmp_path / "out.ckpt", discriminator)
    assert imported.config["generator"]["noise_dim"] == 10
    assert imported.config["discriminator"]["channels"] == 4


def test_fine_tuning_starts_from_both_networks(save, tmp_path, fit, composed, tiny_overrides):
    from hydra.utils import instantiate

    files = save(generator_shapes(35, **TINY)), save(discriminator_shapes(35, channels=4), "best_D.pth")
    output = tmp_path / "out.ckpt"
    import_official(files[0], output, files[1])
    sizes = ["generator.channels=1", "generator.spade_channels=2", "generator.noise_dim=64", "generator.num_blocks=6"]
    cfg = composed(*tiny_overrides, *sizes, "discriminator.num_blocks=6", f"paths.output_dir={tmp_path}")
    model = instantiate(cfg.model, condition_channels=35)
    assert start_from(output, model) == ["generator", "discriminator"]
    found = load(output)["state_dict"]
    for name, network in (("generator", model.generator), ("discriminator", model.discriminator)):
        assert all(value.equal(found[f"{name}.{key}"]) for key, value in network.state_dict().items())
    other = instantiate(composed(*tiny_overrides, f"paths.output_dir={tmp_path}").model, condition_channels=35)
    with pytest.raises(CheckpointError, match=r"out\.ckpt: its generator is not that of this run, \d+ tensors differ"):
        start_from(output, other)
    with pytest.raises(CheckpointError, match=r"it can generate, but training cannot resume from it"):
        find_to_resume(str(output), tmp_path, {})


def test_size_of_the_pictures(save, tmp_path):
    file, output = save(generator_shapes(35, **TINY)), tmp_path / "out.ckpt"
    import_official(file, output, height=128, width=320)
    data = load(output)["config"]["data"]
    assert (data["height"], data["width"]) == (128, 320)
    with pytest.raises(ConfigurationError, match=r"100x512.*multiples of 32"):
        import_official(file, tmp_path / "other.ckpt", height=100)


def test_nothing_is_overwritten(save, tmp_path):
    file, output = save(generator_shapes(35, **TINY)), tmp_path / "out.ckpt"
    output.write_text("mine")
    with pytest.raises(ConfigurationError, match=r"out\.ckpt is there already.*--force"):
        import_official(file, output)
    assert output.read_text() == "mine"
    import_official(file, output, force=True)
    assert restore(output).generator.condition_channels == 35
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best_EMA.pth", "out.ckpt"]


# Bad input


def changed(state, how):
    if how == "missing":
        del state["body.2.norm_1.mlp_gamma.bias"], state["body.0.conv_0.weight_u"]
    elif how == "left over":
        state["body.0.extra.weight"] = torch.zeros(1)
    elif how == "of another shape":
        state["body.1.conv_1.bias"] = torch.zeros(7)
    elif how == "another width":
        state["fc.weight"] = state["fc.weight"][:-1]
    elif how == "a name that is none":
        state[3] = torch.zeros(1)
    elif how == "more than tensors":
        state["epoch"] = 3
    elif how == "expanded":
        state["conv_img.bias"] = torch.zeros(1).expand(10**9)
    return state


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("missing", r"2 missing: .*body\.0\.conv_0\.weight_u.*body\.2\.norm_1\.mlp_gamma\.bias|2 missing"),
        ("left over", r"1 left over: body\.0\.extra\.weight"),
        ("of another shape", r"1 of another shape: body\.1\.conv_1\.bias is \(7,\), not \(16,\)"),
        ("another width", r"fc\.weight has 15 outputs"),
        ("a name that is none", "its 3 is a Tensor"),
        ("more than tensors", "its 'epoch' is a int"),
        ("expanded", r"claim 4000\d+ bytes"),
    ],
)
def test_what_does_not_fit_is_named(save, tmp_path, how, words):
    file = save(generator_shapes(35, **TINY))
    torch.save(changed(torch.load(file, weights_only=True), how), file)
    with pytest.raises(CheckpointError, match=rf"best_EMA\.pth: (?s:.*){words}"):
        import_official(file, tmp_path / "out.ckpt")
    assert not (tmp_path / "out.ckpt").exists()


def test_networks_that_are_mixed_up(save, tmp_path):
    generator = save(generator_shapes(35, **TINY))
    discriminator = save(discriminator_shapes(35, channels=4), "best_D.pth")
    with pytest.raises(CheckpointError, match=r"best_D\.pth: a discriminator\. Give the generator"):
        import_official(discriminator, tmp_path / "out.ckpt")
    with pytest.raises(CheckpointError, match=r"best_EMA\.pth: a generator, given as --discriminator"):
        import_official(generator, tmp_path / "out.ckpt", generator)
    with pytest.raises(ConfigurationError, match=r"--noise-dim 63.*64 are left"):
        import_official(generator, tmp_path / "out.ckpt", discriminator, noise_dim=63)
    other = save(discriminator_shapes(20, channels=4), "other_D.pth")
    with pytest.raises(ConfigurationError, match=r"seems to know 35 classes, the discriminator 20: .*--noise-dim 79"):
        import_official(generator, tmp_path / "out.ckpt", other)
    import_official(generator, tmp_path / "out.ckpt", other, noise_dim=79)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            {"head_0.conv_0.weight": torch.zeros(2, 2, 3, 3)},
            r"not an official SPADE generator: head_0\.norm_0\..* is missing",
        ),
        ({"fc.weight": torch.zeros(3)}, r"not a generator of the official OASIS, SPADE or pix2pixHD.* fc\.weight"),
        ({"fc.weight": torch.zeros(3), "body.0": torch.zeros(3)}, r"fc\.weight is of shape \(3,\)"),
        ({}, "holds a dict"),
        ([torch.zeros(1)], "holds a list"),
        ({"config": {}, "progress": {}, "state_dict": {}}, "a checkpoint of this project already"),
    ],
)
def test_another_file(tmp_path, content, words):
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match=rf"other\.pth: .*{words}"):
        import_official(tmp_path / "other.pth", tmp_path / "out.ckpt")


def test_torn_missing_packed(save, tmp_path):
    file = save(generator_shapes(35, **TINY))
    content = file.read_bytes()
    with zipfile.ZipFile(tmp_path / "published.zip", "w") as archive:
        archive.write(file, "models/best_EMA.pth")
    with pytest.raises(CheckpointError, match=r"published\.zip: an archive.*models/best_EMA\.pth"):
        import_official(tmp_path / "published.zip", tmp_path / "out.ckpt")
    for torn in (content[: len(content) // 2], b"", b"<html>not found</html>"):
        file.write_bytes(torn)
        with pytest.raises(CheckpointError, match=r"best_EMA\.pth: cannot be read, it is corrupt"):
            import_official(file, tmp_path / "out.ckpt")
    with pytest.raises(CheckpointError, match=r"gone\.pth: no such file.*boschresearch/OASIS"):
        import_official(tmp_path / "gone.pth", tmp_path / "out.ckpt")
    with pytest.raises(ConfigurationError, match=r"out\.pth: a checkpoint's name ends in \.ckpt"):
        import_official(file, tmp_path / "out.pth")


class Payload:
    def __reduce__(self):
        return print, ("code ran",)


def test_nothing_in_a_file_is_run(tmp_path, capsys):
    torch.save({"fc.weight": Payload()}, tmp_path / "evil.pth")
    with pytest.raises(CheckpointError, match=r"evil\.pth: cannot be read"):
        import_official(tmp_path / "evil.pth", tmp_path / "out.ckpt")
    assert "code ran" not in capsys.readouterr().out
