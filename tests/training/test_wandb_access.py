"""Online, offline or not at all: no prompt, no hang, one line that says what was done."""

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import wandb
from wandb_files import contents, files_of, isolate

from oasis.errors import ConfigurationError
from oasis.training.loggers import wandb_logging
from oasis.training.loggers.wandb_access import answers, logged_in, wanted_mode
from oasis.training.loggers.wandb_logging import WandbLogger
from oasis.training.loggers.wandb_pictures import instance_mask


@pytest.fixture(autouse=True)
def nobody(monkeypatch, tmp_path):
    """Logged out; makes W&B read its settings again, which it does once per process."""
    isolate(monkeypatch, tmp_path)
    monkeypatch.setattr(wandb_logging, "_ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(wandb_logging, "_BEGIN_SECONDS", 3.0)
    monkeypatch.setattr("builtins.input", lambda *args: pytest.fail("prompted"))
    monkeypatch.setattr("getpass.getpass", lambda *args: pytest.fail("prompted"))
    yield
    wandb.teardown()


class Stranger(BaseHTTPRequestHandler):
    """A server that is not W&B's."""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        answer = b'{"errors": [{"message": "permission denied"}]}'
        self.send_response(401)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args):
        pass


@pytest.fixture
def stranger():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def silent():
    """Accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def logged(tmp_path, **settings):
    logger = WandbLogger(str(tmp_path / "run"), **settings)
    logger.begin({"seed": 1})
    logger.log_metrics({"fid": 9.0, "segmenter/pq": 0.3}, 1)
    logger.log_metrics({"fid": 7.0, "segmenter/pq": 0.2}, 2)
    logger.finalize("success")
    return logger


def test_without_login_it_goes_offline_and_says_how_to_send_the_run(tmp_path, capsys):
    logged(tmp_path)
    (file,) = files_of(tmp_path / "run")
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("W&B"))
    assert line == f"W&B: offline (not logged in; `wandb login`). To send this run: wandb sync {file.parent}"
    assert contents(file).summary["fid"] == {"min": 7.0, "last": 7.0}
    assert contents(file).summary["segmenter/pq"] == {"max": 0.3, "last": 0.2}


@pytest.mark.parametrize("trouble", ["refused", "silent", "stranger"])
def test_without_w_and_b_at_the_other_end_it_goes_offline_in_bounded_time(
    trouble, tmp_path, capfd, monkeypatch, request
):
    address = "http://127.0.0.1:9" if trouble == "refused" else request.getfixturevalue(trouble)
    monkeypatch.setenv("WANDB_BASE_URL", address)
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    began = time.monotonic()
    logged(tmp_path)
    assert time.monotonic() - began < 30
    (file,) = files_of(tmp_path / "run")
    assert len(contents(file).rows) == 2
    printed = capfd.readouterr().out
    assert "W&B: offline (" in printed
    assert ("does not answer" in printed) == (trouble != "stranger")


def test_a_mode_that_was_asked_for_is_respected(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    logged(tmp_path)
    assert not list((tmp_path / "run").rglob("*.wandb"))
    wandb.teardown()  # W&B reads the mode once a process
    monkeypatch.setenv("WANDB_MODE", "offline")
    logged(tmp_path)
    assert len(files_of(tmp_path / "run")) == 1
    assert "W&B: offline. To send" in capsys.readouterr().out
    monkeypatch.setenv("WANDB_MODE", "online")
    with pytest.raises(ConfigurationError, match=r"WANDB_MODE=online: not logged in.*wandb login.*goes offline"):
        logged(tmp_path)


@pytest.mark.parametrize(
    ("environment", "setting", "configured", "mode"),
    [
        (None, False, "online", None),  # W&B's default
        (None, False, "offline", "offline"),  # `wandb offline`
        (None, True, "online", "offline"),
        ("online", False, "online", "online"),
        ("online", True, "online", "offline"),
        ("dryrun", False, "online", "offline"),
        ("disabled", True, "offline", "disabled"),
    ],
)
def test_who_decides_on_the_mode(environment, setting, configured, mode, monkeypatch):
    if environment:
        monkeypatch.setenv("WANDB_MODE", environment)
    assert wanted_mode(setting, configured) == mode


def test_a_login_is_found_where_w_and_b_keeps_it(tmp_path, monkeypatch):
    assert not logged_in("https://api.wandb.ai")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.wandb.ai\n  login user\n  password 0123\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert logged_in("https://api.wandb.ai")
    assert not logged_in("https://wandb.example.org")
    netrc.write_text("torn machine")
    assert not logged_in("https://api.wandb.ai")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    assert logged_in("https://wandb.example.org")


def test_a_look_up_that_never_ends_is_not_waited_for(monkeypatch):
    found = threading.Event()

    def look_up(*args, **kwargs):
        found.wait(60)
        raise OSError("not found")

    monkeypatch.setattr("urllib.request.urlopen", look_up)
    began = time.monotonic()
    assert not answers("http://nowhere.invalid", 0.2)
    assert time.monotonic() - began < 5
    found.set()


def test_a_server_that_says_no_is_there(stranger):
    assert answers(stranger, 5.0)
    assert not answers("not an address", 5.0)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "wandb").touch()
    with pytest.raises(
        ConfigurationError, match=r"run/wandb: W&B cannot write there \(File exists\).*paths.output_dir"
    ):
        logged(tmp_path)


def test_a_full_disk_is_named(tmp_path, monkeypatch):
    def full(**settings):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("oasis.training.loggers.wandb_access.tempfile.TemporaryFile", full)
    with pytest.raises(ConfigurationError, match=r"cannot write there \(No space left on device\). Make room"):
        logged(tmp_path)


def test_the_run_of_a_sweep_s_agent_is_the_agent_s(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_RUN_ID", "given1234")
    assert logged(tmp_path).version == "given1234"
    (file,) = files_of(tmp_path / "run")
    assert contents(file).run.run_id == "given1234"


def test_batches_that_w_and_b_has_already_are_not_sent_again(tmp_path, monkeypatch):
    logger = WandbLogger(str(tmp_path / "run"))
    logger.begin()
    monkeypatch.setattr(type(logger.run), "starting_step", property(lambda run: 3))  # of a run that goes on
    for step in (1, 2, 3, 4):
        logger.log_metrics({"fid": float(step)}, step)
    logger.finalize("failed")
    (file,) = files_of(tmp_path / "run")
    assert [row["_step"] for row in contents(file).rows] == [3, 4]
    assert contents(file).exit_code == 1


def test_only_the_first_process_logs(tmp_path, monkeypatch):
    monkeypatch.setattr("pytorch_lightning.utilities.rank_zero_only.rank", 1, raising=False)
    logged(tmp_path)
    assert not (tmp_path / "run").exists()


def test_no_instance_becomes_none_however_many_there_are():
    import torch

    numbers = torch.tensor([[0, 1, 254, 255, 256, 510, 511]])
    assert instance_mask(numbers).tolist() == [[0, 1, 254, 255, 1, 255, 1]]
