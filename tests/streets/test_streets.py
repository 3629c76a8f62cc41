"""The synthetic streets: pictures and files."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from cityscapesscripts.helpers.labels import id2label
from PIL import Image
from touching_pairs import touching_pairs

from oasis.data import FileSamples, Streets
from oasis.errors import ConfigurationError, DatasetError
from oasis.labels import LabelSpace
from oasis.streets import SyntheticStreets, draw_street
from oasis.streets import writer as writer_module
from oasis.streets.street import Street

THINGS = (24, 25, 26, 27, 28, 32, 33)


@cache
def streets() -> tuple[Street, ...]:
    return tuple(draw_street(np.random.SeedSequence([7, i]), 64, 128) for i in range(60))


@cache
def larger() -> tuple[Street, ...]:
    return tuple(draw_street(np.random.SeedSequence([7, i]), 256, 512) for i in range(8))


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def small(root: Path, **settings: int) -> SyntheticStreets:
    return SyntheticStreets(**{"train": 3, "val": 1, "height": 32, "width": 64, **settings}, root=str(root))


# --- one street ---------------------------------------------------------------------------------


def test_arrays_have_the_promised_shapes_and_types():
    street = draw_street(np.random.SeedSequence(0), 48, 80)
    assert (street.photo.shape, street.photo.dtype) == ((48, 80, 3), np.uint8)
    assert (street.label.shape, street.label.dtype) == ((48, 80), np.uint8)
    assert (street.instance.shape, street.instance.dtype) == ((48, 80), np.uint16)
    assert (street.color.shape, street.color.dtype) == ((48, 80, 3), np.uint8)


def test_instances_agree_with_labels():
    for street in streets():
        kind = np.where(street.instance >= 1000, street.instance // 1000, street.instance)
        np.testing.assert_array_equal(kind, street.label)
        assert set(np.unique(street.instance[street.instance >= 1000] // 1000)) <= set(THINGS)


def test_colours_are_those_of_cityscapes():
    for street in streets()[:10]:
        for ident in np.unique(street.label):
            assert (street.color[street.label == ident] == id2label[int(ident)].color).all()


def test_all_main_classes_occur():
    seen = set().union(*(np.unique(street.label).tolist() for street in streets()))
    assert seen >= {0, 1, 4, 7, 8, 9, 11, 12, 13, 17, 19, 20, 21, 22, 23, *THINGS}
    for ident in (7, 8, 11, 21, 23, 26):  # and these in most pictures of a town
        assert sum((street.label == ident).any() for street in streets()) > 40


def test_number_of_instances():
    counts = np.array([(np.unique(street.instance) >= 1000).sum() for street in streets()])
    assert counts.min() >= 1
    assert counts.max() <= 45
    assert np.mean((counts >= 6) & (counts <= 20)) > 0.6


def test_instances_of_one_class_touch():
    touching = [len(touching_pairs(street.instance)) for street in streets()[:30]]
    assert np.mean(np.array(touching) >= 1) > 0.8
    assert np.mean(touching) > 3


def test_some_crowds_are_regions_without_instances():
    for ident in (24, 26):
        assert sum((street.instance == ident).sum() >= 4 for street in streets()) >= 3


def test_neighbours_differ_in_colour():
    distances = []
    for street in larger():
        for pair in touching_pairs(street.instance):
            first, second = (street.instance == ident for ident in pair)
            if min(first.sum(), second.sum()) >= 60:
                gap = np.median(street.photo[first], axis=0) - np.median(street.photo[second], axis=0)
                distances.append(np.abs(gap).max())
    assert len(distances) > 15
    assert np.median(distances) > 20


def test_photo_changes_where_labels_do():
    # Were photo and labels not painted with the same outlines, edges would not coincide.
    for street in larger():
        edge = (street.label[:, 1:] != street.label[:, :-1])[:, 1:-1]
        change = np.abs(np.diff(street.photo.astype(float).mean(axis=2), axis=1))
        near = np.maximum(change[:, :-2], np.maximum(change[:, 1:-1], change[:, 2:]))
        assert np.median(near[edge]) > 2.5 * np.median(near[~edge])


def test_composition_does_not_depend_on_size():
    for fine, coarse in zip(larger(), streets(), strict=False):
        shares = [np.bincount(street.label.ravel(), minlength=34) / street.label.size for street in (fine, coarse)]
        assert np.abs(shares[0] - shares[1]).sum() < 0.06
        agree = fine.label[2::4, 2::4] == coarse.label
        assert agree.mean() > 0.93


def test_seeds_differ():
    first, second = streets()[:2]
    assert (first.label != second.label).mean() > 0.05
    assert not np.array_equal(first.photo, second.photo)


def test_photo_depends_on_nothing_but_the_seed():
    again = draw_street(np.random.SeedSequence([7, 3]), 64, 128)
    np.testing.assert_array_equal(again.photo, streets()[3].photo)
    np.testing.assert_array_equal(again.instance, streets()[3].instance)


@pytest.mark.parametrize(
    ("seed", "things", "pixels", "colour"),
    [
        (0, 14, {7: 1566, 8: 865, 11: 2177, 21: 883, 23: 273, 24: 16, 26: 1870}, (93.0, 70.8, 54.0)),
        (1, 7, {7: 3179, 8: 235, 11: 1249, 21: 1974, 23: 488, 24: 0, 26: 455}, (111.6, 109.8, 102.1)),
        (2, 13, {7: 2365, 8: 349, 11: 1746, 21: 782, 23: 1024, 24: 127, 26: 588}, (73.5, 75.2, 82.3)),
    ],
)
def test_streets_stay_as_they_are(seed, things, pixels, colour):
    """Caches and studies hold streets of version 1; releases of Pillow may differ at edges."""
    street = draw_street(np.random.SeedSequence(seed), 64, 128)
    assert (np.unique(street.instance) >= 1000).sum() == things
    assert {raw: (street.label == raw).sum() for raw in pixels} == pytest.approx(pixels, rel=0.01, abs=3)
    assert street.photo.mean((0, 1)) == pytest.approx(colour, abs=0.2)


# --- files --------------------------------------------------------------------------------------


def test_layout_and_modes(tmp_path):
    root = small(tmp_path / "streets", train=6, val=2, test=1).write(progress=False)
    photos = sorted(root.glob("leftImg8bit/*/*/*_leftImg8bit.png"))
    assert {split: len(list(root.glob(f"leftImg8bit/{split}/*/*"))) for split in ("train", "val", "test")} == {
        "train": 6,
        "val": 2,
        "test": 1,
    }
    assert len({path.parent.name for path in photos}) > 3
    files = {path for path in root.rglob("*.png")}
    for photo in photos:
        split, city = photo.parts[-3:-1]
        stem = photo.name.removesuffix("_leftImg8bit.png")
        name, sequence, frame = stem.split("_")
        assert (name, len(sequence), len(frame)) == (city, 6, 6)
        truth = root / "gtFine" / split / city
        parts = {part: truth / f"{stem}_gtFine_{part}.png" for part in ("labelIds", "instanceIds", "color")}
        modes = {part: Image.open(path).mode for part, path in parts.items()}
        assert modes == {"labelIds": "L", "instanceIds": "I;16", "color": "RGB"}
        assert Image.open(photo).mode == "RGB"
        assert {Image.open(path).size for path in (photo, *parts.values())} == {(64, 32)}
        files -= {photo, *parts.values()}
    assert not files


def test_files_hold_the_drawn_street(tmp_path):
    root = small(tmp_path / "streets").write(progress=False)
    instance = np.asarray(Image.open(next(root.glob("gtFine/val/*/*_instanceIds.png"))))
    label = np.asarray(Image.open(next(root.glob("gtFine/val/*/*_labelIds.png"))))
    assert instance.dtype == np.uint16
    np.testing.assert_array_equal(np.where(instance >= 1000, instance // 1000, instance), label)


def test_number_of_workers_does_not_matter(tmp_path, monkeypatch):
    monkeypatch.setattr(writer_module, "_FEW", 0)
    monkeypatch.setattr(writer_module, "_CHUNK", 2)
    alone = small(tmp_path / "alone", train=5).write(workers=1, progress=False)
    together = small(tmp_path / "together", train=5).write(workers=2, progress=False)
    assert contents(alone) == contents(together)
    assert len(contents(alone)) == 6 * 4 + 1


def test_an_image_does_not_depend_on_how_many_there_are(tmp_path):
    few = contents(small(tmp_path / "few", train=2).write(progress=False))
    many = contents(small(tmp_path / "many", train=7).write(progress=False))
    del few["streets.json"]
    assert few.items() <= many.items()


def test_seeds_give_other_files(tmp_path):
    first = contents(small(tmp_path / "a", seed=1).write(progress=False))
    second = contents(small(tmp_path / "b", seed=2).write(progress=False))
    assert first.keys() == second.keys()
    assert all(first[name] != second[name] for name in first if "leftImg8bit" in name)


def test_a_script_without_main_guard_can_write(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from oasis.streets import SyntheticStreets, writer\n"
        "writer._FEW = 0\n"
        "print('started')\n"
        f"streets = SyntheticStreets(3, 1, height=32, width=64, root={str(tmp_path / 'out')!r})\n"
        "streets.write(workers=2, progress=False)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, env=environment, timeout=120)
    assert (run.returncode, run.stdout) == (0, "started\n"), run.stderr
    assert len(contents(tmp_path / "out")) == 4 * 4 + 1


def test_a_worker_of_a_sweep_draws_by_itself(tmp_path):
    joblib = pytest.importorskip("joblib")  # whose workers cannot start processes by multiprocessing
    dataset = SyntheticStreets(writer_module._FEW + 1, 1, height=32, width=64, root=tmp_path / "streets")
    (root,) = joblib.Parallel(2)([joblib.delayed(dataset.write)(workers=2, progress=False)])
    assert len(contents(root)) == (writer_module._FEW + 2) * 4 + 1


def test_second_write_changes_nothing(tmp_path):
    dataset = small(tmp_path / "streets")
    root = dataset.write(progress=False)
    before = {path: path.stat().st_mtime_ns for path in [root, *root.rglob("*")]}
    assert dataset.write(progress=False) == root
    assert {path: path.stat().st_mtime_ns for path in [root, *root.rglob("*")]} == before


def test_writers_at_the_same_time(tmp_path):
    dataset = small(tmp_path / "streets", train=8)
    with ThreadPoolExecutor(4) as pool:
        roots = list(pool.map(lambda _: dataset.write(workers=1, progress=False), range(4)))
    assert set(roots) == {tmp_path / "streets"}
    assert [path.name for path in tmp_path.iterdir()] == ["streets"]
    assert contents(roots[0]) == contents(small(tmp_path / "other", train=8).write(progress=False))


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    dataset, drawn = small(tmp_path / "streets"), []

    def interrupted(*arguments: object) -> Street:
        if len(drawn) == 2:
            raise KeyboardInterrupt
        drawn.append(arguments)
        return draw_street(*arguments)

    monkeypatch.setattr(SyntheticStreets, "draw", interrupted)
    with pytest.raises(KeyboardInterrupt):
        dataset.write(progress=False)
    assert len(drawn) == 2
    assert not list(tmp_path.iterdir())
    monkeypatch.undo()
    assert len(contents(dataset.write(progress=False))) == 4 * 4 + 1


# --- refusals -----------------------------------------------------------------------------------


def test_foreign_folder_is_not_touched(tmp_path):
    (tmp_path / "photo.png").write_bytes(b"mine")
    with pytest.raises(DatasetError, match="not synthetic streets"):
        small(tmp_path).write(progress=False)
    assert contents(tmp_path) == {"photo.png": b"mine"}


def test_foreign_file_is_not_touched(tmp_path):
    (tmp_path / "streets").write_text("mine")
    with pytest.raises(DatasetError, match="not synthetic streets"):
        small(tmp_path / "streets").write(progress=False)
    assert (tmp_path / "streets").read_text() == "mine"


def test_other_streets_are_not_overwritten(tmp_path):
    small(tmp_path / "streets").write(progress=False)
    before = contents(tmp_path)
    with pytest.raises(DatasetError, match="seed is 0, not 5"):
        small(tmp_path / "streets", seed=5).write(progress=False)
    assert contents(tmp_path) == before


def test_damaged_certificate_is_named(tmp_path):
    small(tmp_path / "streets").write(progress=False)
    (tmp_path / "streets" / "streets.json").write_text("{")
    with pytest.raises(DatasetError, match="damaged"):
        small(tmp_path / "streets").write(progress=False)


def test_empty_folder_is_used(tmp_path):
    (tmp_path / "streets").mkdir()
    assert len(contents(small(tmp_path / "streets").write(progress=False))) == 4 * 4 + 1


def test_unwritable_folder(tmp_path):
    (tmp_path / "file").write_text("in the way")  # also if the tests run as root, who may write anywhere
    with pytest.raises(DatasetError, match=r"cannot be written.*PANOPTIC_OASIS_CACHE"):
        small(tmp_path / "file" / "streets").write(progress=False)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"height": 31}, "height is 31"),
        ({"width": 0}, "width is 0"),
        ({"train": -1}, "train is -1"),
        ({"seed": -2}, "seed is -2"),
        ({"train": 0, "val": 0, "test": 0}, "all 0"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(ConfigurationError, match=message):
        SyntheticStreets(**settings)


def test_bad_number_of_workers(tmp_path):
    with pytest.raises(ConfigurationError, match="workers is 0"):
        small(tmp_path / "streets").write(workers=0, progress=False)


# --- where --------------------------------------------------------------------------------------


def test_cache_folder(monkeypatch, tmp_path):
    key = "streets-v1-256x512-seed0-2000-200-0"
    monkeypatch.setenv("PANOPTIC_OASIS_CACHE", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert SyntheticStreets().folder() == tmp_path / "own" / key
    monkeypatch.delenv("PANOPTIC_OASIS_CACHE")
    assert SyntheticStreets().folder() == tmp_path / "xdg" / "panoptic-oasis" / key
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert SyntheticStreets().folder() == tmp_path / "home" / ".cache" / "panoptic-oasis" / key


def test_every_setting_has_a_folder_of_its_own():
    variants = [{}, {"train": 1}, {"val": 1}, {"test": 1}, {"height": 64}, {"width": 128}, {"seed": 1}]
    assert len({SyntheticStreets(**settings).folder() for settings in variants}) == len(variants)


def test_certificate_names_the_settings(tmp_path):
    root = small(tmp_path / "streets").write(progress=False)
    held = json.loads((root / "streets.json").read_text())
    assert held == {
        "version": 1,
        "train": 3,
        "val": 1,
        "test": 0,
        "height": 32,
        "width": 64,
        "seed": 0,
    }


def test_streets_are_not_read_as_other_classes(tmp_path):
    """A street has the label ids 0 to 33 of Cityscapes; to ADE20K, 26 is a house."""
    streets = SyntheticStreets(train=1, val=1, height=32, width=64, root=str(tmp_path))
    for name in ("ade20k", "coco_stuff", "camvid"):
        with pytest.raises(ConfigurationError, match=r"Synthetic streets.*another class.*label_space=cityscapes_ids"):
            FileSamples(Streets(streets), "train", LabelSpace.built_in(name), 32, 64)
    for name in ("cityscapes_ids", "cityscapes_train_ids", "cityscapes_categories"):
        Streets(streets).require_label_space(LabelSpace.built_in(name))
