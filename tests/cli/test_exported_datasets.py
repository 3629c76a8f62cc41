"""Exported models read the dataset that they were trained on, and no other as if it were theirs."""

import json

import numpy as np
import pytest
import yaml
from layouts import DOWNLOADS, write_ade20k, write_bdd100k, write_folder
from omegaconf import OmegaConf
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner
from untrained import DATA, write_checkpoint

from oasis.bundled import bundled_file
from oasis.checkpoint import restore
from oasis.cli import app
from oasis.cli.arguments import require_groups
from oasis.cli.conf import load_config
from oasis.cli.evaluation import data_of
from oasis.data import BDD100K, Cityscapes, Folder
from oasis.errors import CheckpointError, ConfigurationError
from oasis.export import export
from oasis.synthesis import Synthesizer
from oasis.synthesis.batch.dataset_maps import dataset_target, own_dataset, trained_on


@pytest.fixture
def trained(tmp_path):
    """A checkpoint, and what is exported of it, of a model of some settings of the data."""

    def make(*settings):
        config = load_config([*settings, "data.height=32", "data.width=64"])
        space, data = (OmegaConf.to_container(part, resolve=True) for part in (config.label_space, config.data))
        checkpoint = write_checkpoint(tmp_path / "run" / "last.ckpt", "Semantic", space, data)
        return checkpoint, export(checkpoint, tmp_path / "model.safetensors", force=True).path

    return make


def config_of(path):
    with safe_open(path, "pt") as file:
        return json.loads(file.metadata()["panoptic_oasis"])["config"]


def with_config(path, config):
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    facts = json.loads(metadata["panoptic_oasis"]) | {"config": config}
    save_file(load_file(path), path, metadata | {"panoptic_oasis": json.dumps(facts)})
    return path


def as_before(path):
    """What earlier versions exported: Cityscapes, whatever the model was trained on."""
    config = config_of(path)
    config.pop("exporter", None)
    dataset = {"_target_": "oasis.data.Cityscapes", "_partial_": True}
    config["data"] |= {"_target_": "oasis.data.build_data_module", "dataset": dataset, "root": None}
    return with_config(path, config)


def generate(*arguments):
    done = CliRunner().invoke(app, ["generate", *(str(argument) for argument in arguments)])
    return done.exit_code, (done.output + done.stderr).replace("\n", "")


def pixels(folder):
    paths = (path for path in folder.rglob("*.png") if path.name != "contact_sheet.png")
    return {path.name: np.array(Image.open(path)) for path in paths}


def test_what_an_export_says_of_its_dataset(trained, tmp_path):
    _, exported = trained("data=ade20k", "data.root=/home/someone/ade")
    assert config_of(exported)["data"]["dataset"] == {"_target_": "oasis.data.ADE20K", "_partial_": True}
    assert "someone" not in json.dumps(config_of(exported))
    again = export(exported, tmp_path / "again.safetensors").path
    assert config_of(again) == config_of(exported)
    _, streets = trained("data=synthetic")
    assert config_of(streets)["data"]["dataset"]["_target_"] == "oasis.data.Cityscapes"  # whose layout they have


@pytest.mark.parametrize("name", DOWNLOADS)
def test_the_dataset_of_training_is_recognized_by_its_folder(trained, tmp_path, name):
    root = DOWNLOADS[name](tmp_path / "data")
    checkpoint, exported = trained(f"data={name}", f"data.root={root}")
    ours, theirs = (own_dataset(Synthesizer.from_checkpoint(each), root).source for each in (checkpoint, exported))
    assert (type(ours), ours.identity()) == (type(theirs), theirs.identity())


def test_its_pictures_are_those_of_the_checkpoint(trained, tmp_path):
    root = write_ade20k(tmp_path / "data")
    for name, model in zip(("checkpoint", "exported"), trained("data=ade20k", f"data.root={root}"), strict=True):
        code, said = generate(model, root, "-o", tmp_path / name, "--seed", 3)
        assert code == 0, said
    ours, theirs = pixels(tmp_path / "checkpoint"), pixels(tmp_path / "exported")
    assert ours.keys() == theirs.keys() != set()
    assert all(np.array_equal(picture, theirs[name]) for name, picture in ours.items())


@pytest.mark.parametrize("earlier", [False, True])
def test_maps_of_cityscapes_are_not_read_as_classes_of_ade20k(trained, tiny, tmp_path, earlier):
    _, exported = trained("data=ade20k", "data.root=nowhere")
    if earlier:
        as_before(exported)
    code, said = generate(exported, tiny.root, "-o", tmp_path / "out")
    assert code == 1
    assert "has the layout of a dataset, but not of the one that this model was trained on" in said
    code, said = generate(exported, "data=cityscapes", f"data.root={tiny.root}", "-o", tmp_path / "named")
    assert code == 0, said
    label = np.asarray(Image.open(tiny.label("val", "town_000100_000019")))
    ours = np.zeros_like(label)
    for raw, of_ade20k in {7: 7, 23: 3, 24: 13, 26: 21}.items():  # road, sky, person, car
        ours[label == raw] = of_ade20k
    expected = Synthesizer.from_checkpoint(exported).synthesize(ours, seed=0)
    assert np.array_equal(pixels(tmp_path / "named")["town_000100_000019.png"], np.asarray(expected))
    with pytest.raises(ConfigurationError, match="label id 1 is ego vehicle in this dataset, but wall in the one"):
        data_of(restore(exported), exported, ["data=cityscapes", f"data.root={tiny.root}"])


def test_an_earlier_export_of_another_dataset_is_measured_on_none_that_is_not_named(trained, tiny):
    exported = as_before(trained("data=ade20k", "data.root=nowhere")[1])
    with pytest.raises(CheckpointError, match=r"model\.safetensors: does not say which dataset.*data=cityscapes"):
        data_of(restore(exported), exported, [f"data.root={tiny.root}"])


def test_what_an_earlier_export_says_stays_doubtful_when_it_is_exported_again(trained, tmp_path):
    exported = as_before(trained("data=ade20k", "data.root=nowhere")[1])
    again = export(exported, tmp_path / "again.safetensors").path
    assert dataset_target(restore(again)) is None


@pytest.mark.parametrize("space", ["cityscapes_ids", "cityscapes_train_ids", "cityscapes_categories"])
def test_earlier_exports_with_classes_of_cityscapes_still_read_it(trained, tiny, tmp_path, space):
    exported = as_before(trained("data=cityscapes", f"label_space={space}", "data.root=nowhere")[1])
    assert isinstance(own_dataset(Synthesizer.from_checkpoint(exported), tiny.root).source, Cityscapes)
    restored = restore(exported)
    assert trained_on(restored, Cityscapes(tiny.root))
    assert data_of(restored, exported, [f"data.root={tiny.root}"]).label_space == restored.label_space


def test_the_bundled_model_reads_cityscapes(tiny, tmp_path):
    assert dataset_target(restore(bundled_file())) == "oasis.data.Cityscapes"
    code, said = generate(tiny.root, "-o", tmp_path / "out")
    assert code == 0, said
    assert "from 3 of 3 inputs" in said


def test_classes_of_a_file_in_the_layout_of_cityscapes(trained, tiny, tmp_path):
    """Told apart from a claim of an earlier version, though no class is one of Cityscapes."""
    classes = [
        {"name": "void", "ids": [0]},
        {"name": "stuff", "ids": [7, 23, 24]},
        {"name": "box", "ids": [26], "thing": True},
    ]
    (tmp_path / "classes.yaml").write_text(yaml.safe_dump({"ignore": "void", "classes": classes}))
    told = ["label_space=file", f"label_space.path={tmp_path / 'classes.yaml'}"]
    _, exported = trained("data=cityscapes", f"data.root={tiny.root}", *told)
    code, said = generate(exported, tiny.root, "-o", tmp_path / "out")
    assert code == 0, said
    assert generate(as_before(exported), tiny.root, "-o", tmp_path / "again")[0] == 1


def test_folders_of_names_that_the_file_does_not_tell(trained, tmp_path):
    root = write_folder(tmp_path / "data")
    _, exported = trained("data=folder", f"data.root={root}", "data.instances=instances")
    assert own_dataset(Synthesizer.from_checkpoint(exported), root) is None
    assert trained_on(restore(exported), Folder(root))


# Datasets of other packages


@pytest.fixture
def foreign(tmp_path):
    """What is exported of a model of a dataset of a package that is neither trusted nor installed here."""
    data = DATA | {"dataset": {"_target_": "my_company.Cityscapes", "_partial_": True}, "key": "secret"}
    checkpoint = write_checkpoint(tmp_path / "run" / "last.ckpt", "Semantic", data=data)
    return export(checkpoint, tmp_path / "model.safetensors").path


def test_a_dataset_of_another_package_is_neither_imported_nor_needed(foreign, tiny, tmp_path):
    assert config_of(foreign)["data"]["dataset"]["_target_"] == "my_company.Cityscapes"
    assert "secret" not in json.dumps(config_of(foreign))
    restored = restore(foreign)
    assert own_dataset(Synthesizer.from_checkpoint(foreign), tiny.root) is None
    assert not trained_on(restored, Cityscapes(tiny.root))  # a class of the same name
    named = data_of(restored, foreign, ["data=cityscapes", f"data.root={tiny.root}"])
    assert (type(named.source), named.height) == (Cityscapes, 32)
    code, said = generate(foreign, tiny.label("val", "town_000100_000019"), "-o", tmp_path / "out")
    assert code == 0, said
    with pytest.raises(CheckpointError, match=r"would call my_company\.Cityscapes.*--trust my_company"):
        data_of(restored, foreign, [f"data.root={tiny.root}"])


def test_a_trusted_dataset_whose_settings_are_not_exported(trained, tiny, tmp_path, monkeypatch):
    (tmp_path / "my_layout.py").write_text(
        "from oasis.data import Cityscapes\n"
        "class Mine(Cityscapes):\n"
        "    def __init__(self, root, suffix):\n"
        "        super().__init__(root, label_suffix=suffix)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("oasis.plugins._named", {"my_layout"})
    _, exported = trained("data=cityscapes", "data.root=nowhere")
    config = config_of(exported)
    config["data"]["dataset"]["_target_"] = "my_layout.Mine"
    with_config(exported, config)
    assert own_dataset(Synthesizer.from_checkpoint(exported), tiny.root) is None
    data = data_of(restore(exported), exported, [f"data.root={tiny.root}", "+data.suffix=labelIds"])
    assert len(data.dataset("val")) == 3


def test_settings_of_a_dataset_in_a_folder_of_their_own(trained, tiny, tmp_path):
    (tmp_path / "conf" / "data").mkdir(parents=True)
    (tmp_path / "conf" / "data" / "mine.yaml").write_text("defaults: [cityscapes, _self_]\nmax_pixels: 99999\n")
    _, exported = trained("data=ade20k", "data.root=nowhere", "label_space=cityscapes_ids")
    settings = [f"hydra.searchpath=[file://{tmp_path / 'conf'}]", "data=mine", f"data.root={tiny.root}"]
    require_groups(settings, ("data",), "evaluate")
    assert data_of(restore(exported), exported, settings).max_pixels == 99999


def test_which_numbers_a_dataset_has_is_exported(trained, tmp_path):
    """BDD100K's two kinds of annotations have other classes at the same numbers."""
    root = write_bdd100k(tmp_path / "data")
    _, exported = trained("data=bdd100k_semantic", f"data.root={root}")
    source = own_dataset(Synthesizer.from_checkpoint(exported), root).source
    assert isinstance(source, BDD100K)
    assert source.annotations == "sem_seg"
