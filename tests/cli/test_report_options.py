"""Options of `oasis report` that have no effect, or no good one, are refused before any run is read."""

import pytest
from typer.testing import CliRunner

from oasis.cli import app


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--best-by", "fid"], "--best-by is for --gallery, which is not given"),
        (["--every-arm"], "--every-arm is for --gallery"),
        (["--streets", "2"], "--streets is for --gallery"),
        (["--gallery", "picture"], "--gallery picture: the picture is a PNG; name it picture.png"),
        (["--gallery", "picture.jpg"], "name it picture.png"),
        (["--gallery", "x.png", "--every-arm", "--best-by", "fid"], "--best-by fid: chooses one arm, but --every-arm"),
        (["--output", "FILE"], "is a file. Name a folder"),
    ],
)
def test_what_is_refused(tmp_path, monkeypatch, options, words):
    monkeypatch.setattr("oasis.studies.find_runs", lambda _: pytest.fail("runs are read"))
    (tmp_path / "file").touch()
    filled = [word.replace("FILE", str(tmp_path / "file")) for word in options]
    done = CliRunner().invoke(app, ["report", str(tmp_path), "--output", str(tmp_path / "out"), *filled])
    assert done.exit_code == 1
    assert words in done.stderr.replace("\n", "")
    assert not (tmp_path / "out").exists()
