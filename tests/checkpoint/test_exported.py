"""Reading `.safetensors`: corrupt, foreign and malicious files are refused."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from oasis.checkpoint import load, restore
from oasis.checkpoint.exported import write_exported
from oasis.checkpoint.resuming import find_to_resume
from oasis.errors import CheckpointError, ConfigurationError
from oasis.migration import FORMAT
from oasis.models import OASISGenerator

CLASSES = {"_target_": "oasis.labels.LabelSpace.cityscapes_ids"}
CONFIG = {
    "format": FORMAT,
    "name": "tiny",
    "label_space": CLASSES,
    "encoding": {"_target_": "oasis.encodings.Semantic", "label_space": CLASSES},
    "generator": {"_target_": "oasis.models.OASISGenerator", "_partial_": True, "_convert_": "all"}
    | {"noise_dim": 4, "channels": 2, "num_blocks": 4, "spade_channels": 4},
}


@pytest.fixture
def generator():
    return OASISGenerator(35, 4, 2, 4, spade_channels=4, init_gain=1.0).eval()


@pytest.fixture
def write(generator, tmp_path):
    def to_file(config=None, **changes):
        facts = {"config": config or CONFIG, "classes": ["road"], "progress": {"batches_seen": 7, "images_seen": 14}}
        path = tmp_path / "tiny.safetensors"
        write_exported(path, generator.state_dict(), facts)
        if changes:
            with safe_open(path, "pt") as file:
                text = json.loads(file.metadata()["panoptic_oasis"]) | changes
            save_file(load_file(path), path, {"panoptic_oasis": json.dumps(text)})
        return path

    return to_file


def test_it_comes_back(write, generator):
    restored = restore(write())
    condition, noise = torch.rand(1, 35, 32, 64), torch.rand(1, 4)
    with torch.no_grad():
        assert restored.generator(condition, noise).equal(generator(condition, noise))
    assert (restored.batches_seen, restored.config) == (7, CONFIG)
    assert restored.label_space.names[26] == "car"


def test_weights_in_any_layout(write, generator):
    before = load(write())["state_dict"]
    generator.to(memory_format=torch.channels_last)
    after = load(write())["state_dict"]
    assert all(value.equal(after[name]) for name, value in before.items())


def test_it_is_nothing_to_resume(write, tmp_path):
    with pytest.raises(CheckpointError, match="it can generate, but training cannot resume from it"):
        find_to_resume(str(write()), tmp_path, {})


def test_a_flipped_bit_is_noticed(write):
    path = write()
    content = bytearray(path.read_bytes())
    content[-1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"tiny\.safetensors: damaged"):
        load(path)


@pytest.mark.parametrize("keep", [0, 5, 500, -4])
def test_torn(write, keep):
    path = write()
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match=r"tiny\.safetensors: cannot be read, it is corrupt"):
        load(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": 2}, r"of version 2, this oasis reads version 1"),
        ({"sha256": "0"}, "damaged"),
        ({"progress": None}, "its config or its progress is invalid"),
        ({"config": "all"}, "its config or its progress is invalid"),
        ({"config": CONFIG | {"encoding": {"_target_": "os.getcwd"}}}, r"would call os\.getcwd"),
        ({"config": CONFIG | {"generator": CONFIG["generator"] | {"channels": 3}}}, "do not fit"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_the_header_may_say(write, changes, words):
    with pytest.raises(CheckpointError, match=rf"tiny\.safetensors: (?s:.*){words}"):
        restore(write(**changes))


@pytest.mark.parametrize(
    "metadata",
    [None, {"format": "pt"}, {"panoptic_oasis": "[1]"}, {"panoptic_oasis": "{}"}],
    ids=["none", "another", "list", "empty"],
)
def test_files_of_other_projects(tmp_path, metadata):
    save_file({"weight": torch.zeros(3)}, tmp_path / "other.safetensors", metadata)
    with pytest.raises(CheckpointError, match=r"other\.safetensors: not exported by this project.*oasis export"):
        load(tmp_path / "other.safetensors")


@pytest.mark.parametrize("text", ["{", "[" * 100_000], ids=["broken", "deep"])
def test_headers_that_are_no_json(tmp_path, text):
    save_file({"weight": torch.zeros(3)}, tmp_path / "other.safetensors", {"panoptic_oasis": text})
    with pytest.raises(CheckpointError, match=r"other\.safetensors: cannot be read"):
        load(tmp_path / "other.safetensors")


def test_half_precision(generator, tmp_path):
    facts = {"config": CONFIG, "classes": ["road"], "progress": {"batches_seen": 7, "images_seen": 14}}
    path = tmp_path / "half.safetensors"
    write_exported(path, generator.state_dict(), facts, half=True)
    restored = restore(path).generator.state_dict()
    for name, value in generator.state_dict().items():
        rounded = value.half().float() if value.is_floating_point() else value
        assert restored[name].dtype == value.dtype
        assert restored[name].equal(rounded), name
    stored = load_file(path)
    assert {value.dtype for value in stored.values()} == {torch.float16, torch.int64}


def test_weights_beyond_half_precision(generator, tmp_path):
    with torch.no_grad():
        generator.to_image.weight[0, 0, 0, 0] = -70_000.0
    with pytest.raises(ConfigurationError, match=r"to_image\.weight has values up to 7e\+04, but float16 ends at"):
        write_exported(tmp_path / "half.safetensors", generator.state_dict(), {}, half=True)
    assert not list(tmp_path.iterdir())
