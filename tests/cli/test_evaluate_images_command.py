"""`oasis evaluate --images`, as typed."""

import csv
import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from oasis.cli import app
from oasis.cli.evaluated_images import parse_images
from oasis.errors import ConfigurationError
from oasis.evaluation.results import read_json
from oasis.segmenters import UNetSegmenter

STEMS = [f"town_{100 + i:06d}_000019" for i in range(3)]
SIZE = ["data.height=32", "data.width=64", "data.num_workers=0"]
PLAIN = ["metrics=none", "segmenter=none", "--diversity-images", 0]
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*generated and.*real images", "ignore:.*fewer than the"),
    pytest.mark.usefixtures("no_weights"),
]


@pytest.fixture
def segmenter(ids, tmp_path):
    """Untrained, but predicts the classes of the label maps, here and there."""
    torch.manual_seed(0)
    segmenter = UNetSegmenter(ids, channels=4, depth=3)
    with torch.no_grad():
        segmenter.network.semantic[-1].weight.normal_()
        scored = [ids.names[c] for c in sorted(ids.evaluated)]
        absent = [name not in ("road", "sky", "car", "person") for name in scored]
        segmenter.network.semantic[-1].bias.copy_(-1000 * torch.tensor(absent))
    segmenter.save(tmp_path / "segmenter.pt")
    return segmenter.eval()


def oasis(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def write(folder, seed=0, size=(32, 64), names=STEMS):
    folder.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).integers(0, 256, (len(names), size[0] // 8, size[1] // 8, 3), np.uint8)
    pictures = list(coarse.repeat(8, axis=1).repeat(8, axis=2))
    for name, picture in zip(names, pictures, strict=True):
        Image.fromarray(picture).save(folder / f"{name}_leftImg8bit.png")
    return pictures


def mean_iou(segmenter, pictures, tiny, ids):
    """Of the evaluated classes, from one confusion matrix, counted pixel by pixel in NumPy."""
    counts = np.zeros((256, 256), np.int64)
    for picture, stem in zip(pictures, STEMS, strict=True):
        raw = np.asarray(Image.open(tiny.label("val", stem)))[1::2, 1::2]
        with torch.no_grad():
            image = torch.from_numpy(picture).permute(2, 0, 1)[None] / 127.5 - 1
            seen = segmenter(image).label[0].numpy()
        np.add.at(counts, (np.array(ids.raw_to_class)[raw], seen), 1)
    scored = sorted(ids.evaluated)
    counts = counts[scored]  # other pixels are void
    unions = {c: counts[i].sum() + counts[:, c].sum() - counts[i, c] for i, c in enumerate(scored)}
    return np.mean([counts[i, c] / unions[c] for i, c in enumerate(scored) if unions[c]])


def test_pictures_alone_from_folders_to_all_files(tiny, ids, segmenter, tmp_path):
    """Two columns, of two draws and of one; the numbers of the JSON are those of a direct computation."""
    draws = [write(tmp_path / f"d{i}", seed=i) for i in range(2)]
    write(tmp_path / "other", seed=5)
    output = tmp_path / "report"
    done = oasis(
        "evaluate", "--images", f"spade={tmp_path / 'd0'},{tmp_path / 'd1'}", "--images", tmp_path / "other",
        "data=cityscapes", f"data.root={tiny.root}", *SIZE, "metrics=none",
        f"segmenter.weights={tmp_path / 'segmenter.pt'}", "-o", output,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    results = json.loads((output / "results.json").read_text())
    spade, other = results["columns"]
    assert (spade["name"], other["name"], spade["draws"], other["draws"]) == ("spade", "other", 2, 1)
    expected = [mean_iou(segmenter, pictures, tiny, ids) for pictures in draws]
    assert expected[0] != pytest.approx(expected[1], rel=1e-3)
    assert spade["scores"]["segmenter/miou"]["values"] == pytest.approx(expected, rel=1e-4)
    assert [column["name"] for column in results["references"]] == ["real photos"]
    assert (results["seeds"], results["images"], results["height"]) == ([], 3, 32)
    assert read_json(output / "results.json").columns[0].draws == 2
    with (output / "results.csv").open() as file:
        rows = {(row["metric"], row["column"]): row for row in csv.DictReader(file)}
    assert float(rows["segmenter/miou", "spade"]["draw_1"]) == spade["scores"]["segmenter/miou"]["values"][1]
    assert not rows["segmenter/miou", "other"]["draw_1"]
    page = (output / "report.html").read_text()
    assert "Evaluation of 2 columns" in page
    assert "pictures: 6; draws: 2; format: PNG" in page
    assert str(tmp_path / "d1") in page
    assert "One draw of each label map (other)" in " ".join(done.output.split())


def test_what_generate_wrote_has_the_scores_of_its_checkpoint(trained, tiny, segmenter, tmp_path):
    """To the rounding of PNGs; a generator without noise, since each command draws its own: two draws are copies."""
    run = trained("run", "trainer.max_epochs=1", "generator.init_gain=1", "generator.noise_dim=0")
    made = oasis("generate", run, "data=cityscapes", f"data.root={tiny.root}", "-o", tmp_path / "made")
    assert made.exit_code == 0, made.output
    for stem in STEMS:
        picture = tmp_path / "made" / "town" / f"{stem}.png"
        shutil.copy(picture, picture.with_stem(f"{stem}_1"))
        picture.rename(picture.with_stem(f"{stem}_0"))
    done = oasis(
        "evaluate", run, "--images", tmp_path / "made", "metrics=none", "-o", tmp_path / "out",
        f"segmenter.weights={tmp_path / 'segmenter.pt'}", "--diversity-images", 3,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    comparison = read_json(tmp_path / "out" / "results.json")
    generated, read = comparison.columns
    assert [column.name for column in comparison.references] == ["real photos", "untrained"]
    assert (generated.draws, read.draws, comparison.seeds) == (0, 2, (0, 1, 2))
    assert not any("belong to no label map" in note for note in comparison.notes)  # contact_sheet.png
    assert {"segmenter/miou", "segmenter/frechet", "instances/color", "diversity/ms_ssim"} <= read.scores.keys()
    for name, score in generated.scores.items():
        assert read.scores[name].mean == pytest.approx(score.mean, rel=0.01, abs=1e-3), name


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--images", "OUT"], ["data=..., data.height=..., data.width=... is not given"]),
        (["--images", "OUT", "data=cityscapes", "data.root=ROOT"], ["data.height=..., data.width=... is not given"]),
        (["--images", "nowhere", "NAMED"], ["nowhere: no such folder"]),
        (["--images", "x=", "NAMED"], ["--images x=: give DIR, DIR,DIR"]),
        (["--images", "OUT,OTHER", "NAMED"], ["none of 1 pictures", "foreign_leftImg8bit.png"]),
        (["--images", "FEW", "NAMED"], ["2 of 3 label maps have no picture", "--allow-missing"]),
        (["--images", "BIG", "NAMED"], ["128x64", "scored at 64x32", "--resize-images area"]),
        (["--images", "OUT", "--split", "train", "NAMED"], ["none of 3 pictures", "--split"]),
        ([], ["No checkpoint is named", "--images DIR"]),
    ],
)
def test_bad_input_is_told_in_one_line(tiny, tmp_path, arguments, words):
    write(tmp_path / "OUT")
    write(tmp_path / "OTHER", names=["foreign"])
    write(tmp_path / "FEW", names=STEMS[:1])
    write(tmp_path / "BIG", size=(64, 128))
    filled = []
    for argument in arguments:
        if argument == "NAMED":
            filled += ["data=cityscapes", f"data.root={tiny.root}", *SIZE]
            continue
        for name in ("OUT", "OTHER", "FEW", "BIG"):
            argument = argument.replace(name, str(tmp_path / name))
        filled.append(argument.replace("ROOT", str(tiny.root)))
    done = oasis("evaluate", *filled, *PLAIN, "-o", tmp_path / "report")
    assert done.exit_code == 1
    said = (done.output + (done.stderr if done.stderr_bytes is not None else "")).replace("\n", "")
    assert "Traceback" not in said
    for word in words:
        assert word in said, said
    assert not (tmp_path / "report").exists()


def test_missing_pictures_and_other_sizes_when_allowed(tiny, tmp_path):
    write(tmp_path / "few", names=STEMS[1:], size=(64, 128))
    done = oasis("evaluate", "--images", tmp_path / "few", "--allow-missing", "--resize-images", "bilinear",
                 "data=cityscapes", f"data.root={tiny.root}", *SIZE, *PLAIN, "-o", tmp_path / "out")  # fmt: skip
    assert done.exit_code == 0, done.output
    comparison = read_json(tmp_path / "out" / "results.json")
    assert comparison.images == 2
    assert comparison.columns[0].facts["resized"] == "2, bilinear"
    assert sum("label maps" in note for note in comparison.notes) == 2


def test_words_of_images(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "a,b", "lr=1", "x=a"):
        (tmp_path / name).mkdir()

    def parsed(word):
        (column,) = parse_images([word])
        return column.name, [str(folder) for folder in column.folders]

    assert parsed("a") == ("", ["a"])
    assert parsed("b,a") == ("", ["b", "a"])
    assert parsed("a,b") == ("", ["a,b"])  # which is a folder
    assert parsed("my spade=a,c") == ("my spade", ["a", "c"])
    assert parsed("n=a,b") == ("n", ["a,b"])
    assert parsed("lr=1,a") == ("", ["lr=1", "a"])
    assert parsed("./lr=2/out") == ("", ["lr=2/out"])
    for wrong in ("a,", "n=", ""):
        with pytest.raises(ConfigurationError, match="give DIR"):
            parsed(wrong)
