"""Checkpoints on the Hugging Face hub: a cache made by hand, and no network."""

import json
import shutil

import pytest
import yaml
from typer.testing import CliRunner
from untrained import write_checkpoint

from oasis import Synthesizer
from oasis.checkpoint import find_checkpoint
from oasis.cli import app
from oasis.errors import CheckpointError, ConfigurationError, MissingWeightsError
from oasis.export import export
from oasis.hub_files import find_checkpoint as find_weights
from oasis.hub_files import is_repository
from oasis.publishing import push

huggingface_hub = pytest.importorskip("huggingface_hub")
COMMITS = {"main": "a" * 40, "v1": "b" * 40}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("run") / "checkpoints" / "last.ckpt", "Semantic")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, without a network."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.fixture
def cached(cache, checkpoint, tmp_path):
    """Files of ada/streets by their names, `main` with one of float16 and `v1` with another."""
    exported = export(checkpoint, tmp_path / "model.safetensors", half=True).path
    folder = cache / "models--ada--streets"
    for revision, commit in COMMITS.items():
        (folder / "refs").mkdir(parents=True, exist_ok=True)
        (folder / "refs" / revision).write_text(commit)
        (folder / "snapshots" / commit / "more").mkdir(parents=True)
    shutil.copy(exported, folder / "snapshots" / COMMITS["main"] / "model.safetensors")
    shutil.copy(exported, folder / "snapshots" / COMMITS["main"] / "more" / "best.safetensors")
    shutil.copy(checkpoint, folder / "snapshots" / COMMITS["v1"] / "last.ckpt")
    return folder / "snapshots"


@pytest.mark.parametrize(
    ("name", "revision", "file"),
    [
        ("hf://ada/streets", "main", "model.safetensors"),
        ("hf:/ada/streets", "main", "model.safetensors"),  # what is left of it in a Path
        (f"hf://ada/streets@{COMMITS['main']}", "main", "model.safetensors"),
        ("hf://ada/streets/more/best.safetensors", "main", "more/best.safetensors"),
        ("hf://ada/streets@v1/last.ckpt", "v1", "last.ckpt"),
    ],
)
def test_what_names_mean(cached, name, revision, file):
    found = find_checkpoint(name)
    assert found == cached / COMMITS[revision] / file
    assert Synthesizer.from_checkpoint(name).restored.batches_seen == 1


def test_commands_take_it(cached, tiny, tmp_path):
    words = ["generate", "hf://ada/streets", str(tiny.label("val", "town_000100_000019")), "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    words = ["export", "hf://ada/streets@v1/last.ckpt", "-o", str(tmp_path / "again.safetensors")]
    assert CliRunner().invoke(app, words).exit_code == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hf://ada/houses", r"hf://ada/houses: model\.safetensors is not in the cache of Hugging Face, and cannot be"),
        ("hf://ada/streets@v2", r"hf://ada/streets@v2: model\.safetensors is not in the cache.*Fetch it from"),
        ("hf://streets", "Give hf://OWNER/NAME"),
        ("hf://ada/streets/model.bin", r"a file of it that ends in \.ckpt or \.safetensors"),
        ("hf://ada/stre ets", "no such repository"),
    ],
)
def test_what_is_not_there(cached, name, words):
    with pytest.raises(CheckpointError, match=words):
        find_checkpoint(name)


def of_the_hub(kind):
    """An error as the hub's client raises it."""
    import httpx

    return kind(
        "404 Client Error.\nEntry Not Found", response=httpx.Response(404, request=httpx.Request("GET", "https://hub"))
    )


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("RemoteEntryNotFoundError", r"has no file model\.safetensors, so it is no model that `oasis push` wrote"),
        ("RevisionNotFoundError", "hf://ada/streets@v9: the repository has no revision v9"),
        ("RepositoryNotFoundError", "no such repository of models; if it is private, `hf auth login`"),
        ("HfHubHTTPError", r"cannot be downloaded \(404 Client Error\.\)"),
    ],
)
def test_what_the_hub_answers(monkeypatch, kind, words):
    def refuse(*_, **__):
        raise of_the_hub(getattr(huggingface_hub.errors, kind))

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", refuse)
    with pytest.raises(CheckpointError, match=words):
        find_checkpoint("hf://ada/streets@v9")


def test_files_of_other_projects_are_refused(cached):
    from safetensors.torch import save_file

    save_file({}, cached / COMMITS["main"] / "model.safetensors")
    with pytest.raises(CheckpointError, match="not exported by this project"):
        Synthesizer.from_checkpoint("hf://ada/streets")


def test_the_package_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "huggingface_hub", None)
    with pytest.raises(ConfigurationError, match=r"hf://ada/streets needs huggingface_hub.*panoptic-oasis\[hub\]"):
        find_checkpoint("hf://ada/streets")


# oasis push


@pytest.fixture
def uploads(cache, monkeypatch):
    """What was uploaded, by a hub that lays it into the cache."""
    told = {}

    class Api:
        def create_repo(self, repository, *, private, exist_ok):
            told.update(repository=repository, private=private, exist_ok=exist_ok)
            return f"https://huggingface.co/{repository}"

        def upload_folder(self, *, repo_id, folder_path, commit_message):
            folder = cache / f"models--{repo_id.replace('/', '--')}"
            (folder / "refs").mkdir(parents=True)
            (folder / "refs" / "main").write_text("c" * 40)
            shutil.copytree(folder_path, folder / "snapshots" / ("c" * 40))
            told.update(message=commit_message, files=folder / "snapshots" / ("c" * 40))

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "hf_secret")
    return told


def test_what_is_pushed_can_be_used(uploads, checkpoint, tiny):
    done = CliRunner().invoke(app, ["push", str(checkpoint.parent.parent), "ada/towns", "--private", "--half"])
    assert done.exit_code == 0, done.output
    assert "https://huggingface.co/ada/towns" in done.output
    assert (uploads["private"], uploads["exist_ok"], uploads["repository"]) == (True, True, "ada/towns")
    names = {path.name for path in uploads["files"].iterdir()}
    assert names == {"README.md", "config.json", "samples.png", "model.safetensors"}
    label = tiny.label("val", "town_000100_000019")
    ours, theirs = (
        Synthesizer.from_checkpoint(each).synthesize(label, seed=0) for each in (checkpoint, "hf://ada/towns")
    )
    assert max(abs(a - b) for a, b in zip(ours.tobytes(), theirs.tobytes(), strict=True)) <= 8  # of float16


def test_the_model_card(uploads, checkpoint):
    push(checkpoint, "ada/towns")
    assert uploads["private"] is None  # as the account has it
    _, header, text = (uploads["files"] / "README.md").read_text().split("---\n", 2)
    assert yaml.safe_load(header)["library_name"] == "panoptic-oasis"
    for words in (
        'from_checkpoint("hf://ada/towns")',
        "32x64",
        "Semantic",
        "1 batches",
        "(samples.png)",
        "traffic light",
    ):
        assert words in text
    assert "Scores" not in text
    assert "nowhere" not in (uploads["files"] / "config.json").read_text()  # no folders of this machine


def test_scores_of_the_run_are_in_its_card(uploads, checkpoint, tmp_path):
    run = shutil.copytree(checkpoint.parent.parent, tmp_path / "run")
    (run / "config.yaml").touch()
    scores = {"metrics": {"segmenter/miou": 0.3125}, "real_photos": {"segmenter/miou": 0.75}, "untrained": {}}
    (run / "summary.json").write_text(json.dumps({"version": 1, **scores}))
    push(run, "ada/towns")
    (row,) = [line for line in (uploads["files"] / "README.md").read_text().splitlines() if "mIoU" in line]
    assert row.endswith("| 31.25 | 75.00 | - |")


@pytest.mark.parametrize("place", ["models/mine.ckpt", "checkpoints/last.ckpt"])
def test_pictures_and_scores_of_strangers_stay_here(uploads, tmp_path, place):
    """What lies two folders above a checkpoint belongs to it only in the folder of a run."""
    ade20k = {"_target_": "oasis.labels.LabelSpace.ade20k"}  # of which no streets can be drawn
    file = write_checkpoint(tmp_path / place, "Semantic", ade20k)
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "holiday.png").write_bytes(b"private")
    scores = {"metrics": {"segmenter/miou": 0.3125}, "real_photos": {}, "untrained": {}}
    (tmp_path / "summary.json").write_text(json.dumps({"version": 1, **scores}))
    push(file, "ada/towns")
    assert not (uploads["files"] / "samples.png").exists()
    assert "mIoU" not in (uploads["files"] / "README.md").read_text()


def test_pictures_of_a_run_are_in_its_card(uploads, tmp_path):
    ade20k = {"_target_": "oasis.labels.LabelSpace.ade20k"}
    write_checkpoint(tmp_path / "checkpoints" / "last.ckpt", "Semantic", ade20k)
    (tmp_path / "config.yaml").touch()
    (tmp_path / "samples").mkdir()
    for number in (1, 2):
        (tmp_path / "samples" / f"{number}.png").write_bytes(b"picture %d" % number)
    push(tmp_path, "ada/towns")
    assert (uploads["files"] / "samples.png").read_bytes() == b"picture 2"


@pytest.mark.parametrize(
    "name",
    [
        "ada/towns", "Ada-1/towns_2.b", "towns", "a/b/c", "runs/x--y", "foo/bar.git", "foo/..bar", "-a/b", "a/b-",
        "a/.b", "a /b", "ä/b", "/b", "a/", "a" * 97 + "/b", "a/" + "b" * 96, "",
    ],
)  # fmt: skip
def test_names_are_those_of_the_hub(name):
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(name)
        accepted = "/" in name
    except huggingface_hub.errors.HFValidationError:
        accepted = False
    assert is_repository(name) == accepted


@pytest.mark.parametrize("name", ["runs/x--y", "foo/bar.git", "runs/x..y", "towns"])
def test_what_is_no_name_on_the_hub_is_told(name):
    with pytest.raises(MissingWeightsError, match=rf"segmenter\.weights={name}: no such folder, nor the name"):
        find_weights(name)


@pytest.mark.parametrize(
    ("repository", "token", "words"),
    [
        ("towns", "hf_secret", "towns: no name on the hub; give OWNER/NAME"),
        ("ada/to--wns", "hf_secret", "ada/to--wns: no name on the hub; give OWNER/NAME"),
        ("ada/towns", None, "nobody is logged in.*`hf auth login`"),
    ],
)
def test_pushes_that_cannot_be(uploads, checkpoint, monkeypatch, repository, token, words):
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: token)
    with pytest.raises(ConfigurationError, match=words):
        push(checkpoint, repository)
    assert not uploads


def test_a_hub_that_refuses(uploads, checkpoint, monkeypatch):
    def refuse(*_, **__):
        raise of_the_hub(huggingface_hub.errors.HfHubHTTPError)

    monkeypatch.setattr(huggingface_hub.HfApi, "create_repo", refuse)
    with pytest.raises(ConfigurationError, match=r"ada/towns: the hub did not take it \(404 Client Error\.\)"):
        push(checkpoint, "ada/towns")
