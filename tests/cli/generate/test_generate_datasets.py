"""`oasis generate` from a dataset reads the samples that training reads, in any layout, and no other files."""

import numpy as np
import pytest
import yaml
from layouts import DOWNLOADS, write_folder
from omegaconf import OmegaConf
from PIL import Image
from untrained import write_checkpoint

from oasis.cli.conf import load_config
from oasis.cli.datasets import load_data
from oasis.encodings import Semantic
from oasis.synthesis import LabelMap, Synthesizer

WRITERS = {**DOWNLOADS, "folder": write_folder}
SIZE = ["data.height=32", "data.width=64"]
FOLDER = ["data.instances=instances", "label_space=cityscapes_ids"]


@pytest.fixture
def dataset(tmp_path):
    """A dataset of this layout: its root, its settings, and a checkpoint that was trained on it."""

    def make(name):
        root = WRITERS[name](tmp_path / "data" / name)
        settings = [f"data={name}", f"data.root={root}", *(FOLDER if name == "folder" else [])]
        encoding = "Semantic" if name == "bdd100k_semantic" else "Boundary"
        return root, settings, trained_on(settings, tmp_path / "runs" / name / "last.ckpt", encoding)

    return make


def trained_on(settings, path, encoding="Semantic"):
    config = load_config([*settings, *SIZE])
    space, data = (OmegaConf.to_container(part, resolve=True) for part in (config.label_space, config.data))
    return write_checkpoint(path, encoding, space, data)


def pixels(folder):
    """The pictures by their names."""
    paths = (path for path in folder.rglob("*.png") if path.name != "contact_sheet.png")
    return {path.name: np.array(Image.open(path)) for path in paths}


def expected(settings, checkpoint, split):
    """Pictures of the samples that training reads."""
    samples, synthesizer = (
        load_data([*settings, *SIZE], Semantic).dataset(split),
        Synthesizer.from_checkpoint(checkpoint),
    )
    for index in range(len(samples)):
        label, instance = (samples[index][key].numpy() for key in ("label", "instance"))
        opened = LabelMap(label, instance.astype(np.int32), samples.label_space)
        yield f"{samples[index]['name']}.png", np.array(synthesizer.synthesize(opened, seed=3))


@pytest.mark.parametrize("named", [True, False], ids=["settings", "root"])
@pytest.mark.parametrize("name", WRITERS)
def test_pictures_are_those_of_the_samples_of_training(generate, dataset, tmp_path, name, named):
    root, settings, checkpoint = dataset(name)
    split = "train" if named else "val"
    done = generate(checkpoint, *(settings if named else [root]), "-o", tmp_path / "out", "--seed", 3, "--split", split)
    assert done.exit_code == 0, done.said
    found, wanted = pixels(tmp_path / "out"), dict(expected(settings, checkpoint, split))
    assert len(found) == (3 if named else 2)
    assert found.keys() == wanted.keys()
    for each, picture in wanted.items():
        np.testing.assert_array_equal(found[each], picture)


@pytest.mark.parametrize("name", [name for name in WRITERS if name != "folder"])
def test_a_root_of_another_layout_has_to_be_named(generate, dataset, semantic, tmp_path, name):
    root, *_ = dataset(name)
    done = generate(semantic, root, "-o", tmp_path / "out")
    assert done.exit_code == 1
    assert "has the layout of a dataset, but not of the one that this model was trained on" in done.said
    assert f"`data={name} data.root={root}`" in done.said
    assert not (tmp_path / "out").exists()


def test_the_classes_of_another_dataset_are_found_by_their_names(generate, dataset, boundary, tmp_path):
    """ADE20K's 13, 3 and 21 are a person, the sky and a car; to Cityscapes' ids, a fence, a border and vegetation."""
    _, settings, _ = dataset("ade20k")
    done = generate(boundary, *settings, "-o", tmp_path / "ade20k")
    assert done.exit_code == 0, done.said
    root = write_folder(tmp_path / "streets")
    done = generate(
        boundary, "data=folder", f"data.root={root}", "data.instances=instances", "-o", tmp_path / "streets_out"
    )
    assert done.exit_code == 0, done.said
    found, wanted = pixels(tmp_path / "ade20k"), pixels(tmp_path / "streets_out")
    assert found.keys() == wanted.keys() != set()
    for each, picture in wanted.items():
        np.testing.assert_array_equal(found[each], picture)


def test_the_classes_of_a_run_are_those_of_its_dataset(generate, tmp_path):
    """Without `label_space=`, a folder of the run's own layout has the run's class file, not the default."""
    root = write_folder(tmp_path / "data")
    classes = {
        "ignore": "void",
        "classes": [{"name": name, "ids": [raw]} for name, raw in (("void", 0), ("a", 23), ("b", 24), ("c", 26))],
    }
    (tmp_path / "classes.yaml").write_text(yaml.safe_dump(classes))
    own = ["data=folder", f"data.root={root}"]
    told = [*own, "label_space=file", f"label_space.path={tmp_path / 'classes.yaml'}"]
    checkpoint = trained_on(told, tmp_path / "last.ckpt")
    for number, settings in enumerate((own, told)):
        done = generate(checkpoint, *settings, "-o", tmp_path / str(number), "--seed", 3)
        assert done.exit_code == 0, done.said
        wanted = dict(expected(told, checkpoint, "val"))
        for each, picture in pixels(tmp_path / str(number)).items():
            np.testing.assert_array_equal(picture, wanted[each])
    done = generate(checkpoint, *own, "label_space=cityscapes_ids", "-o", tmp_path / "other")
    assert done.exit_code == 1
    assert "no classes of this model: sky" in done.said


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--kind", "colors"], "--kind: of single maps"),
        (["--split", "test"], "test"),
        (["label_space=bdd100k"], "a number would be another class"),
        (["label_space=cityscapes_ids", "--label-space-of-input", "camvid"], "both name the classes"),
    ],
)
def test_options_that_do_not_fit_a_dataset(generate, dataset, tmp_path, more, said):
    _, settings, checkpoint = dataset("bdd100k_semantic")
    done = generate(checkpoint, *settings, *more, "-o", tmp_path / "out")
    assert done.exit_code == 1
    assert said in done.said
    assert not (tmp_path / "out").exists()


def test_photos_of_a_dataset_are_its_photos(dataset):
    from oasis.synthesis.batch.dataset_maps import DatasetMaps

    _, settings, _ = dataset("bdd100k")
    data = load_data([*settings, *SIZE], Semantic)
    found = DatasetMaps(data, data.label_space, "val").photos()
    assert [each.path.suffix for each in found] == [".jpg", ".jpg"]


@pytest.mark.parametrize("single", [True, False], ids=["file", "folder"])
def test_instances_of_files_of_any_name(generate, dataset, tmp_path, single):
    """SPADE's instance maps, of which the label map alone does not tell which numbers are instances."""
    root, settings, checkpoint = dataset("coco_stuff")
    end = "/val_0001.png" if single else ""
    maps = [f"{root}/val_label{end}", "--instances", f"{root}/val_inst{end}", "--instance-format", "spade"]
    done = generate(checkpoint, *maps, "-o", tmp_path / "out", "--seed", 3)
    assert done.exit_code == 0, done.said
    found, wanted = pixels(tmp_path / "out"), dict(expected(settings, checkpoint, "val"))
    assert len(found) == (1 if single else 2)
    for each, picture in found.items():
        np.testing.assert_array_equal(picture, wanted[each])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ROOT/val_label"], "--instances PATH"),
        (["ROOT/val_label", "--instances", "ROOT/val_inst"], "do not fit into 8 bits"),
        (["ROOT/val_label", "--instances", "ROOT/val_inst/val_0000.png"], "a folder beside a folder of label maps"),
        (["ROOT/val_label", "--instances", "ROOT/train_inst"], "4 names have only one of both"),
        (["ROOT/val_label", "--instances", "ROOT/val_inst", "--instance-format", "coco"], "--instance-format coco: no"),
        (["data=coco_stuff", "data.root=ROOT", "--instance-format", "spade"], "--instance-format: of single maps"),
        (["ROOT/val_img", "--from-photos", "--instances", "ROOT/val_inst"], "--instances: of label maps"),
    ],
)  # fmt: skip
def test_instances_that_do_not_fit(generate, dataset, tmp_path, words, said):
    root, _, checkpoint = dataset("coco_stuff")
    if "train_inst" in str(words):
        (root / "train_inst" / "train_0002.png").unlink()
    done = generate(checkpoint, *(word.replace("ROOT", str(root)) for word in words), "-o", tmp_path / "out")
    assert done.exit_code == 1
    assert said in done.said
    assert "instance_map=" not in done.said


def test_folders_of_instance_maps_are_not_searched_for_label_maps(generate, dataset, tmp_path):
    root, _, checkpoint = dataset("coco_stuff")
    for photos in ("train_img", "val_img"):
        (root / photos).rename(tmp_path / photos)  # so that it has the layout of no dataset
    done = generate(checkpoint, root, "-o", tmp_path / "out")
    assert done.exit_code == 1
    assert f"--instances {root / 'train_inst'}" in done.said
