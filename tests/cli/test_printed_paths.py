"""Names with brackets are printed as they are, not read as styles of the terminal."""

from contextlib import contextmanager
from types import SimpleNamespace

from typer.testing import CliRunner

from oasis.cli import app

NAME = "a[red]b[/x]"


def test_the_models_of_the_app(monkeypatch):
    @contextmanager
    def serving(*_):
        yield "http://127.0.0.1:7860"

    monkeypatch.setattr("oasis.app.server.serving", serving)
    pool = SimpleNamespace(names=[NAME])
    monkeypatch.setattr("oasis.app.model_pool.ModelPool.from_checkpoints", lambda *_: pool)
    monkeypatch.setattr("oasis.cli.web_app._wait_for_the_end", lambda: None)
    done = CliRunner().invoke(app, ["app", "some.ckpt"])
    assert done.exit_code == 0, done.output
    assert f"Generating with {NAME}" in done.output


def test_the_file_of_a_segmenter(tiny, tmp_path):
    file = tmp_path / f"{NAME.replace('/', '')}.pt"
    file.touch()
    words = ["train-segmenter", "data=cityscapes", f"data.root={tiny.root}", "--if-missing", "--output", str(file)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert f"This segmenter exists already: {file}" in done.output
