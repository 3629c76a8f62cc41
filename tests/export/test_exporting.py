"""`oasis export`: exported files generate the same as the checkpoint, in other libraries too."""

import json

import pytest
import torch
import typer
from hydra.utils import instantiate
from torch.nn.utils.parametrize import is_parametrized
from typer.testing import CliRunner

from oasis.checkpoint import load, restore
from oasis.cli.export import export as export_command
from oasis.errors import CheckpointError, ConfigurationError, NoRoomError
from oasis.export import export
from oasis.export.formats import FORMATS
from oasis.export.program import fold_spectral_norms, made_up_inputs
from oasis.models import OASISGenerator


def checkpoint_config(noise_dim=4):
    classes = {"_target_": "oasis.labels.LabelSpace.cityscapes_ids"}
    encoding = {"_target_": "oasis.encodings.Boundary", "label_space": classes}
    sizes = {"noise_dim": noise_dim, "channels": 2, "num_blocks": 4, "spade_channels": 4}
    return {
        "name": "tiny",
        "label_space": classes,
        "encoding": encoding,
        "generator": {"_target_": "oasis.models.OASISGenerator", "_partial_": True, "_convert_": "all", **sizes},
        "data": {"height": 32, "width": 64, "root": "/home/someone/photos"},
    }


def write_checkpoint(path, noise_dim=4):
    torch.manual_seed(0)
    generator = OASISGenerator(36, noise_dim, 2, 4, spade_channels=4, init_gain=1.0)
    with torch.no_grad():
        for _ in range(3):  # statistics and singular vectors that are not those of the start
            generator(torch.rand(2, 36, 32, 64))
    torch.save(
        {
            "config": checkpoint_config(noise_dim),
            "progress": {"batches_seen": 3, "images_seen": 6},
            "state_dict": {f"generator.{name}": value for name, value in generator.state_dict().items()},
        },
        path,
    )
    return path


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("run") / "tiny.ckpt")


@pytest.fixture(scope="module", params=list(FORMATS))
def exported(request, checkpoint, tmp_path_factory):
    return export(checkpoint, tmp_path_factory.mktemp("out") / f"tiny{request.param}")


def test_it_generates_the_same(checkpoint, exported):
    """Three pictures, though it was made with two and compared with one."""
    assert exported.difference < 1e-5
    assert exported.bytes == exported.path.stat().st_size
    assert exported.inputs == {"condition": (1, 36, 32, 64), "noise": (1, 4, 32, 64)}
    restored = restore(checkpoint)
    inputs = made_up_inputs(restored, 3, 32, 64)
    with torch.no_grad():
        expected = restored.generator(**inputs)
    assert expected.std() > 0.01  # there is something to compare
    generated = FORMATS[exported.path.suffix].generate(exported.path, inputs)
    torch.testing.assert_close(generated, expected, rtol=0, atol=1e-5)


def test_nothing_is_left_beside_it(exported):
    assert [path.name for path in exported.path.parent.iterdir()] == [exported.path.name]


def test_what_the_file_says_of_itself(exported):
    if exported.path.suffix == ".onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(exported.path, providers=["CPUExecutionProvider"])
        text = session.get_modelmeta().custom_metadata_map["panoptic_oasis"]
        shapes = {each.name: each.shape for each in (*session.get_inputs(), *session.get_outputs())}
        assert shapes == {
            "condition": ["batch", 36, 32, 64],
            "noise": ["batch", 4, 32, 64],
            "image": ["batch", 3, 32, 64],
        }
    elif exported.path.suffix == ".pt2":
        extra = {"panoptic_oasis.json": ""}
        torch.export.load(exported.path, extra_files=extra)
        text = extra["panoptic_oasis.json"]
    else:
        from safetensors import safe_open

        with safe_open(exported.path, "pt") as file:
            text = file.metadata()["panoptic_oasis"]
    facts = json.loads(text)
    assert (facts["version"], facts["classes"][26]) == (1, "car")
    expected = checkpoint_config()
    for name in ("name", "label_space", "encoding"):
        assert facts["config"][name] == expected[name]
    assert facts["config"]["generator"].items() >= expected["generator"].items()  # and settings that came later
    assert (facts["config"]["data"]["height"], facts["config"]["data"]["width"]) == (32, 64)
    assert "someone" not in text


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_generator_without_noise(tmp_path, suffix):
    exported = export(write_checkpoint(tmp_path / "tiny.ckpt", noise_dim=0), tmp_path / f"tiny{suffix}")
    assert list(exported.inputs) == ["condition"]
    assert exported.difference < 1e-5


def test_a_run_folder_and_its_average(fit, tmp_path):
    run = fit("run", "trainer.max_epochs=1", "generator.init_gain=1", "encoding=panoptic")
    exported = export(run, tmp_path / "average.safetensors")
    again, before = restore(exported.path), restore(run / "checkpoints" / "last.ckpt")
    assert again.batches_seen == before.batches_seen > 0
    assert type(again.encoding) is type(before.encoding)
    for name, value in before.generator.state_dict().items():
        assert again.generator.state_dict()[name].equal(value), name
    trained = load(run / "checkpoints" / "last.ckpt")["state_dict"]["generator.to_image.weight"]
    assert not trained.equal(before.generator.to_image.weight)
    export(exported.path, tmp_path / "again.pt2")  # what was exported can be exported


def test_folding_keeps_the_weights_and_the_original(checkpoint):
    restored = restore(checkpoint)
    folded = fold_spectral_norms(restored)
    for ours, theirs in zip(folded.blocks, restored.generator.blocks, strict=True):
        assert is_parametrized(theirs.conv_0)
        assert not is_parametrized(ours.conv_0)
        assert ours.conv_0.weight.equal(theirs.conv_0.weight)


def test_made_up_inputs_are_maps(checkpoint):
    restored = restore(checkpoint)
    inputs = made_up_inputs(restored, 2, 32, 64)
    classes = inputs["condition"][:, :35]
    assert classes.sum(1).eq(1).all()
    assert inputs["condition"][:, 35].any()  # things touch
    assert all(value.equal(inputs[name]) for name, value in made_up_inputs(restored, 2, 32, 64).items())


def test_another_size(checkpoint, tmp_path):
    exported = export(checkpoint, tmp_path / "small.pt2", height=16, width=24)
    assert exported.inputs["condition"] == (1, 36, 16, 24)
    with pytest.raises(ConfigurationError, match=r"20x64.*multiples of 8"):
        export(checkpoint, tmp_path / "odd.pt2", height=20)


def test_half_precision(checkpoint, tmp_path):
    whole, half = (export(checkpoint, tmp_path / f"{each}.safetensors", half=each) for each in (False, True))
    assert half.bytes < 0.65 * whole.bytes  # the header stays
    assert 0 < half.difference < 0.02
    assert restore(half.path).generator.to_image.weight.dtype == torch.float32


def test_as_typed(checkpoint, tmp_path):
    app = typer.Typer()
    app.command()(export_command)
    done = CliRunner().invoke(app, [str(checkpoint), "-o", str(tmp_path / "new" / "tiny.safetensors")])
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert "condition (B, 36, 32, 64) float32, noise (B, 4, 32, 64) float32. Output: image (B, 3, H, W)" in said
    assert "largest difference 0.0e+00" in said
    assert (tmp_path / "new" / "tiny.safetensors").is_file()


def test_segments_are_integers(tmp_path):
    """Those of INADE, as onnxruntime wants them."""
    sizes = {"noise_dim": 4, "channels": 2, "num_blocks": 4, "init_gain": 1.0}
    config = checkpoint_config()
    config["generator"] = {"_target_": "oasis.models.INADEGenerator", "_partial_": True, "_convert_": "all", **sizes}
    generator = instantiate(config["generator"])(condition_channels=36, num_classes=35)
    weights = {f"generator.{name}": value for name, value in generator.state_dict().items()}
    progress = {"batches_seen": 3, "images_seen": 6}
    torch.save({"config": config, "progress": progress, "state_dict": weights}, tmp_path / "inade.ckpt")
    app = typer.Typer()
    app.command()(export_command)
    done = CliRunner().invoke(app, [str(tmp_path / "inade.ckpt"), "-o", str(tmp_path / "inade.onnx")])
    assert done.exit_code == 0, done.output
    types = {"tensor(int64)": "int64", "tensor(float)": "float32"}
    onnxruntime = pytest.importorskip("onnxruntime")
    for each in onnxruntime.InferenceSession(tmp_path / "inade.onnx").get_inputs():
        shape = ", ".join(map(str, each.shape[1:]))
        assert f"{each.name} (B, {shape}) {types[each.type]}" in " ".join(done.output.split())
    assert "segments (B, 32, 64) int64" in done.output


# Bad input


@pytest.mark.parametrize("name", ["tiny", "tiny.pth", "tiny.ONNX", ".onnx"])
def test_unknown_suffixes(checkpoint, tmp_path, name):
    with pytest.raises(ConfigurationError, match=r"must end in \.safetensors, \.onnx, \.pt2"):
        export(checkpoint, tmp_path / name)


def test_half_precision_of_other_formats(checkpoint, tmp_path):
    with pytest.raises(ConfigurationError, match=r"--half .*tiny\.pt2: float16 is for \.safetensors"):
        export(checkpoint, tmp_path / "tiny.pt2", half=True)


def test_nothing_is_overwritten(checkpoint, tmp_path):
    target = tmp_path / "tiny.safetensors"
    target.write_text("mine")
    with pytest.raises(ConfigurationError, match=r"tiny\.safetensors is there already.*--force"):
        export(checkpoint, target)
    assert target.read_text() == "mine"
    export(checkpoint, target, force=True)
    assert restore(target).batches_seen == 3


def test_missing_packages_are_named(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "onnxscript" else object())
    with pytest.raises(ConfigurationError, match=r"needs onnxscript, not installed.*panoptic-oasis\[export\]"):
        export(checkpoint, tmp_path / "tiny.onnx")


def test_an_export_that_generates_other_pictures_is_deleted(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(FORMATS[".pt2"], "generate", lambda path, inputs: torch.zeros(1, 3, 32, 64), raising=False)
    before = tmp_path / "tiny.pt2"
    before.write_text("mine")
    with pytest.raises(ConfigurationError, match=r"generates other pictures.*deleted"):
        export(checkpoint, before, force=True)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_a_full_disk(checkpoint, tmp_path, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(NoRoomError, match=r"tiny\.safetensors: could not be written, no space left"):
        export(checkpoint, tmp_path / "tiny.safetensors")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be(checkpoint, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"--output .*cannot be written"):
        export(checkpoint, tmp_path / "file" / "tiny.safetensors")


def test_a_checkpoint_that_is_none(tmp_path, checkpoint):
    with pytest.raises(CheckpointError, match=r"gone\.ckpt: no such checkpoint"):
        export(tmp_path / "gone.ckpt", tmp_path / "tiny.pt2")
    content = torch.load(checkpoint, weights_only=True)
    del content["config"]["data"]
    torch.save(content, tmp_path / "sizeless.ckpt")
    with pytest.raises(CheckpointError, match=r"sizeless\.ckpt: its configuration has no data\.height; give --height"):
        export(tmp_path / "sizeless.ckpt", tmp_path / "tiny.pt2")
