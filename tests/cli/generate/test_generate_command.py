"""`oasis generate`, as typed."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from panoptic_maps import segments_info, to_coco, write_json
from PIL import Image

from oasis.synthesis.animation import find_ffmpeg


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def pixels(path):
    return np.array(Image.open(path))


def test_a_folder_keeps_names_and_folders(generate, semantic, synthesizer, maps, tmp_path):
    done = generate(semantic.parents[1], maps, "--output", tmp_path / "out", "--seed", 3)
    assert done.exit_code == 0, done.said
    assert files(tmp_path / "out") == ["a/x.png", "b/x.png", "c/deep/y.png", "contact_sheet.png"]
    for name, source in (("a/x", "a/x_gtFine_labelIds"), ("c/deep/y", "c/deep/y")):
        expected = synthesizer.synthesize(maps / f"{source}.png", seed=3)
        assert np.array_equal(pixels(tmp_path / "out" / f"{name}.png"), np.array(expected))
    text = Image.open(tmp_path / "out" / "a" / "x.png").text
    assert text["seed"] == "3"
    assert text["label map"] == "x_gtFine_labelIds.png"
    assert text["checkpoint"] == synthesizer.name
    assert len(text["fingerprint"]) == 16
    assert str(tmp_path) not in str(text)


def test_train_ids_are_asked_for_and_files_that_are_not_read_are_told(generate, semantic, synthesizer, tmp_path):
    folder = tmp_path / "maps"
    folder.mkdir()
    label = np.repeat(np.array([[10, 2, 13, 0, 1, 8]], np.uint8), 8, axis=0)  # sky, building, car, road, ...
    Image.fromarray(label).save(folder / "x.png")
    (folder / "notes.txt").write_text("by my segmenter")
    done = generate(semantic, folder, "-o", tmp_path / "out")
    assert done.exit_code == 1
    assert "look like Cityscapes' *train ids*" in done.said
    done = generate(semantic, folder, "-o", tmp_path / "out", "--kind", "train_ids", "--seed", 1)
    assert done.exit_code == 0, done.said
    assert "1 other files in " in done.said
    assert "were not read: 1 .txt" in done.said
    raw = np.repeat(np.array([[23, 11, 26, 7, 8, 21]], np.uint8), 8, axis=0)
    assert np.array_equal(pixels(tmp_path / "out" / "x.png"), np.array(synthesizer.synthesize(raw, seed=1)))
    for wrong, said in (
        (["--kind", "photo"], "kind=photo: no kind"),
        (["--from-photos", "--kind", "colors"], "Leave one"),
    ):
        done = generate(semantic, folder, "-o", tmp_path / "other", *wrong)
        assert done.exit_code != 0
        assert said in done.said


def test_samples_have_seeds_in_a_row_and_come_again(generate, semantic, synthesizer, maps, tmp_path):
    for folder in ("one", "other"):
        done = generate(semantic, maps / "a" / "x_gtFine_labelIds.png", "-o", tmp_path / folder, "--samples", 3)
        assert done.exit_code == 0, done.said
    assert files(tmp_path / "one") == ["contact_sheet.png", "x_0.png", "x_1.png", "x_2.png"]
    generated = [pixels(tmp_path / "one" / f"x_{i}.png") for i in range(3)]
    for seed, picture in enumerate(generated):
        expected = synthesizer.synthesize(maps / "a" / "x_gtFine_labelIds.png", seed=seed)
        assert np.array_equal(picture, np.array(expected))
        name = f"x_{seed}.png"
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()
    assert not np.array_equal(generated[0], generated[1])


def test_the_fingerprint_is_of_the_weights(generate, semantic, boundary, maps, tmp_path):
    copy = tmp_path / "copy.ckpt"
    shutil.copy(semantic, copy)
    found = []
    for number, checkpoint in enumerate((semantic, copy, boundary)):
        generate(checkpoint, maps / "a", "-o", tmp_path / str(number))
        found.append(Image.open(tmp_path / str(number) / "x.png").text["fingerprint"])
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize("part", ["car", "26002"])
def test_samples_that_differ_in_a_part_only(generate, semantic, synthesizer, maps, tmp_path, part):
    source = maps / "b" / "x_gtFine_labelIds.png"
    done = generate(semantic, source, "-o", tmp_path / "out", "--samples", 2, "--seed", 7, "--resample", part)
    assert done.exit_code == 0, done.said
    label = pixels(source)
    instance = pixels(maps / "b" / "x_gtFine_instanceIds.png")
    mask = label == 26 if part == "car" else instance == 26002
    opened = synthesizer.open(source, maps / "b" / "x_gtFine_instanceIds.png")
    base = synthesizer.noise(7)
    assert np.array_equal(pixels(tmp_path / "out" / "x_0.png"), np.array(synthesizer.synthesize(source, seed=7)))
    expected = synthesizer.synthesize(opened, noise=base.resampled(mask, 8))
    assert np.array_equal(pixels(tmp_path / "out" / "x_1.png"), np.array(expected))
    assert not np.array_equal(np.array(expected), pixels(tmp_path / "out" / "x_0.png"))
    text = Image.open(tmp_path / "out" / "x_1.png").text
    assert (text["seed"], text["resampled"], text["resampled seed"]) == ("7", part, "8")


def test_maps_without_the_part_have_one_sample(generate, semantic, maps, tmp_path):
    empty = np.full((64, 128), 7, np.uint8)
    Image.fromarray(empty).save(maps / "a" / "road.png")
    command = (semantic, maps / "a", "--samples", 2, "--resample", "car")
    done = generate(*command, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.said
    assert files(tmp_path / "out") == ["contact_sheet.png", "road_0.png", "x_0.png", "x_1.png"]
    assert "--resample car: 1 of 2 have none at the model's size, one sample of: road" in done.said
    done = generate(semantic, maps / "a" / "road.png", "--samples", 2, "--resample", "car", "-o", tmp_path / "none")
    assert done.exit_code == 1


def test_a_part_without_a_pixel_at_the_size_of_the_pictures_is_told(generate, semantic, tmp_path):
    """Else all samples would be one picture, told as different."""
    label = np.full((512, 1024), 7, np.uint8)
    label[1:4, 1:4] = 24
    instance = label.astype(np.uint16)
    instance[label == 24] = 24500
    for kind, pixels in (("labelIds", label), ("instanceIds", instance)):
        Image.fromarray(pixels).save(tmp_path / f"small_{kind}.png")
    for part in ("24500", "person"):
        command = (semantic, tmp_path / "small_labelIds.png", "--samples", 3, "--resample", part)
        done = generate(*command, "-o", tmp_path / part)
        assert done.exit_code == 1
        assert f"--resample {part}: 1 of 1 have none" in done.said
        assert files(tmp_path / part) == ["contact_sheet.png", "small_0.png"]


def test_original_size(generate, semantic, maps, tmp_path):
    done = generate(semantic, maps, "-o", tmp_path / "out", "--original-size")
    assert done.exit_code == 0, done.said
    assert Image.open(tmp_path / "out" / "a" / "x.png").size == (128, 64)
    assert Image.open(tmp_path / "out" / "c" / "deep" / "y.png").size == (128, 64)


@pytest.mark.parametrize("settings", [False, True], ids=["root", "settings"])
def test_a_dataset(generate, semantic, tiny, tmp_path, settings):
    where = ["data=cityscapes", f"data.root={tiny.root}"] if settings else [tiny.root]
    done = generate(semantic, *where, "-o", tmp_path / "out", "--split", "train")
    assert done.exit_code == 0, done.said
    expected = [f"town/town_{i:06d}_000019.png" for i in range(7)]
    assert files(tmp_path / "out") == ["contact_sheet.png", *expected]


def test_synthetic_streets(generate, semantic, tmp_path, monkeypatch):
    monkeypatch.setenv("PANOPTIC_OASIS_CACHE", str(tmp_path / "cache"))
    streets = ["data=synthetic", "data.streets.train=1", "data.streets.val=2", "data.batch_size=1"]
    done = generate(semantic, *streets, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.said
    assert len(files(tmp_path / "out")) == 3


def test_animations_go_there_and_back(generate, semantic, synthesizer, maps, tmp_path):
    source = maps / "a" / "x_gtFine_labelIds.png"
    done = generate(semantic, source, "-o", tmp_path / "out", "--interpolate", "gif", "--frames", 3)
    assert done.exit_code == 0, done.said
    assert files(tmp_path / "out") == ["contact_sheet.png", "x.gif", "x.png"]
    animation = Image.open(tmp_path / "out" / "x.gif")
    assert (animation.n_frames, animation.info["loop"]) == (6, 0)
    for frame, seed in ((0, 0), (3, 1)):
        animation.seek(frame)
        shown = np.array(animation.convert("RGB")).astype(int)
        right = np.array(synthesizer.synthesize(source, seed=seed)).astype(int)
        wrong = np.array(synthesizer.synthesize(source, seed=1 - seed)).astype(int)
        assert abs(shown - right).mean() < 0.5 * abs(shown - wrong).mean()  # 128 colours are not all


def test_an_mp4(generate, semantic, maps, tmp_path):
    try:
        find_ffmpeg()
    except ValueError:
        pytest.skip("no ffmpeg here")
    done = generate(semantic, maps / "a", "-o", tmp_path / "out", "--interpolate", "mp4", "--frames", 2)
    assert done.exit_code == 0, done.said
    assert b"ftyp" in (tmp_path / "out" / "x.mp4").read_bytes()[:16]


def test_other_kinds_of_maps_are_generated_as_label_ids_are(generate, semantic, ids, maps, tmp_path):
    label, instance = (pixels(maps / "a" / f"x_gtFine_{kind}.png") for kind in ("labelIds", "instanceIds"))
    folder = tmp_path / "kinds"
    (folder / "coco").mkdir(parents=True)
    Image.fromarray(np.array(ids.palette, np.uint8)[label]).save(folder / "x_color.png")
    Image.fromarray(instance).save(folder / "y.png")
    train = np.array([{7: 0, 23: 10, 24: 11, 26: 13}.get(raw, 255) for raw in range(34)], np.uint8)
    Image.fromarray(train[label]).save(folder / "z_labelTrainIds.png")
    Image.fromarray(to_coco(instance, left_out=())).save(folder / "coco" / "c_panoptic.png")
    write_json(folder / "coco.json", {"c_panoptic.png": segments_info(instance, left_out=())})
    done = generate(semantic, folder, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.said
    generate(semantic, maps / "a", "-o", tmp_path / "expected")
    expected = pixels(tmp_path / "expected" / "x.png")
    for name in ("coco/c", "x", "y", "z"):
        assert np.array_equal(pixels(tmp_path / "out" / f"{name}.png"), expected), name


def test_maps_of_other_classes(generate, semantic, maps, tmp_path):
    """The same street with numbers of a class file: equal pictures, once all classes are named."""
    label = pixels(maps / "a" / "x_gtFine_labelIds.png")
    known = {0: "nothing", 7: "road", 23: "sky", 24: "person", 26: "zebra"}
    assert set(np.unique(label)) <= set(known)
    listed = [f"{{name: {name}, ids: [{255 - raw}]}}" for raw, name in known.items()]
    (tmp_path / "zoo.yaml").write_text(f"ignore: nothing\nclasses: [{', '.join(listed)}]")
    (tmp_path / "zoo").mkdir()
    Image.fromarray(255 - label).save(tmp_path / "zoo" / "x.png")
    told = ("--label-space-of-input", tmp_path / "zoo.yaml")
    count = int((label == 26).sum())
    done = generate(semantic, tmp_path / "zoo", "-o", tmp_path / "out", *told)
    assert done.exit_code == 1
    assert f"no classes of this model: zebra ({count} pixels)" in done.said
    done = generate(semantic, tmp_path / "zoo", "-o", tmp_path / "out", *told, "--replace", "zebra=car")
    assert done.exit_code == 0, done.said
    assert f"zebra as car: {count} pixels" in done.said
    generate(semantic, maps / "a", "-o", tmp_path / "expected")
    assert np.array_equal(pixels(tmp_path / "out" / "x.png"), pixels(tmp_path / "expected" / "x.png"))


def test_bf16_is_close(generate, semantic, maps, tmp_path):
    for folder, more in (("float", ()), ("bf16", ("--bf16", "--device", "cpu"))):
        assert generate(semantic, maps / "a", "-o", tmp_path / folder, *more).exit_code == 0
    one, other = (pixels(tmp_path / folder / "x.png").astype(int) for folder in ("float", "bf16"))
    assert 0 < abs(one - other).mean() < 3


@pytest.mark.real_data
def test_genuine_label_maps(generate, boundary, tmp_path):
    if "OASIS_REAL_DATA" not in os.environ:
        pytest.skip("OASIS_REAL_DATA names no folder with genuine frames")
    root = Path(os.environ["OASIS_REAL_DATA"]) / "cityscapes_sample"
    done = generate(boundary, root / "gtFine", "-o", tmp_path / "out")
    assert done.exit_code == 0, done.said
    maps = {path.name.removesuffix("_gtFine_labelIds.png") for path in root.rglob("*_labelIds.png")}
    assert {Path(name).stem for name in files(tmp_path / "out")} == {*maps, "contact_sheet"}
