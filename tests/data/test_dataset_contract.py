"""The contract of all datasets: one row per dataset."""

import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from layouts import (
    MAPILLARY,
    panoptic_classes,
    write_ade20k,
    write_bdd100k,
    write_coco_panoptic,
    write_coco_stuff,
    write_folder,
    write_mapillary,
)
from omegaconf import OmegaConf
from PIL import Image

import oasis.data
from oasis.data import (
    ADE20K,
    BDD100K,
    Cityscapes,
    COCOPanoptic,
    COCOStuff,
    Dataset,
    FileSamples,
    Folder,
    Mapillary,
    Streets,
    build_data_module,
)
from oasis.encodings import Semantic
from oasis.errors import ConfigurationError, DatasetError
from oasis.label_files import parse_classes
from oasis.label_formats import from_mapillary
from oasis.labels import LabelSpace
from oasis.streets import SyntheticStreets

CONF = Path(__file__).parents[2] / "conf" / "data"
PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
SETTINGS = sorted(path.stem for path in CONF.glob("*.yaml"))


def _streets(root):
    return SyntheticStreets(train=3, val=2, height=32, width=64, root=str(root))


# Name -> makes the dataset, with samples in `train` and `val` and none in `test`, from two fixtures.
ROWS = {
    "ADE20K": lambda tiny, folder: ADE20K(write_ade20k(folder / "ade20k")),
    "BDD100K": lambda tiny, folder: BDD100K(write_bdd100k(folder / "bdd100k")),
    "COCOPanoptic": lambda tiny, folder: COCOPanoptic(write_coco_panoptic(folder / "coco_panoptic")),
    "COCOStuff": lambda tiny, folder: COCOStuff(write_coco_stuff(folder / "coco_stuff")),
    "Cityscapes": lambda tiny, folder: Cityscapes(tiny.root),
    "Folder": lambda tiny, folder: Folder(write_folder(folder / "folder"), instances="instances"),
    "Mapillary": lambda tiny, folder: Mapillary(write_mapillary(folder / "mapillary")),
    "Streets": lambda tiny, folder: Streets(_streets(folder / "streets")),
}
LABEL_SPACES = {
    "ADE20K": LabelSpace.ade20k,
    "BDD100K": lambda: LabelSpace.built_in("bdd100k"),
    "COCOPanoptic": lambda: LabelSpace.from_classes(**panoptic_classes()),
    "COCOStuff": LabelSpace.coco_stuff,
    "Cityscapes": LabelSpace.cityscapes_ids,
    "Folder": LabelSpace.cityscapes_ids,
    "Mapillary": lambda: LabelSpace(**parse_classes(from_mapillary(MAPILLARY, Path("config.json")), "config.json")),
    "Streets": LabelSpace.cityscapes_ids,
}


@pytest.fixture(params=sorted(ROWS))
def name(request):
    return request.param


@pytest.fixture
def dataset(name, tiny, tmp_path):
    made = ROWS[name](tiny, tmp_path)
    made.prepare()
    return made


@pytest.fixture
def space(name):
    return LABEL_SPACES[name]()


def read(dataset, space, split="train", **settings):
    return FileSamples(dataset, split, space, 32, 64, **settings)


def test_every_dataset_has_a_row():
    public = {getattr(oasis.data, name) for name in oasis.data.__all__}
    classes = {one.__name__ for one in public if isinstance(one, type) and issubclass(one, Dataset)} - {"Dataset"}
    assert classes == set(oasis.data.DATASETS) == ROWS.keys() == LABEL_SPACES.keys()


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_reads_the_root_that_is_named(composed, tiny, tmp_path, setting):
    """No layout among the arguments of the data module: whatever the yaml names goes to its dataset."""
    cfg = composed(f"data={setting}", "data.batch_size=2")
    name = cfg.data.dataset._target_.rpartition(".")[2]
    root = tiny.root if name in ("Cityscapes", "Streets") else ROWS[name](tiny, tmp_path).root
    cfg.data.root = str(root)
    if setting == "coco_panoptic":
        cfg.label_space = {
            "_target_": "oasis.labels.LabelSpace.from_classes",
            "_convert_": "all",
            **panoptic_classes(),
        }
    data = instantiate(cfg.data, encoding=instantiate(cfg.encoding))
    assert type(data.source).__name__ == name
    assert data.source.root == root
    data.prepare_data()
    assert len(data.dataset("train")) == (7 if root == tiny.root else 3)


def test_lists_in_order_whatever_the_file_system_gives(dataset, monkeypatch):
    listed = dataset.listing("train").samples()
    names = [files.name for files in listed]
    assert names == sorted(names)
    assert len(set(names)) == len(names) > 1
    glob = Path.glob
    monkeypatch.setattr(Path, "glob", lambda self, pattern: reversed(sorted(glob(self, pattern))))
    assert dataset.listing("train").samples() == listed


def test_splits_are_those_with_samples(dataset, name, tiny, tmp_path):
    splits = dataset.splits()
    assert {"train", "val"} <= set(splits)
    for split in splits:
        listing = dataset.listing(split)
        assert listing.photos.keys() == listing.labels.keys() == listing.instances.keys()
        assert not listing.doubles
        assert not list(listing.gaps(needs_instances=True))
    paths = {split: {files.photo for files in dataset.listing(split).samples()} for split in ("train", "val")}
    assert paths["train"].isdisjoint(paths["val"])


def test_maps_are_integers_of_the_size_of_their_photo(dataset, space):
    for files in dataset.listing("val").samples():
        with Image.open(files.photo) as photo:
            size = photo.size
        assert dataset.label_size(files.label) == dataset.instance_size(files.instance) == size
        label, numbers = dataset.read_label(files.label), dataset.read_instance(files.instance)
        instance = dataset.instance_ids(label, numbers, space)
        assert label.shape == instance.shape == size[::-1]
        assert (label.dtype, numbers.dtype, instance.dtype) == (np.uint8, np.int32, np.int32)
        space.check(label, str(files.label))
        is_thing = instance >= 1000
        assert np.array_equal(np.where(is_thing, instance // 1000 % 256, instance), label)
        assert set(np.unique(np.asarray(space.raw_to_class)[instance[is_thing] // 1000 % 256])) <= space.things


def test_samples_are_numbered_and_named(dataset, space):
    samples = read(dataset, space, needs_instances=True)
    for index, files in enumerate(samples.files):
        sample = samples[index]
        assert (sample["index"], sample["name"]) == (index, files.name)
        assert {name: (sample[name].dtype, *sample[name].shape) for name in ("image", "label", "instance")} == {
            "image": (torch.uint8, 3, 32, 64),
            "label": (torch.uint8, 32, 64),
            "instance": (torch.int32, 32, 64),
        }


def test_is_the_same_in_another_process(dataset, space):
    there = pickle.loads(pickle.dumps(read(dataset, space)))
    here = read(dataset, space)
    assert there.files == here.files
    assert there.fingerprint() == here.fingerprint()
    assert all(torch.equal(there[1][key], here[1][key]) for key in ("image", "label", "instance"))


def test_preparing_again_changes_nothing(dataset):
    before = {path: path.stat().st_mtime_ns for path in dataset.root.rglob("*")}
    dataset.prepare()
    assert {path: path.stat().st_mtime_ns for path in dataset.root.rglob("*")} == before


def test_its_identity_holds_on_any_machine(dataset, name, tmp_path):
    identity = dataset.identity()
    assert identity["class"] == name
    assert str(tmp_path) not in json.dumps(identity)


# Bad input: the error comes before the first sample is read, and names what is wrong.


def test_a_split_that_is_not_there(dataset, space):
    with pytest.raises(DatasetError, match="split 'test'"):
        read(dataset, space, "test")


def test_no_dataset(dataset, name, tmp_path):
    moved = dataset.root.rename(tmp_path / "moved")
    for look in (dataset.splits, lambda: dataset.listing("train")):
        with pytest.raises(DatasetError, match=f"data.root={dataset.root}"):
            look()
    moved.rename(dataset.root)


def test_no_root():
    with pytest.raises(ConfigurationError, match=r"data\.root.*data=synthetic"):
        Cityscapes(None)


# Where a name of the other label space is at another number, or its numbers never occur in the maps.
OTHERS = {
    "ADE20K": ["coco_stuff", "coco_panoptic", "coco_things", "cityscapes_ids", "camvid"],
    "BDD100K": ["bdd100k_semantic", "cityscapes_ids", "camvid", "ade20k"],
    "COCOPanoptic": ["coco_stuff", "ade20k", "cityscapes_ids"],
    "COCOStuff": ["ade20k", "coco_panoptic", "coco_things", "cityscapes_ids"],
    "Streets": ["ade20k", "coco_stuff", "camvid"],
}


@pytest.mark.parametrize(("name", "other"), [(name, other) for name, others in OTHERS.items() for other in others])
def test_the_label_space_of_another_dataset(dataset, space, other):
    """Read with the numbers of another dataset, every class of every map would be wrong."""
    with pytest.raises(ConfigurationError, match=r"a number would be another class\. Use label_space="):
        read(dataset, LabelSpace.built_in(other))
    dataset.require_label_space(space)


def test_classes_of_ones_own_at_the_numbers_of_the_maps(dataset, space):
    """Some of the numbers, united under the name of one of them; and names that the dataset does not know."""
    ids = [(raw, index) for raw, index in enumerate(space.raw_to_class) if index not in (-1, space.ignore_index)]
    (first, index), *others = ids
    united = {"name": space.names[index], "ids": [first, *(raw for raw, _ in others[:1])]}
    own = [{"name": f"my {raw}", "ids": [raw]} for raw, _ in others[1:]]
    void = {
        "name": "nothing",
        "ids": [raw for raw, index in enumerate(space.raw_to_class) if index == space.ignore_index],
    }
    for classes in ([void, united, *own], [void, *own], [void, united]):
        assert len(read(dataset, LabelSpace.from_classes(classes, "nothing"))) == len(read(dataset, space)) > 0


@pytest.mark.parametrize("kind", ["photo", "label"])
def test_a_partner_that_is_missing(dataset, space, kind):
    files = dataset.listing("train").samples()[1]
    getattr(files, kind).unlink()
    other = files.label if kind == "photo" else files.photo
    with pytest.raises(DatasetError, match=f"{other.name}"):
        read(dataset, space)


@pytest.mark.parametrize("kind", ["label", "instance"])
def test_a_map_of_another_size_than_its_photo(dataset, space, kind):
    files = dataset.listing("train").samples()[1]
    path = getattr(files, kind)
    with Image.open(path) as picture:
        picture.crop((0, 0, picture.width // 2, picture.height)).save(path)
    with pytest.raises(DatasetError, match=path.name):
        read(dataset, space)


@pytest.mark.parametrize("kind", ["photo", "label", "instance"])
def test_a_corrupt_file(dataset, space, kind):
    path = getattr(dataset.listing("train").samples()[1], kind)
    path.write_bytes(path.read_bytes()[:-30])
    samples = read(dataset, space)  # its header is good
    with pytest.raises(DatasetError, match=path.name):
        samples[1]


STRAYS = ("._{}", ".DS_Store", "@eaDir/{}", "__MACOSX/{}", "Thumbs.db", "notes.txt")


def test_what_systems_leave_in_folders_is_passed_over(dataset, space):
    before = read(dataset, space).files
    for path in (before[1].photo, before[1].label, before[1].instance):
        for stray in STRAYS:
            left = path.parent / stray.format(path.name)
            left.parent.mkdir(exist_ok=True)
            left.write_bytes(b"no picture")
    assert read(dataset, space, needs_instances=True).files == before


def test_the_example_on_the_page_is_a_dataset(tiny, tmp_path, ids, monkeypatch):
    def block(language):
        return next(text for text in re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL) if "Folders" in text)

    namespace = {}
    exec(block("python"), namespace)
    monkeypatch.setattr(oasis.data, "Folders", namespace["Folders"], raising=False)
    root = tmp_path / "mine"
    for split in ("train", "val"):
        for files in Cityscapes(tiny.root).listing(split).samples():
            for kind, path in (("images", files.photo), ("labels", files.label), ("instances", files.instance)):
                place = root / split / kind / f"{files.name}.{'jpg' if kind == 'images' else 'png'}"
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(path.read_bytes())  # told by its first bytes, whatever its name says
    config = OmegaConf.create(block("yaml"))
    sizes = {"height": 32, "width": 64, "batch_size": 2, "num_workers": 0}
    data = build_data_module(
        instantiate(config.dataset), root=str(root), encoding=Semantic(ids), label_space=ids, **sizes
    )
    ours, theirs = data.dataset("train"), read(Cityscapes(tiny.root), ids)
    assert len(ours) == len(theirs) == 7
    for one, other in zip(ours, theirs, strict=True):
        assert one["name"] == other["name"]
        assert all(torch.equal(one[key], other[key]) for key in ("image", "label", "instance"))
    with pytest.raises(DatasetError, match="split 'test'"):
        data.dataset("test")
    with pytest.raises(TypeError, match="suffix"):
        build_data_module(instantiate(config.dataset), root=str(root), encoding=None, label_space=ids, suffix="")


def test_streets_know_before_drawing_that_they_fill_no_batch(tmp_path):
    streets = Streets(_streets(tmp_path / "streets"))
    streets.require_batch(3)
    with pytest.raises(ConfigurationError, match=r"data\.streets\.train=3 .*one batch \(4\)"):
        streets.require_batch(4)
    assert not streets.root.exists()
