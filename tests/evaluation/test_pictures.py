"""Pictures in folders, paired with label maps and measured like those of a generator."""

import math
import shutil

import numpy as np
import pytest
import torch
from mean_colors import Means
from PIL import Image

from oasis.checkpoint.own_data import own_data
from oasis.data import Cityscapes, Folder, LabelMapDataModule
from oasis.encodings import Semantic
from oasis.errors import ConfigurationError, DatasetError
from oasis.evaluation import Evaluation, PictureFinder, PictureFolders, Resizing, open_models
from oasis.evaluation.rows import best_checkpoint, meaning_of_spread
from oasis.scoring import MetricNetworks
from oasis.visualize import to_bytes

CPU = torch.device("cpu")
STEMS = [f"town_{100 + i:06d}_000019" for i in range(3)]
pytestmark = pytest.mark.filterwarnings("ignore:.*generated and.*real images", "ignore:.*fewer than the")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PANOPTIC_OASIS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def data(tiny, ids):
    return LabelMapDataModule(Cityscapes(tiny.root), Semantic(ids), ids, 32, 64, batch_size=2, num_workers=0)


def noise(seed, height=32, width=64, channels=(3,)):
    return np.random.default_rng(seed).integers(0, 256, (height, width, *channels), np.uint8)


def write(folder, names=STEMS, seed=0, ending="png", **size):
    """Random pictures of these names; returns them."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [noise(100 * seed + i, **size) for i in range(len(names))]
    for name, picture in zip(names, pictures, strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / f"{name}.{ending}")
    return pictures


def opened(data, *folders, notes=None, name="", **settings):
    (found,) = PictureFinder(data, "val", **settings).open(
        [PictureFolders(folders, name)], [] if notes is None else notes
    )
    return found


def evaluation(**settings):
    return Evaluation(MetricNetworks([Means()]), CPU, **{"diversity_images": 0, "progress": False, **settings})


def frechet(pictures, photos):
    """Of mean colours, by eigenvalues, in NumPy."""
    a, b = (np.stack([p.reshape(-1, 3).mean(0) for p in each]) / 127.5 - 1 for each in (pictures, photos))
    cov_a, cov_b = np.cov(a.T), np.cov(b.T)
    roots = np.sqrt(np.linalg.eigvals(cov_a @ cov_b).real.clip(min=0)).sum()
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * roots)


def photos_of(data):
    dataset = data.dataset("val")
    return [dataset[i]["image"].permute(1, 2, 0).numpy() for i in range(len(dataset))]


NAMED = ["{}", "{}_leftImg8bit", "{}_gtFine_labelIds", "{}_gtFine_instanceIds", "town/{}", "a/b/{}_leftImg8bit", "{}_0"]


@pytest.mark.parametrize("pattern", NAMED)
def test_pictures_are_paired_by_all_names_of_a_sample(data, tiny, tmp_path, pattern):
    write(tmp_path / "out", [pattern.format(stem) for stem in STEMS])
    (draw,) = opened(data, tmp_path / "out").draws
    assert draw.pictures == {
        tiny.label("val", stem): tmp_path / "out" / f"{pattern.format(stem)}.png" for stem in STEMS
    }


def test_each_picture_is_scored_as_that_of_its_label_map(data, tmp_path):
    """Whatever the order of files and the size of batches."""
    pictures = write(tmp_path / "out", list(reversed(STEMS)))[::-1]
    found = opened(data, tmp_path / "out")
    read = [
        found.generate(samples, 0)[1]
        for samples in (data.loader_of("val", [2]), data.loader_of("val", [0, 1]))
        for samples in samples
    ]
    expected = torch.from_numpy(np.stack([pictures[i] for i in (2, 0, 1)])).permute(0, 3, 1, 2) / 127.5 - 1
    assert torch.allclose(torch.cat(read), expected, atol=1e-6)


def test_scores_are_those_of_a_direct_computation(data, tmp_path):
    draws = [write(tmp_path / f"draw{i}", seed=i) for i in range(2)]
    column = opened(data, *(tmp_path / f"draw{i}" for i in range(2)))
    comparison = evaluation(seeds=()).run([column])
    expected = [frechet(pictures, photos_of(data)) for pictures in draws]
    assert comparison.columns[0].scores["means"].values == pytest.approx(expected, rel=1e-4)
    assert (comparison.columns[0].draws, comparison.seeds, comparison.images) == (2, (), 3)
    assert comparison.columns[0].facts == {"pictures": "6", "draws": "2", "format": "PNG"}
    assert "pictures" in comparison.seconds
    assert "generator" not in comparison.seconds


def test_the_pictures_of_a_checkpoint_have_its_scores(trained, tmp_path):
    """To the rounding of PNGs, for every seed: distances, and diversity."""
    (model,) = open_models([trained("run", "trainer.max_epochs=1", "generator.init_gain=1")], own_data)
    for seed in range(3):
        for samples in model.data.loader_of("val", range(3)):
            batch, fakes = model.generate(samples, seed)
            for name, fake in zip(batch.name, to_bytes(fakes), strict=True):
                (tmp_path / f"{seed}").mkdir(exist_ok=True)
                Image.fromarray(fake.permute(1, 2, 0).numpy()).save(tmp_path / f"{seed}" / f"{name}.png")
    pictures = opened(model.data, *(tmp_path / f"{seed}" for seed in range(3)), name="saved")
    generated, saved = evaluation(diversity_images=3).run([model, pictures]).columns
    assert generated.scores.keys() == saved.scores.keys()
    for name, score in generated.scores.items():
        assert saved.scores[name].values == pytest.approx(score.values, rel=0.02, abs=1e-4), name
    assert len(set(saved.scores["means"].values)) == 3


def test_numbered_pictures_are_draws(data, tmp_path):
    draws = [write(tmp_path / "out", [f"{stem}_{i}" for stem in STEMS], seed=i) for i in (0, 1, 10)]
    found = opened(data, tmp_path / "out")
    assert [draw.source.rpartition(" ")[2] for draw in found.draws] == ["0)", "1)", "10)"]
    values = evaluation(diversity_images=3).run([found]).columns[0].scores
    assert values["means"].values == pytest.approx([frechet(each, photos_of(data)) for each in draws], rel=1e-4)
    assert len(values["diversity/ms_ssim"].values) == 3


def test_one_draw_has_neither_spread_nor_diversity(data, tmp_path):
    write(tmp_path / "one")
    write(tmp_path / "two", [f"{stem}_{i}" for stem in STEMS for i in range(2)])
    one = evaluation(diversity_images=3)
    comparison = one.run([opened(data, tmp_path / "one"), opened(data, tmp_path / "two")])
    single, double = comparison.columns
    assert not any(name.startswith("diversity") for name in single.scores)
    assert math.isnan(single.scores["means"].spread)
    assert double.scores["diversity/ms_ssim"].mean > 0
    assert math.isnan(double.scores["diversity/ms_ssim"].spread)  # of a single distance, not 0
    assert double.scores["means"].spread > 0
    assert best_checkpoint(comparison, "means") is None
    words = meaning_of_spread(comparison)
    assert "(two: 2)" in words
    assert "(one): no spread is known" in words
    assert "Bold" not in words
    assert "seed" not in words
    assert [caption for caption, _ in one.sample_grids()] == [
        "The same label maps (draw 0)",
        "two: draws of one label map",
    ]


def test_without_some_pictures_everything_is_scored_on_the_other_label_maps(data, tmp_path):
    """Columns that lack different ones, and the reference of real photos."""
    pictures = write(tmp_path / "a")
    for missing, folder in ((0, "a"), (2, "b")):
        shutil.copytree(tmp_path / "a", tmp_path / "b", dirs_exist_ok=True)
        (tmp_path / folder / f"{STEMS[missing]}.png").unlink()
    write(tmp_path / "b", STEMS[:1])
    with pytest.raises(ConfigurationError, match=r"1 of 3 label maps have no picture.*000100_000019.*--allow-missing"):
        opened(data, tmp_path / "a")
    notes = []
    columns = [opened(data, tmp_path / name, notes=notes, allow_missing=True) for name in "ab"]
    assert ["a: 1 of 3" in notes[0], "b: 1 of 3" in notes[1]] == [True, True]
    first, _ = evaluation().run(columns[:1]), columns
    assert first.images == 2
    assert any("2 of 3 label maps" in note for note in first.notes)
    expected = frechet(pictures[1:], photos_of(data)[1:])
    assert first.columns[0].scores["means"].values == pytest.approx([expected], rel=1e-4)
    assert evaluation().run(columns).images == 1


def test_left_over_pictures_and_jpegs_are_noted(data, tmp_path):
    write(tmp_path / "out", ending="jpg")
    write(tmp_path / "out", ["other_0", "contact_sheet"])
    notes = []
    found = opened(data, tmp_path / "out", notes=notes)
    assert found.facts["format"] == "JPEG"
    assert any("1 pictures belong to no label map: other_0.png" in note for note in notes)
    assert any("3 of 3 pictures are JPEG files: compression moves a FID" in note for note in notes)
    assert len(notes) == 2


MODES = {
    "RGBA": (noise(1, channels=(4,)), lambda stored: stored[..., :3]),
    "L": (noise(2, channels=()), lambda stored: stored[..., None].repeat(3, 2)),
    "16 bits": (noise(3, channels=()).astype(np.uint16) * 257, lambda stored: (stored // 257)[..., None].repeat(3, 2)),
}


@pytest.mark.parametrize("mode", MODES)
def test_pictures_of_any_mode_are_read_as_photos_are(data, tmp_path, mode):
    write(tmp_path / "out")
    stored, expected = MODES[mode]
    Image.fromarray(stored).save(tmp_path / "out" / f"{STEMS[0]}.png")
    notes = []
    found = opened(data, tmp_path / "out", notes=notes)
    _, read = found.generate(next(iter(data.loader_of("val", [0]))), 0)
    assert np.array_equal(to_bytes(read[0]).permute(1, 2, 0).numpy(), expected(stored))
    assert [note for note in notes if "1 of 3 pictures are grey" in note] == notes
    assert len(notes) == (mode != "RGBA")


def test_other_sizes_are_resized_as_told(data, tmp_path):
    pictures = write(tmp_path / "out", height=64, width=128)
    with pytest.raises(
        ConfigurationError,
        match=rf"{STEMS[0]}\.png is 128x64 .*scored at 64x32; 3 of 3.*data\.height=64 data\.width=128.*--resize-images",
    ):
        opened(data, tmp_path / "out")
    notes = []
    found = opened(data, tmp_path / "out", notes=notes, resizing=Resizing.AREA)
    assert found.facts["resized"] == "3, area"
    assert "3 of 3 pictures were resized" in notes[0]
    _, read = found.generate(next(iter(data.loader_of("val", [0]))), 0)
    means = pictures[0].reshape(32, 2, 64, 2, 3).mean(axis=(1, 3))
    assert np.abs((read[0].permute(1, 2, 0).numpy() + 1) * 127.5 - means).max() <= 1.001  # rounded twice
    smooth = opened(data, tmp_path / "out", resizing=Resizing.BILINEAR)
    _, other = smooth.generate(next(iter(data.loader_of("val", [0]))), 0)
    assert not torch.equal(read, other)


def test_draws_of_other_label_maps_are_refused(data, tmp_path):
    write(tmp_path / "a")
    write(tmp_path / "b", STEMS[:2])
    with pytest.raises(ConfigurationError, match=r"b lacks 1 that .*a has, of town_000102.*--images A --images B"):
        opened(data, tmp_path / "a", tmp_path / "b", allow_missing=True)
    write(tmp_path / "c", [f"{stem}_0" for stem in STEMS] + [f"{STEMS[0]}_1"])
    with pytest.raises(ConfigurationError, match=r"c \(draw 1\) lacks 2 that .*c \(draw 0\) has"):
        opened(data, tmp_path / "c")


def put(folder, tiny):
    return {
        "of another dataset": lambda: write(folder, ["frankfurt_000000_000294_leftImg8bit"]),
        "empty": lambda: folder.mkdir(),
        "missing": lambda: None,
        "a file": lambda: folder.write_bytes(b""),
        "twice": lambda: (write(folder), write(folder, ending="jpg")),
        "with and without number": lambda: (write(folder), write(folder, [f"{STEMS[0]}_1"])),
        "the label maps": lambda: folder.symlink_to(tiny.label("val", "x").parent),
        "no picture": lambda: (write(folder), (folder / f"{STEMS[1]}.png").write_bytes(b"text")),
    }


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("of another dataset", r"none of 1 pictures.*3 label maps.*called frankfurt.*000019 or town_000100_00"),
        ("empty", r"out: it holds no picture"),
        ("missing", r"out: no such folder"),
        ("a file", r"out: this is a file"),
        ("twice", r"\.jpg and .*\.png are two pictures of one label map"),
        ("with and without number", r"000019\.png is a single picture.*000019_1\.png one of"),
        ("the label maps", r"is a label map of the dataset"),
        ("no picture", r"000101_000019\.png: not a picture"),
    ],
)  # fmt: skip
def test_bad_folders_are_refused_at_once(data, tiny, tmp_path, kind, words):
    put(tmp_path / "out", tiny)[kind]()
    with pytest.raises((ConfigurationError, DatasetError), match=words):
        opened(data, tmp_path / "out")


def test_a_folder_cannot_be_two_draws(data, tmp_path):
    write(tmp_path / "out")
    with pytest.raises(ConfigurationError, match="named twice"):
        opened(data, tmp_path / "out", tmp_path / "out" / ".." / "out")


def test_a_truncated_picture_is_named(data, tmp_path):
    write(tmp_path / "out")
    path = tmp_path / "out" / f"{STEMS[1]}.png"
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(DatasetError, match=r"000101_000019\.png: cannot be decoded"):
        evaluation().run([opened(data, tmp_path / "out")])


def test_names_are_those_of_folders_or_given_ones(data, tmp_path):
    places = [tmp_path / "a" / "out", tmp_path / "b" / "out", tmp_path / "c"]
    for place in places:
        write(place)
    finder = PictureFinder(data, "val")

    def names(*named, taken=()):
        columns = [PictureFolders((place,), name) for place, name in zip(places, named, strict=False)]
        return [found.name for found in finder.open(columns, [], taken)]

    assert names("", "", "") == ["a/out", "b/out", f"{tmp_path.name}/c"]
    assert names("spade", "") == ["spade", "out"]
    assert names("", taken=["out"]) == ["a/out"]
    for given in (("x", "x"), ("run",), ("untrained",)):
        with pytest.raises(ConfigurationError, match="another column is called"):
            names(*given, taken=["run"])


def test_folders_tell_label_maps_of_one_name_apart(ids, tiny, tmp_path):
    """`a/0001` and `b/0001`: pictures in such folders are paired, others are refused."""
    root = tmp_path / "folders"
    for place, stem in zip("ab", STEMS, strict=False):
        for kind, source in (("images", tiny.photo("val", stem)), ("labels", tiny.label("val", stem))):
            (root / "val" / place / kind).mkdir(parents=True)
            shutil.copy(source, root / "val" / place / kind / "0001.png")
    dataset = Folder(root, photos="*/*/images", labels="*/*/labels")
    data = LabelMapDataModule(dataset, Semantic(ids), ids, 32, 64, batch_size=2, num_workers=0)
    write(tmp_path / "out", ["a/0001", "x/b/0001"])
    (draw,) = opened(data, tmp_path / "out").draws
    assert {label.parts[-3]: path.parts[-2] for label, path in draw.pictures.items()} == {"a": "a", "b": "b"}
    write(tmp_path / "flat", ["0001"])
    with pytest.raises(ConfigurationError, match="0001 may belong to 2 label maps"):
        opened(data, tmp_path / "flat")


def test_pictures_of_another_split_are_refused(data, tmp_path):
    write(tmp_path / "out")
    with pytest.raises(ConfigurationError, match="of the split 'val', not of 'train'"):
        evaluation(split="train").run([opened(data, tmp_path / "out")])
