import json

import numpy as np
import pytest
from hydra.utils import instantiate
from layouts import MAPILLARY, each, write_mapillary
from typer.testing import CliRunner

from oasis.cli import app
from oasis.cli.conf import load_config
from oasis.data import FileSamples, Mapillary
from oasis.errors import ConfigurationError, DatasetError
from oasis.labels import LabelSpace

VERSIONS = {"v2.0": {}, "v1.2": {"version": "v1.2"}, "alone": {"version": "v1.2", "alone": True}}


@pytest.fixture(params=VERSIONS)
def written(request, tmp_path):
    """A dataset and the number of classes before the sky."""
    settings = VERSIONS[request.param]
    root = write_mapillary(tmp_path, **settings)
    return Mapillary(root, settings.get("version", "v2.0")), int(request.param == "v2.0")


def test_a_sample_is_what_was_drawn(written):
    dataset, first = written
    space = LabelSpace.mapillary(dataset.root, dataset.version)
    assert dataset.splits() == ["train", "val"]
    for split in ("train", "val"):
        samples = FileSamples(dataset, split, space, 32, 64, needs_instances=True)
        drawn = [one for one in each() if one[0] == split]
        for sample, (_, name, kind, number, _photo) in zip(samples, drawn, strict=True):
            label = kind.astype(int) + first
            label[:2, :2] = first + 3
            expected = np.where(number, 1000 * (first + 1) + number.astype(int) - 1, label)
            expected[kind == 2] = 1000 * (first + 2)  # no groups in this dataset
            assert sample["name"] == name
            assert np.array_equal(sample["label"], label)
            assert np.array_equal(sample["instance"], expected)


def test_classes_are_those_of_the_configuration_in_the_root(written):
    dataset, first = written
    settings = ["data=mapillary", f"data.root={dataset.root}", f"data.version={dataset.version}"]
    config = load_config(settings)
    assert config.label_space._target_.endswith("from_classes")  # a checkpoint needs no file
    space = instantiate(config.label_space)
    assert space.names == ("Road", "Sky", "Car", "Person", "Unlabeled")[1 - first :]
    assert space.names[space.ignore_index] == "Unlabeled"
    assert {space.names[index] for index in space.things} == {"Car", "Person"}
    assert space.palette[space.names.index("Car")] == (0, 0, 142)


def test_the_check_of_a_dataset_finds_its_classes(tmp_path):
    root = write_mapillary(tmp_path / "data, set=[red]")
    done = CliRunner().invoke(app, ["data-check", str(root), "data=mapillary"])
    assert done.exit_code == 0, done.output
    assert "Person" in done.output


def test_without_a_configuration_the_error_says_how_to_name_one(tmp_path):
    root = write_mapillary(tmp_path)
    (root / "config_v2.0.json").rename(tmp_path / "classes.json")
    with pytest.raises(ConfigurationError, match=r"no config_v2\.0\.json there.*label_space=file label_space\.path="):
        load_config(["data=mapillary", f"data.root={root}"])
    named = ["label_space=file", f"label_space.path={tmp_path / 'classes.json'}"]
    assert len(load_config(["data=mapillary", f"data.root={root}", *named]).label_space.classes) == len(MAPILLARY)
    with pytest.raises(ConfigurationError, match=r"give data\.root=FOLDER"):
        load_config(["data=mapillary"])


def test_another_version(tmp_path):
    root = write_mapillary(tmp_path, "v1.2")
    with pytest.raises(DatasetError, match=r"holds version v1\.2 of .*, not v2\.0: set data\.version=v1\.2"):
        Mapillary(root).splits()
    with pytest.raises(ConfigurationError, match=r"data\.version=v1\.1: choose one of v1\.2, v2\.0"):
        Mapillary(root, "v1.1")
    (tmp_path / "config_v2.0.json").write_text(json.dumps({"labels": MAPILLARY}))
    space = LabelSpace.mapillary(root, "v2.0")
    with pytest.raises(ConfigurationError, match=r"config_v1\.2\.json lists 4 classes: .* label_space=mapillary"):
        FileSamples(Mapillary(root, "v1.2"), "train", space)


def test_the_classes_of_the_version_with_fewer(tmp_path):
    """All of its numbers are among those of the other version, of other classes."""
    space = LabelSpace.mapillary(write_mapillary(tmp_path, "v1.2"), "v1.2")
    root = write_mapillary(tmp_path / "v2.0")
    with pytest.raises(
        ConfigurationError, match=r"config_v2\.0\.json lists 5 classes: 'Sky' is 1 .* but 0 in the label"
    ):
        FileSamples(Mapillary(root), "train", space)


def test_instances_are_optional(tmp_path):
    root = write_mapillary(tmp_path)
    (root / "training" / "v2.0" / "instances").rename(tmp_path / "moved")
    space = LabelSpace.mapillary(root, "v2.0")
    assert not FileSamples(Mapillary(root), "train", space, 32, 64)[0]["instance"].any()
    with pytest.raises(DatasetError, match=r"3 of 3 files have no instance map"):
        FileSamples(Mapillary(root), "train", space, 32, 64, needs_instances=True)
