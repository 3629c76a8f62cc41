"""`oasis report` over two tiny trainings, pictures and gallery included."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import typer
from PIL import Image
from typer.testing import CliRunner

from oasis.cli.report import report
from oasis.errors import ConfigurationError
from oasis.studies import assemble, find_runs, write_gallery
from oasis.studies.arms import Arm
from oasis.studies.gallery import best_arm, most_crowded
from oasis.studies.samples import _in_a_path, generate_with, open_arm
from oasis.visualize import to_bytes

app = typer.Typer()
app.command()(report)


@pytest.fixture(scope="module")
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PANOPTIC_OASIS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def two_runs(trained, own_cache):
    """Two runs, and numbers for them, since nothing here measures."""
    places = []
    for name, encoding, value in (("a", "semantic", 0.3), ("b", "boundary", 0.4)):
        folder = trained(name, "trainer.max_epochs=1", "generator.init_gain=1", f"encoding={encoding}")
        summary = folder / "summary.json"
        content = json.loads(summary.read_text())
        summary.write_text(json.dumps(content | {"metrics": {"segmenter/pq": value}}))
        places.append(folder)
    return places


def group_of(places):
    return assemble(find_runs(places).runs).groups[0]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("oasis", "oasis"), ("oasis init_gain=0.02", "oasis_init_gain=0.02"), ("a/../b](c)", "a_.._b_c_")],
)
def test_pictures_are_called_what_any_page_can_link(name, expected, tmp_path):
    assert _in_a_path(name) == expected
    (tmp_path / f"{_in_a_path(name)}.png").touch()


def test_from_runs_to_a_report(two_runs, tmp_path):
    output, gallery = tmp_path / "out", tmp_path / "gallery.png"
    arguments = [*map(str, two_runs), "-o", str(output), "--samples", "2", "--gallery", str(gallery), "--streets", "2"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "Best by PQ, mean over seeds: boundary / oasis." in done.output
    content = json.loads((output / "report.json").read_text())
    assert [arm["encoding"] for arm in content["groups"][0]["arms"]] == ["semantic", "boundary"]
    grid = Image.open(output / "group_1_samples_oasis.png")
    assert grid.size == (4 * (256 + 4) - 4, 18 + 2 * (128 + 4) - 4)  # photo, map, two encodings; 64x32, four times
    shown = Image.open(gallery)
    assert shown.size == (5 * (256 + 4) - 4, 18 + 2 * (128 + 4) - 4)
    model = open_arm(group_of(two_runs), Arm.of("boundary", "oasis"), [])
    batch = model.data.encode(next(iter(model.data.loader_of("val", most_crowded(model, 1)))))
    photo = Image.fromarray(to_bytes(batch.image[0]).permute(1, 2, 0).numpy())
    np.testing.assert_array_equal(
        np.asarray(shown)[18 : 18 + 128, -256:], np.asarray(photo.resize((256, 128), Image.Resampling.NEAREST))
    )
    assert "samples" in (output / "report.md").read_text()


def test_all_generate_from_the_same_maps_with_the_same_noise(two_runs):
    """The same as generating from each label map alone with the noise of its index."""
    group = group_of(two_runs)
    generated = generate_with(group, group.arms, lambda model: [0, 2], [])
    assert generated.batch.index.tolist() == [0, 2]
    assert list(generated.fakes) == group.arms
    for arm, fakes in generated.fakes.items():
        model = open_arm(group, arm, [])
        for row, place in enumerate((0, 2)):
            (sample,) = model.data.loader_of("val", [place])
            alone = model.generate(sample, 0)[1]
            torch.testing.assert_close(fakes[row : row + 1], alone, atol=1e-5, rtol=0)
    a_torn_checkpoint_costs_its_pictures_only(two_runs)


def a_torn_checkpoint_costs_its_pictures_only(two_runs):
    checkpoint = two_runs[1] / "checkpoints" / "last.ckpt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    group, notes = group_of(two_runs), []
    generated = generate_with(group, group.arms, lambda model: [0], notes)
    assert [arm.encoding for arm in generated.fakes] == ["semantic"]
    (note,) = notes
    assert "No pictures of boundary / oasis" in note
    assert "corrupt" in note


def test_the_most_crowded_streets_come_first():
    """Numbers of instances 2, 0, 5, 5: the third, then the fourth, then the first."""
    crowds = [[1, 2], [0], [1, 2, 3, 4, 9], [7, 8, 9, 10, 11]]
    maps = [torch.tensor([numbers + [0] * (6 - len(numbers))]) for numbers in crowds]
    batches = [SimpleNamespace(instance=torch.stack(maps[:3])), SimpleNamespace(instance=torch.stack(maps[3:]))]
    data = SimpleNamespace(
        dataset=lambda split: maps, loader_of=lambda split, chosen: batches, encode=lambda samples, seed: samples
    )
    assert most_crowded(SimpleNamespace(data=data), 3) == [2, 3, 0]


def test_the_best_follows_the_direction_of_the_metric(folders):
    for name, encoding, fid in (("a", "semantic", 1.0), ("b", "boundary", 30.0), ("c", "position", 20.0)):
        folders.summarized(name, encoding, metrics={"fid": fid, "segmenter/pq": fid})
    group = group_of([folders.root])
    assert best_arm(group, "fid") == Arm.of("position", "oasis")
    assert best_arm(group, "segmenter/pq") == Arm.of("boundary", "oasis")
    assert best_arm(group, "kid") is None


def test_a_gallery_without_anything_to_show_is_refused(folders, tmp_path):
    folders.summarized("a")
    with pytest.raises(ConfigurationError, match=r"no encoding but semantic has a segmenter/pq"):
        write_gallery(group_of([folders.root]), tmp_path / "g.png")
    folders.summarized("b", "boundary")
    with pytest.raises(ConfigurationError, match=r"No pictures of boundary / oasis: its runs have no checkpoint here"):
        write_gallery(group_of([folders.root]), tmp_path / "g.png")


def test_strict_and_missing_places_end_with_an_error(folders, tmp_path):
    folders.summarized("a")
    folders.summarized("b", finished=False, seed=1)
    done = CliRunner().invoke(app, [str(folders.root), "-o", str(tmp_path / "o"), "--strict"])
    assert isinstance(done.exception, ConfigurationError)
    assert "--strict" in str(done.exception)
    assert not (tmp_path / "o").exists()
    done = CliRunner().invoke(app, [str(tmp_path / "nowhere"), "-o", str(tmp_path / "o")])
    assert isinstance(done.exception, ConfigurationError)
