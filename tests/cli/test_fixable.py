"""Which errors of a command are told in one line, and which keep their traceback."""

import pytest
from hydra.utils import instantiate
from typer.testing import CliRunner

from oasis.cli import app
from oasis.cli.fixable import text_of
from oasis.errors import CheckpointError, ConfigurationError


def oasis(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def broken(error):
    """For Hydra to call."""
    raise {"type": TypeError, "value": ValueError, "key": KeyError, "ours": CheckpointError}[error]("the reason")


def wrapped(error):
    """What Hydra makes of an error of a constructor."""
    with pytest.raises(Exception, match="the reason") as caught:
        instantiate({"_target_": f"{__name__}.broken", "error": error})
    return caught.value


@pytest.mark.parametrize("setting", ["data.max_pixels=abc", "data.height=abc", "data.height=32.5", "data.flip=no"])
@pytest.mark.parametrize("command", ["prepare", "generate", "data-check", "encodings", "train-segmenter"])
def test_values_of_the_wrong_type(tiny, tmp_path, command, setting):
    words = {
        "data-check": [tiny.root],
        "generate": ["data=cityscapes", f"data.root={tiny.root}", "-o", tmp_path / "out"],
        "encodings": ["data=cityscapes", f"data.root={tiny.root}", "-o", tmp_path / "x.png"],
    }
    done = oasis(command, *words.get(command, ["data=cityscapes", f"data.root={tiny.root}"]), setting)
    assert done.exit_code == (2 if command == "data-check" else 1)
    assert f"error: {setting}: must be " in done.stderr


def test_slots_that_are_no_number(tiny):
    done = oasis("data-check", tiny.root, "encoding.slots=abc")
    assert (done.exit_code, done.stderr) == (2, "error: encoding.slots=abc: must be a whole number.\n")


def test_a_value_that_a_constructor_refuses(monkeypatch):
    done = oasis("prepare", "data.streets.train=many")
    assert done.exit_code == 1
    assert "SyntheticStreets" in done.stderr
    assert "full_key: data.streets" in done.stderr
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    assert not isinstance(oasis("prepare", "data.streets.train=many").exception, SystemExit)


def test_what_has_a_text(monkeypatch):
    for settings in (True, False):
        assert text_of(ConfigurationError("x.png: no picture"), settings) == "x.png: no picture"
        assert text_of(FileNotFoundError(2, "No such file", "x"), settings) == "[Errno 2] No such file: 'x'"
        assert text_of(wrapped("ours"), settings) == "the reason"
        for bug in (TypeError("x"), KeyError("x"), wrapped("key")):
            assert text_of(bug, settings) is None
    for refused in (wrapped("type"), wrapped("value")):
        assert "the reason" in text_of(refused, True)
        assert text_of(refused, False) is None  # nobody gave a value
        monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
        assert text_of(refused, True) is None
        monkeypatch.delenv("HYDRA_FULL_ERROR")
