"""`oasis data-check`, as typed."""

import hashlib
import json

import numpy as np
import pytest
from layouts import write_folder
from PIL import Image
from typer.testing import CliRunner

from oasis.cli import app
from oasis.inspection.tables import histogram, slots_advice
from oasis.labels import LabelSpace

NAME = "town_000000_000019"


@pytest.fixture
def check(tiny, tmp_path):
    def invoke(*words, root=None):
        output = tmp_path / "out" / "check.json"
        output.unlink(missing_ok=True)
        done = CliRunner().invoke(app, ["data-check", str(root or tiny.root), "--json", str(output), *words])
        found = json.loads(output.read_text()) if output.exists() else None
        return done.exit_code, done.output, found

    return invoke


def snapshot(root):
    """Every file with its content and times."""
    return {
        path: (hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "", path.stat().st_mtime_ns)
        for path in [root, *root.rglob("*")]
    }


def edited(path, edit):
    with Image.open(path) as picture:
        ids = np.array(picture)
    edit(ids)
    Image.fromarray(ids).save(path)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_sound_dataset_is_counted_and_left_as_it_is(check, tiny, workers):
    for number in range(20, 36):
        tiny.add("train", f"town_{number:06d}_000019", seed=number)
    before = snapshot(tiny.root)
    code, said, found = check("--workers", workers)
    assert code == 0, said
    assert snapshot(tiny.root) == before
    assert "26 samples, nothing is wrong" in said
    assert found["sound"]
    assert list(found["splits"]) == ["train", "val"]
    val = found["splits"]["val"]
    assert val["files"] == {"town": {"photos": 3, "label maps": 3, "instance maps": 3}}
    assert val["sizes"] == {"128x64": 3}
    assert val["instances_per_image"] == {"2": 3}
    assert val["group_regions"] == {"person": {"pixels": 3 * 20 * 20, "images": 3}}
    assert found["splits"]["train"]["samples"] == 23
    assert found["slots"] == {"set": 64, "needed": 2}


@pytest.mark.parametrize("name", ["cityscapes_ids", "cityscapes_train_ids"])
def test_classes_are_counted_in_the_chosen_space(check, tiny, name):
    space = getattr(LabelSpace, name)()
    _, _, found = check(f"label_space={name}", "--split", "train")
    for number, class_name in enumerate(space.names):
        pixels = images = 0
        for path in (tiny.root / "gtFine" / "train").rglob("*labelIds.png"):
            classes = [space.raw_to_class[raw] for raw in np.asarray(Image.open(path)).reshape(-1).tolist()]
            pixels += classes.count(number)
            images += number in classes
        assert found["splits"]["train"]["classes"][class_name] == {"pixels": pixels, "images": images}


def test_every_fault_is_found_in_one_go(check, tiny):
    """One fault of each kind in eight samples; all samples are checked."""
    for number in range(7, 10):
        tiny.add("train", f"town_{number:06d}_000019", seed=number)
    paths = [
        (tiny.photo("train", name), tiny.label("train", name), tiny.instance("train", name))
        for name in (f"town_{number:06d}_000019" for number in range(10))
    ]
    paths[0][0].write_bytes(paths[0][0].read_bytes()[:-40])
    Image.new("RGB", (128, 64), (128, 64, 128)).save(paths[1][1])
    Image.new("I;16", (120, 64)).save(paths[2][2])
    edited(paths[3][1], lambda ids: ids.__setitem__((slice(0, 2), slice(0, 5)), 77))
    edited(paths[4][1], lambda ids: ids.__setitem__((0, 0), 77))
    edited(paths[5][2], lambda ids: ids.__setitem__((0, slice(0, 6)), 26009))
    edited(paths[6][2], lambda ids: ids.__setitem__((0, slice(0, 6)), 7001))
    paths[7][0].unlink()
    paths[8][2].unlink()
    content = paths[9][0].read_bytes()
    paths[9][0].write_bytes(content[:8])
    code, said, found = check("--split", "train")
    assert code == 1
    train = found["splits"]["train"]
    counts = {kind: len(reasons) for kind, reasons in train["faults"].items()}
    assert counts == {
        "missing partner": 2,
        "cannot be decoded": 2,
        "wrong mode": 1,
        "wrong size": 1,
        "ids outside the label space": 3,
        "label and instance map disagree": 1,
    }
    assert train["ids_outside_label_space"] == {"77": {"pixels": 11, "images": 2}}
    for kind, path in (("missing partner", paths[7][1]), ("missing partner", paths[8][0]), ("wrong size", paths[2][2])):
        assert any(str(path) in reason for reason in train["faults"][kind])
    assert "10 faults" in said
    assert str(paths[5][2]) in said
    assert "Traceback" not in said
    assert train["samples"] == 9
    code, _, found = check("--split", "train", "data.on_inconsistent_ids=trust_instances")
    assert "label and instance map disagree" not in found["splits"]["train"]["faults"]


def test_more_instances_than_slots(check, tiny):
    edited(tiny.instance("val", "town_000100_000019"), lambda ids: ids.__setitem__((40, 0), 7))
    code, said, found = check("encoding.slots=1", "--split", "val")
    assert (code, found["slots"]) == (0, {"set": 1, "needed": 2})
    assert "more than the 1 slots" in said
    assert "Set encoding.slots=2" in said.replace("\n", " ")


def test_a_dataset_without_instances_is_sound(check, tiny):
    for path in (tiny.root / "gtFine").rglob("*instanceIds.png"):
        path.unlink()
    code, said, found = check()
    assert code == 0
    assert "No instance maps" in said
    assert found["splits"]["val"]["most_instances"] == 0


def test_links_are_followed_and_told(check, tiny, tmp_path):
    path = tiny.photo("val", "town_000100_000019")
    path.rename(tmp_path / "store.png")
    path.symlink_to(tmp_path / "store.png")
    code, said, found = check("--split", "val")
    assert code == 0
    assert found["splits"]["val"]["links_out_of_root"] == 1
    assert "links that lead out" in said
    (tmp_path / "store.png").unlink()
    code, said, _ = check("--split", "val")
    assert code == 1
    assert "where there is no file" in said


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--split", "dev"], "--split dev: choose one of train, val, test"),
        (["--split", "test"], "split 'test' is empty"),
        (["data.colour=red"], "colour"),
        (["label_space=klingon"], "klingon"),
    ],
)
def test_wrong_usage_is_neither_sound_nor_faulty(check, words, expected):
    code, said, found = check(*words)
    assert code == 2
    assert found is None
    assert expected in said
    assert "Traceback" not in said


def test_no_dataset_and_a_json_within_it(check, tiny, tmp_path):
    assert check(root=tmp_path / "nowhere")[0] == 2
    code, said, _ = check("--json", str(tiny.root / "check.json"))
    assert code == 2
    assert "left as it is" in said
    assert check("--workers", "0")[0] == 2


def test_a_folder_with_brackets_and_spaces(check, tiny, tmp_path):
    root = tmp_path / "data, set=[red]"
    tiny.root.rename(root)
    for kind in ("leftImg8bit", "gtFine"):
        (root / kind / "val" / "town").rename(root / kind / "val" / "[bold] a=b")
    code, said, found = check(root=root)
    assert code == 0, said
    assert "[bold] a=b" in said
    assert found["root"] == str(root)


def test_a_folder_of_another_layout_and_what_is_passed_over(check, tmp_path):
    root = write_folder(tmp_path / "folder", "{kind}")
    for stray in ("._val_0000.jpg", ".DS_Store", "notes.txt"):
        (root / "images" / stray).write_text("no picture")
    words = ("data=folder", "data.instances=instances", "data.val_fraction=0.4")
    code, said, found = check(*words, root=root)
    assert code == 0, said
    assert "3 files are hidden or no pictures; they are passed over" in said
    assert {split: (one["samples"], one["passed_over"]) for split, one in found["splits"].items()} == {
        "train": (3, 3),
        "val": (2, 3),
    }
    assert found["splits"]["train"]["instances_per_image"] == {"2": 3}


def test_bars():
    assert histogram([0, 0, 2]) == [f"{0:>9} {'█' * 40} 2", f"{1:>9}  0", f"{2:>9} {'█' * 20} 1"]
    lines = histogram(list(range(100)))
    assert len(lines) <= 16
    assert sum(int(line.rsplit(" ", 1)[1]) for line in lines) == 100
    assert histogram([7]) == [f"{7:>9} {'█' * 40} 1"]
    assert "encoding.slots=9" in slots_advice(9, None)
