"""`oasis train-segmenter` and `oasis evaluate`, as typed."""

import csv
import json
import os
import re
import shutil

import numpy as np
import pytest
import yaml
from PIL import Image
from tiny_transformers import save_tiny_clip, save_tiny_dinov2
from typer.testing import CliRunner

from oasis.cli import app
from oasis.cli.arguments import split_arguments
from oasis.errors import ConfigurationError
from oasis.segmenters import UNetSegmenter

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*generated and.*real images", "ignore:.*fewer than the"),
    pytest.mark.usefixtures("no_weights"),
]


SHORT = ("trainer.max_epochs=1", "generator.init_gain=1")


@pytest.fixture
def run(trained):
    return trained("run", *SHORT)


def oasis(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_from_a_segmenter_to_a_report(fit, tiny, tmp_path):
    """The segmenter is found automatically: it was trained on the checkpoint's own dataset, at its size."""
    run = fit("run", *SHORT)
    sizes = [f"data.root={tiny.root}", "data.height=32", "data.width=64", "data.num_workers=0"]
    trained = oasis("train-segmenter", *sizes, "--epochs", 1, "--batch-size", 2, "--channels", 4)
    assert trained.exit_code == 0, trained.output
    assert "real photos that it never saw" in trained.output
    output = tmp_path / "report"
    done = oasis("evaluate", run, "--output", output, "--diversity-images", 2)
    assert done.exit_code == 0, done.output
    results = json.loads((output / "results.json").read_text())
    scores = results["columns"][0]["scores"]
    assert len(scores["segmenter/miou"]["values"]) == 3
    assert {"segmenter/pq", "segmenter/touching_recall", "segmenter/frechet", "diversity/ms_ssim"} <= scores.keys()
    assert not any(name.startswith(("fid", "kid")) for name in scores)  # no Inception, no FID
    assert [column["name"] for column in results["references"]] == ["real photos", "untrained"]
    with (output / "results.csv").open() as file:
        rows = {(row["metric"], row["column"]): row for row in csv.DictReader(file)}
    assert float(rows["segmenter/frechet", "test"]["seed_1"]) == scores["segmenter/frechet"]["values"][1]
    assert "<html" in (output / "report.html").read_text()
    assert (output / "samples_0.png").is_file()
    assert "metrics.weights=PATH" in done.output.replace("\n", "")
    assert "mIoU" in done.output


def test_the_segmenter_says_what_it_can_do(tiny, tmp_path):
    sizes = [f"data.root={tiny.root}", "data.height=32", "data.width=64", "data.num_workers=0"]
    done = oasis(
        "train-segmenter", *sizes, "--epochs", 1, "--batch-size", 2, "--channels", 4, "-o", tmp_path / "segmenter.pt"
    )
    assert done.exit_code == 0, done.output
    assert re.search(r"Epoch 0: +0%", done.output)  # printed during training, even without a terminal
    facts = UNetSegmenter.from_file(tmp_path / "segmenter.pt").facts
    assert 0 <= facts["held_out"]["segmenter/miou"] <= 1
    assert (facts["height"], facts["width"]) == (32, 64)


def test_distances_on_other_features_from_training_photos(run, tmp_path):
    """All features at once: Inception's weights are missing, and left out."""
    pytest.importorskip("transformers")
    settings = ["metrics=all"]
    for name, save in (("dinov2", save_tiny_dinov2), ("clip", save_tiny_clip)):
        settings += [f"metrics.{name}.weights={save(tmp_path / name)}", f"metrics.{name}.any_size=true"]
    output = tmp_path / "out"
    options = ["--output", output, "--diversity-images", 0, "--reference", "train"]
    done = oasis("evaluate", run, *settings, "segmenter=none", *options)
    assert done.exit_code == 0, done.output
    results = json.loads((output / "results.json").read_text())
    columns = [*results["columns"], *results["references"]]
    assert len(columns) == 3
    for column in columns:
        distances = {name for name in column["scores"] if name.endswith("_train")}
        assert distances == {"frechet_dinov2_train", "kernel_dinov2_train", "cmmd_train"}
        assert not {"frechet_dinov2", "cmmd", "fid", "fid_train"} & column["scores"].keys()
    assert all(value > 0 for value in columns[0]["scores"]["cmmd_train"]["values"])
    assert "metrics.inception.weights=PATH" in done.output.replace("\n", "")
    assert "CMMD, training photos" in (output / "report.html").read_text()


def test_a_reference_that_is_no_split(run, tmp_path):
    done = oasis("evaluate", run, "metrics=none", "-o", tmp_path / "out", "--reference", "photos")
    assert done.exit_code == 1
    assert "--reference photos: choose one of train, val, test" in (done.output + done.stderr).replace("\n", " ")


@pytest.mark.parametrize(("option", "value"), [("--precision", "12-bits"), ("--device", "abacus")])
def test_what_the_trainer_does_not_know_is_told_in_one_line(tiny, tmp_path, option, value):
    sizes = [f"data.root={tiny.root}", "data.height=32", "data.width=64", "data.num_workers=0"]
    done = oasis("train-segmenter", *sizes, option, value, "-o", tmp_path / "segmenter.pt", "--batch-size", 2)
    assert done.exit_code == 1
    assert value in done.output + done.stderr
    assert not (tmp_path / "segmenter.pt").exists()


def test_another_dataset_and_a_named_segmenter(run, tiny, tmp_path, ids):
    UNetSegmenter(ids, channels=4, depth=3).save(tmp_path / "segmenter.pt")
    settings = [
        "data=cityscapes",
        f"data.root={tiny.root}",
        f"segmenter.weights={tmp_path / 'segmenter.pt'}",
        "metrics=segmenter",
    ]
    done = oasis("evaluate", run, *settings, "-o", tmp_path / "out", "--diversity-images", 0, "--split", "train")
    assert done.exit_code == 0, done.output
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert (results["images"], results["split"], results["height"]) == (7, "train", 32)


def test_the_same_classes_with_other_ids(run, tiny, tmp_path, ids):
    """Classes named in the order of the checkpoint's, for maps that have other numbers for them."""
    numbers = {7: 107, 11: 111, 23: 123, 24: 124, 26: 126}
    for split in ("train", "val"):
        for label in sorted((tiny.root / "gtFine" / split).rglob("*_labelIds.png")):
            name = label.name.removesuffix("_gtFine_labelIds.png")
            raw = np.asarray(Image.open(label))
            for kind in ("images", "labels"):
                (tmp_path / kind / split).mkdir(parents=True, exist_ok=True)
            other = np.vectorize(lambda i: numbers.get(i, i), otypes=[np.uint8])(raw)
            Image.fromarray(other).save(tmp_path / "labels" / split / f"{name}.png")
            photo = next((tiny.root / "leftImg8bit" / split).rglob(f"{name}_leftImg8bit.*"))
            shutil.copy(photo, tmp_path / "images" / split / f"{name}{photo.suffix}")
    classes = [
        {
            "name": name,
            "ids": [numbers.get(raw, raw) for raw, at in enumerate(ids.raw_to_class) if at == index],
            "color": list(ids.palette[index]),
            "thing": index in ids.things,
            "scored": index in ids.evaluated,
        }
        for index, name in enumerate(ids.names)
    ]
    ignored = ids.names[ids.ignore_index]
    (tmp_path / "classes.yaml").write_text(yaml.safe_dump({"classes": classes, "ignore": ignored}))
    words = ["label_space=file", f"label_space.path={tmp_path / 'classes.yaml'}", "segmenter=none", "metrics=none"]
    done = oasis("evaluate", run, "data=folder", f"data.root={tmp_path}", *words, "-o", tmp_path / "out",
                 "--diversity-images", 0)  # fmt: skip
    assert done.exit_code == 0, done.output
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["images"] == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.ckpt"], ["nowhere.ckpt", "no such checkpoint"]),
        (["segmenter=unet"], ["No checkpoint is named"]),
        (["RUN", "data.colour=red"], ["colour"]),
        (
            ["RUN", "label_space=cityscapes_train_ids", "data=cityscapes", "data.root=ROOT"],
            ["only in the data: 'void'"],
        ),
        (["RUN", "data=ade20k", "data.root=ROOT"], ["label id 1 is wall in this dataset, but ego vehicle in the one"]),
        (["RUN", "segmenter.weights=missing.pt"], ["missing.pt"]),
        (["RUN", "metrics.weights=JUNK"], ["junk.pth", "SHA-256", "6726825d"]),
        (["RUN", "--device", "cuda:99"], ["device=cuda:99"]),
        (["RUN", "--split", "dev"], ["--split dev"]),
        (["RUN", "data.root=nowhere"], ["nowhere"]),
        (["RUN", "++data.root=nowhere"], ["nowhere"]),
        (["RUN", "+data.root=nowhere"], ["nowhere"]),
        (["RUN", "+label_space=cityscapes_train_ids"], ["label_space"]),
        (["RUN", "~data.flip=true"], ["~data.flip=true: not a change of the data"]),
        (
            ["RUN", "experiment=demo"],
            ["experiment=demo: `oasis evaluate` takes settings of data, label_space, segmenter"],
        ),
        (["RUN", "trainer.threads=2"], ["trainer.threads=2", "would change nothing"]),
        (["RUN", "--fakes-steps", "20"], ["--fakes-steps is for --train-on-fakes, which is not given"]),
        (["RUN", "--fakes-seeds", "3"], ["--fakes-seeds is for --train-on-fakes"]),
        (["RUN", "--resize-images", "refuse"], ["--resize-images is for --images, which is not given"]),
        (["RUN", "--allow-missing"], ["--allow-missing is for --images"]),
    ],
)
def test_bad_input_is_told_in_one_line(run, tiny, tmp_path, arguments, words):
    junk = tmp_path / "junk.pth"
    junk.write_bytes(b"junk")
    places = {"RUN": str(run), "ROOT": str(tiny.root), "JUNK": str(junk)}
    filled = []
    for argument in arguments:
        for name, path in places.items():
            argument = argument.replace(name, path)
        filled.append(argument)
    done = oasis("evaluate", *filled, "--output", tmp_path / "out")
    assert done.exit_code == 1
    said = done.output + (done.stderr if done.stderr_bytes is not None else "")
    assert "Traceback" not in said
    for word in words:
        assert word.lower() in said.lower(), said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["file", "file/deeper/out", "closed/out"])
def test_an_output_that_cannot_be_written_is_refused_before_any_work(run, tmp_path, monkeypatch, name):
    monkeypatch.setattr("oasis.cli.evaluation.evaluate_sources", lambda *_: pytest.fail("work"))
    (tmp_path / "file").write_text("mine")
    (tmp_path / "closed").mkdir()
    closed = tmp_path / "closed"
    access = os.access
    monkeypatch.setattr("os.access", lambda path, mode: path != closed and access(path, mode))  # root may do anything
    done = oasis("evaluate", run, "-o", tmp_path / name)
    assert done.exit_code == 1
    said = (done.output + done.stderr).replace("\n", "")
    assert f"--output {tmp_path / name}: " in said
    assert str(tmp_path / name.split("/")[0]) + (" is a file" if "file" in name else ". Name another") in said
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_with_brackets_is_printed_as_it_is(run, tmp_path):
    output = tmp_path / "a[red]b[/x]"
    done = oasis("evaluate", run, "-o", output, "metrics=none", "segmenter=none", "--diversity-images", 2)
    assert done.exit_code == 0, done.output
    assert f"Written: {output}/report.html, results.json" in done.output.replace("\n", "")


@pytest.mark.parametrize(
    ("words", "expected"),
    [([], 4), (["data.batch_size=2"], 2), (["--batch-size", 3], 3), (["--batch-size", 3, "data.batch_size=3"], 3)],
)
def test_the_batch_size_of_the_segmenter_is_the_one_that_is_given(tiny, monkeypatch, words, expected):
    def tell(data, *_):
        raise ConfigurationError(str(data.batch_size))

    monkeypatch.setattr("oasis.training.segmenter_fit.fit_segmenter", tell)
    done = oasis("train-segmenter", f"data.root={tiny.root}", *words)
    assert (done.exit_code, done.stderr) == (1, f"error: {expected}\n")


def test_a_batch_size_that_is_given_twice(tiny):
    done = oasis("train-segmenter", f"data.root={tiny.root}", "data.batch_size=2", "--batch-size", 3)
    assert done.exit_code == 1
    assert "--batch-size 3 and data.batch_size=2 contradict each other" in done.stderr


def test_folders_of_a_sweep_hold_equal_signs(tmp_path):
    folder = tmp_path / "0_seed=1"
    folder.mkdir()
    words = [str(folder), "data.root=x", "a=b/last.ckpt", "+new=1", "segmenter=none"]
    paths, settings = split_arguments(words)
    assert [str(path) for path in paths] == [str(folder), "a=b/last.ckpt"]
    assert settings == ["data.root=x", "+new=1", "segmenter=none"]
    with pytest.raises(ConfigurationError, match="No checkpoint"):
        split_arguments(["segmenter=none"])
