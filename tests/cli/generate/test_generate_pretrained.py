"""`oasis generate` without a checkpoint: the bundled model."""

import shutil

import numpy as np
import pytest
from PIL import Image

from oasis import Synthesizer, bundled
from oasis.data.files.meaning import TRAIN_IDS
from oasis.errors import CheckpointError, ConfigurationError
from oasis.labels import LabelSpace


@pytest.fixture
def street(tmp_path):
    """A map of label ids in a folder of its own: a sky, a road, a car."""
    label = np.full((64, 128), 23, np.uint8)
    label[32:], label[24:40, 20:60] = 7, 26
    (tmp_path / "maps").mkdir()
    Image.fromarray(label).save(tmp_path / "maps" / "street_labelIds.png")
    instance = np.where(label == 26, 26000, label.astype(np.uint16))
    Image.fromarray(instance).save(tmp_path / "maps" / "street_instanceIds.png")
    return tmp_path / "maps" / "street_labelIds.png"


@pytest.mark.parametrize("source", ["street", "folder"])
def test_a_picture_or_a_folder_alone_is_the_input(generate, street, tmp_path, source):
    done = generate(street if source == "street" else street.parent, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.said
    assert "No checkpoint named: streets, the bundled model" in done.said
    model = Synthesizer.pretrained()
    assert Image.open(tmp_path / "out" / "street.png").size == (model.width, model.height)


def test_label_ids_train_ids_and_colors_give_the_same_picture(generate, street, tmp_path):
    label = np.asarray(Image.open(street))
    space, to_train = LabelSpace.cityscapes_ids(), {raw: train for train, raw in TRAIN_IDS.items()}
    instances = street.with_name("street_instanceIds.png")
    for name, pixels in {
        "ids": label,
        "train": np.vectorize(to_train.get)(label).astype(np.uint8),
        "colors": np.array(space.palette, np.uint8)[np.asarray(space.raw_to_class)[label]],
    }.items():
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        kind = ("--kind", "train_ids") if name == "train" else ()
        done = generate(tmp_path / f"{name}.png", "--instances", instances, "-o", tmp_path / "out" / name, *kind)
        assert done.exit_code == 0, done.said
    pictures = [Image.open(tmp_path / "out" / name / f"{name}.png").tobytes() for name in ("ids", "train", "colors")]
    assert pictures[0] == pictures[1] == pictures[2]


def test_classes_that_it_does_not_know_are_told_and_can_become_one(generate, street, tmp_path):
    label = np.zeros((64, 128), np.uint8)
    space = LabelSpace.ade20k()
    for rows, name in ((np.s_[:20], "sky"), (np.s_[20:40], "road"), (np.s_[40:], "sofa")):
        label[rows] = space.raw_to_class.index(space.names.index(name))
    Image.fromarray(label).save(tmp_path / "room.png")
    told = ("--label-space-of-input", "ade20k")
    done = generate(tmp_path / "room.png", *told, "-o", tmp_path / "out")
    assert done.exit_code == 1
    assert f"no classes of this model: sofa ({24 * 128} pixels)" in done.said
    assert "Its classes: road, sidewalk, building" in done.said
    assert "--replace '*=unlabeled'" in done.said
    done = generate(tmp_path / "room.png", *told, "--replace", "*=unlabeled", "-o", tmp_path / "out")
    assert done.exit_code == 0, done.said
    assert f"sofa as unlabeled: {24 * 128} pixels" in done.said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["No input is named"]),
        (["nowhere"], ["nowhere: no such file or folder, neither a checkpoint nor an input"]),
        (["CHECKPOINT"], ["No input is named: ", "last.ckpt is a checkpoint, and nothing follows it"]),
        (["RUN"], ["holds a checkpoint, ", "last.ckpt, and nothing follows it", "name a checkpoint before it"]),
        (["MAP", "MAP"], ["is no checkpoint but a picture", "The checkpoint comes first"]),
        (["MAP", "data=synthetic"], ["Both an input"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_what_may_be_either_is_refused(generate, semantic, street, tmp_path, arguments, words):
    run = shutil.copytree(semantic.parent.parent, tmp_path / "run")
    shutil.copy(street, run)  # a folder with both
    places = {"CHECKPOINT": semantic, "RUN": run, "MAP": street}
    done = generate(*(places.get(each, each) for each in arguments), "-o", tmp_path / "out")
    assert done.exit_code == 1
    for word in words:
        assert word in done.said, done.said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("damage", ["flipped", "torn", "gone"])
def test_a_damaged_file_says_to_install_again(generate, street, tmp_path, monkeypatch, damage):
    content = bytearray(bundled.bundled_file().read_bytes())
    content[-1000] ^= 1
    monkeypatch.setattr(bundled, "__file__", str(tmp_path / "bundled" / "__init__.py"))
    (tmp_path / "bundled").mkdir()
    if damage != "gone":
        content = content[:1000] if damage == "torn" else content
        (tmp_path / "bundled" / "streets.safetensors").write_bytes(content)
    done = generate(street, "-o", tmp_path / "out")
    assert done.exit_code == 1
    assert "streets.safetensors" in done.said
    assert "pip install --force-reinstall" in done.said
    with pytest.raises(CheckpointError, match="comes with the project"):
        Synthesizer.pretrained()


def test_another_name():
    with pytest.raises(ConfigurationError, match="is called 'towns'; there is streets"):
        Synthesizer.pretrained("towns")


def test_the_file_is_small_and_of_half_precision():
    from safetensors import safe_open

    path = bundled.bundled_file()
    assert path.stat().st_size < 6_000_000
    with safe_open(path, "pt") as file:
        kinds = {str(file.get_tensor(name).dtype) for name in file.keys()}  # noqa: SIM118
    assert kinds <= {"torch.float16", "torch.int64"}
    model = Synthesizer.pretrained()
    assert {str(each.dtype) for each in model.generator.parameters()} == {"torch.float32"}
    assert model.label_space.names == LabelSpace.cityscapes_ids().names
