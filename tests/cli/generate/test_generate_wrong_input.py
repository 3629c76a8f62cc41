"""Errors of `oasis generate`: of options, of files, of the machine."""

import errno
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from PIL import Image


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def test_an_instance_of_a_map_without_instances_is_an_error(generate, semantic, maps, tmp_path):
    done = generate(semantic, maps / "c", "--samples", 2, "--resample", "26002", "-o", tmp_path / "out")
    assert done.exit_code == 1
    assert "y.png" in done.said
    assert "instanceIds.png" in done.said


def test_it_goes_on_after_bad_files_and_lists_them(generate, semantic, maps, tmp_path):
    whole = (maps / "a" / "x_gtFine_labelIds.png").read_bytes()
    (maps / "a" / "torn.png").write_bytes(whole[: len(whole) // 2])
    (maps / "b" / "text.png").write_text("no picture")
    done = generate(semantic, maps, "-o", tmp_path / "out")
    assert done.exit_code == 1
    assert files(tmp_path / "out") == ["a/x.png", "b/x.png", "c/deep/y.png", "contact_sheet.png"]
    assert "2 of 5 could not be generated" in done.said
    assert "torn.png" in done.said
    assert "text.png" in done.said
    assert "Traceback" not in done.said


def test_an_encoding_that_needs_instances_names_the_map_that_has_none(generate, boundary, maps, tmp_path):
    done = generate(boundary, maps, "-o", tmp_path / "out")
    assert done.exit_code == 1
    assert files(tmp_path / "out") == ["a/x.png", "b/x.png", "contact_sheet.png"]
    assert "y.png" in done.said
    assert "instanceIds" in done.said


def test_without_ffmpeg_an_mp4_is_refused_before_anything_is_generated(generate, semantic, maps, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    done = generate(semantic, maps, "-o", tmp_path / "out", "--interpolate", "mp4")
    assert done.exit_code == 1
    assert "pip install imageio-ffmpeg" in done.said
    assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten_unless_it_may_be(generate, semantic, maps, tmp_path):
    out = tmp_path / "out"
    (out / "b").mkdir(parents=True)
    (out / "b" / "x.png").write_text("precious")
    (out / "contact_sheet.png").write_text("precious")
    done = generate(semantic, maps, "-o", out)
    assert done.exit_code == 1
    assert "2 of 4 files exist already" in done.said
    assert str(out / "b" / "x.png") in done.said
    assert "--force" in done.said
    assert files(out) == ["b/x.png", "contact_sheet.png"]
    assert (out / "b" / "x.png").read_text() == "precious"
    assert generate(semantic, maps, "-o", out, "--force").exit_code == 0
    assert Image.open(out / "b" / "x.png").size == (64, 32)


def test_inputs_are_never_overwritten(generate, semantic, maps):
    source = maps / "c" / "deep" / "y.png"
    before = source.read_bytes()
    done = generate(semantic, source, "-o", source.parent, "--force")
    assert done.exit_code == 1
    assert "an input would be overwritten" in done.said
    assert source.read_bytes() == before


def end_by_ctrl_c():
    raise KeyboardInterrupt


def end_by_sigterm():
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(1)  # the handler runs first


@pytest.mark.parametrize("end", [end_by_ctrl_c, end_by_sigterm], ids=["ctrl-c", "sigterm"])
def test_an_interrupted_run_leaves_whole_files_only(generate, semantic, maps, tmp_path, monkeypatch, end):
    generated = []
    original = Path.write_bytes
    before = signal.getsignal(signal.SIGTERM)

    def cut_off(self, content):
        generated.append(self)
        if len(generated) == 2:
            original(self, content[: len(content) // 2])
            end()
        return original(self, content)

    monkeypatch.setattr(Path, "write_bytes", cut_off)
    done = generate(semantic, maps, "-o", tmp_path / "out")
    assert done.exit_code in (1, 130, 143)
    assert len(generated) == 2
    assert files(tmp_path / "out") == ["a/x.png"]
    Image.open(tmp_path / "out" / "a" / "x.png").load()
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_full_disk_ends_the_run(generate, semantic, maps, tmp_path, monkeypatch):
    def full(self, content):
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    done = generate(semantic, maps, "-o", tmp_path / "out")
    assert done.exit_code == 1
    assert "No space left on device" in done.said
    assert "could not be generated" not in done.said  # it is no fault of the maps


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.ckpt", "MAPS"], ["nowhere.ckpt", "no such checkpoint"]),
        (["SEGMENTER", "MAPS"], ["segmenter.pt", "not a checkpoint"]),
        (["CHECKPOINT"], ["No input is named", "data=synthetic"]),
        (["CHECKPOINT", "EMPTY"], ["holds no label map", "--from-photos"]),
        (["CHECKPOINT", "EMPTY", "--from-photos", "--segmenter", "SEGMENTER"], ["holds no photo"]),
        (["CHECKPOINT", "nowhere"], ["nowhere: no such file or folder"]),
        (["CHECKPOINT", "MAPS", "MAPS/a"], ["one input, but there are 2"]),
        (["CHECKPOINT", "MAPS", "data=synthetic"], ["Both an input"]),
        (["CHECKPOINT", "MAPS", "--segmenter", "SEGMENTER"], ["add --from-photos"]),
        (["CHECKPOINT", "MAPS", "--resample", "lorry", "--samples", "2"], ["--resample lorry", "truck, bus"]),
        (["CHECKPOINT", "MAPS", "--resample", "car"], ["--samples 2"]),
        (["CHECKPOINT", "DATASET", "--split", "dev"], ["--split dev", "train, val, test"]),
        (["CHECKPOINT", "MAPS", "--device", "cuda:99"], ["cuda:99"]),
        (["CHECKPOINT", "PHOTO", "--from-photos", "--segmenter", "CHECKPOINT"], ["not a segmenter"]),
        (["CHECKPOINT", "PHOTO", "--from-photos", "segmenter=none"], ["segmenter=none"]),
        (["CHECKPOINT", "data=cityscapes", "data.root=nowhere"], ["nowhere"]),
        (["CHECKPOINT", "data=towns"], ["towns"]),
        (["CHECKPOINT", "MAPS", "--label-space-of-input", "zoo"], ["zoo: no label space is called this", "camvid"]),
        (["CHECKPOINT", "MAPS", "--label-space-of-input", "zoo.yaml"], ["zoo.yaml: no such class file"]),
        (["CHECKPOINT", "MAPS", "--replace", "zebra"], ["--replace zebra: write two classes"]),
        (["CHECKPOINT", "MAPS", "--replace", "car=zebra"], ["'zebra' is no class of the model. Its classes: road, "]),
        (["CHECKPOINT", "MAPS", "--split", "test"], ["--split test: of a dataset, but", "is read as single maps"]),
        (["CHECKPOINT", "MAPS", "--frames", "9"], ["--frames is for --interpolate, which is not given"]),
        (["CHECKPOINT", "MAPS", "--search-steps", "7"], ["--search-steps is for --like, which is not given"]),
        (["CHECKPOINT", "MAPS/c", "--instance-format", "numbers"], ["--instance-format numbers: no label map has an"]),
        (
            ["CHECKPOINT", "PHOTO", "--from-photos", "--segmenter", "SEGMENTER", "segmenter=mask2former"],
            ["--segmenter", "segmenter.pt and segmenter=mask2former both name one"],
        ),
        (
            ["CHECKPOINT", "MAPS", "--replace", "car=bus", "--replace", "car=van"],
            ["'car' is replaced by 'bus' already"],
        ),
        (["CHECKPOINT", "PHOTO", "--from-photos", "--replace", "car=bus"], ["--replace: of label maps"]),
    ],
)
def test_bad_input_is_told_in_one_line(generate, semantic, maps, tiny, segmenter, tmp_path, arguments, words):
    (tmp_path / "empty").mkdir()
    photo = tiny.photo("val", "town_000100_000019")
    places = {"CHECKPOINT": semantic, "MAPS": maps, "EMPTY": tmp_path / "empty", "SEGMENTER": segmenter, "PHOTO": photo}
    places["DATASET"] = tiny.root
    filled = []
    for argument in arguments:
        for name, path in places.items():
            argument = argument.replace(name, str(path))
        filled.append(argument)
    done = generate(*filled, "--output", tmp_path / "out")
    assert done.exit_code == 1
    assert "Traceback" not in done.said
    for word in words:
        assert word in done.said, done.said
    assert not (tmp_path / "out").exists()


def test_the_output_does_not_lie_among_the_inputs(generate, semantic, maps):
    for out in (maps, maps / "a" / "new"):
        done = generate(semantic, maps, "-o", out)
        assert done.exit_code == 1
        assert "lies inside of the input" in done.said


def test_the_output_is_a_folder(generate, semantic, maps, tmp_path):
    (tmp_path / "out").write_text("")
    done = generate(semantic, maps, "-o", tmp_path / "out")
    assert done.exit_code == 1
    assert "this is a file" in done.said
