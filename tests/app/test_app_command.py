"""`oasis app`: what it hands to the server."""

import pytest
import typer
from typer.testing import CliRunner

from oasis.app.limits import Limits
from oasis.errors import ConfigurationError


@pytest.mark.parametrize("auth", ["ada", "ada:", ":secret", ""])
def test_command_wants_user_and_password(auth, monkeypatch):
    from oasis.cli.web_app import app

    command = typer.Typer()
    command.command()(app)
    monkeypatch.setenv("OASIS_APP_AUTH", "fallback-is-not-used")
    result = CliRunner().invoke(command, ["--auth", auth])
    assert isinstance(result.exception, ConfigurationError)
    assert "USER:PASSWORD" in str(result.exception)
    assert "secret" not in str(result.exception)


def test_command_serves_what_it_was_told_to(monkeypatch, tmp_path):
    """The environment's password, the limits and the address reach the server."""
    from oasis.app import server
    from oasis.app.model_pool import ModelPool
    from oasis.cli import web_app as module

    seen = {}

    class Served:
        def __init__(self, *arguments):
            seen["arguments"] = arguments

        def __enter__(self):
            raise ConfigurationError("as far as this test goes")

        def __exit__(self, *_):
            return False

    monkeypatch.setattr(server, "serving", Served)
    monkeypatch.setattr(ModelPool, "from_checkpoints", lambda paths, device, bf16: (paths, device, bf16))
    monkeypatch.setenv(module.AUTH_VARIABLE, "ada:s3:cret")
    command = typer.Typer()
    command.command()(module.app)
    arguments = [str(tmp_path), "--host", "0.0.0.0", "--port", "8123", "--upload-mib", "3", "--queue", "5", "--bf16"]
    result = CliRunner().invoke(command, arguments)
    assert "as far as this test goes" in str(result.exception)
    limits = Limits(upload_bytes=3 * 2**20, waiting=5)
    assert seen["arguments"] == (([str(tmp_path)], "auto", True), limits, "0.0.0.0", 8123, ("ada", "s3:cret"))
    assert "may use the app" not in result.output  # they are asked for a password


@pytest.mark.parametrize("demo", [True, False], ids=["demo", "none"])
def test_without_a_checkpoint_it_says_which_model_it_takes(monkeypatch, tmp_path, demo):
    from oasis.app.model_pool import ModelPool
    from oasis.cli import web_app as module

    def taken(paths, device, bf16):
        raise ConfigurationError(f"taken: {[*paths]}")

    last = tmp_path / "demo" / "first" / "checkpoints" / "last.ckpt"
    if demo:
        last.parent.mkdir(parents=True)
        last.touch()
    monkeypatch.setattr(ModelPool, "from_checkpoints", taken)
    command = typer.Typer()
    command.command()(module.app)
    result = CliRunner().invoke(command, ["--runs", str(tmp_path)])
    assert str(result.exception) == f"taken: {[last] if demo else []}"
    said = result.output.replace("\n", "")
    assert (f"the newest demo run, {last}" if demo else "streets, the bundled model") in said
