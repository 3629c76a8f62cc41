"""Commands of an installed wheel, from any folder, without the checkout."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "oasis", "conf", "hydra_plugins")
STREETS = ("data.streets.train=8", "data.streets.val=4")
SMOKE = ("experiment=smoke", *STREETS, "trainer.max_epochs=1")
MEASURED = (
    *("data=synthetic_small", *STREETS, "data.height=32", "data.width=64", "data.batch_size=2"),
    *("generator.channels=4", "generator.spade_channels=8", "discriminator.channels=8", "discriminator.num_blocks=5"),
    *("debug=one_batch", "segmenter=unet", "metrics=none", "callbacks.ema.bn_batches=1"),
    *("trainer.accelerator=cpu", "trainer.devices=2"),
)

# Imports everything once; then each line of stdin is the arguments of `oasis` and a file for what it prints.
SERVER = """
import json, os, runpy, signal, sys
import gradio, hydra_plugins.panoptic_oasis_search as plugin
import oasis.app.server, oasis.cli.evaluation, oasis.cli.training, oasis.studies
from oasis.cli.conf import conf_dir

program = sys.argv[1]
print(json.dumps([oasis.__file__, plugin.__file__, str(conf_dir())]), flush=True)
for line in sys.stdin:
    arguments, log = json.loads(line)
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for stream in (1, 2):
            os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
        sys.argv = [program, *arguments]
        runpy.run_path(program, run_name="__main__")
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def environment(folder):
    """Environment variables for the wheel's `oasis` only, with its own cache and without a network."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "CITYSCAPES_DATASET")}
    return kept | {"PANOPTIC_OASIS_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}


def build(folder):
    """A wheel, by way of a source distribution, from a copy: setuptools writes beside what it builds."""
    source = folder / "source"
    for name in SOURCES:
        for path in [ROOT / name, *(ROOT / name).rglob("*")]:
            if path.is_file() and "__pycache__" not in path.parts:
                copy = source / path.relative_to(ROOT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, copy)
    (source / "conf" / "local").mkdir(exist_ok=True)
    (source / "conf" / "local" / "default.yaml").write_text("name: of this machine\n")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", source]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel


def install(wheel, folder):
    """A virtual environment with the wheel; its dependencies are those of the running one."""
    home = folder / "venv"
    venv.create(home)
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(home), "platbase": str(home)}))
    (packages / "dependencies.pth").write_text("\n".join(path for path in sys.path if path.endswith("-packages")))
    python = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel]
    done = subprocess.run(pip, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return python, packages


class Installed:
    """Runs the installed `oasis` in an empty folder, without the seconds that imports take each time."""

    def __init__(self, python, folder):
        self.log = folder / "log"
        self.folder = folder / "empty"
        self.folder.mkdir()
        self.process = subprocess.Popen(
            [python, "-c", SERVER, python.parent / "oasis"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            cwd=self.folder, env=environment(folder), start_new_session=True,
        )  # fmt: skip
        self.files = json.loads(self.process.stdout.readline())

    def start(self, *arguments):
        """Returns the process id."""
        self.log.write_text("")
        self.process.stdin.write(json.dumps([arguments, str(self.log)]) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def end(self):
        """Waits for what was started; returns its exit code."""
        return int(self.process.stdout.readline())

    def __call__(self, *arguments):
        """Runs a command that must succeed; returns what it printed."""
        self.start(*arguments)
        code = self.end()
        assert code == 0, f"oasis {' '.join(arguments)}: {code}\n{self.log.read_text()}"
        return self.log.read_text()


@pytest.fixture
def installed(tmp_path):
    python, packages = install(build(tmp_path), tmp_path)
    oasis = Installed(python, tmp_path)
    try:
        assert oasis.files == [
            str(packages / "oasis" / "__init__.py"),
            str(packages / "hydra_plugins" / "panoptic_oasis_search.py"),
            str(packages / "oasis" / "conf"),
        ]
        yield oasis
    finally:
        os.killpg(oasis.process.pid, signal.SIGKILL)
        oasis.process.wait()


@pytest.mark.timeout(600)
def test_every_command_runs_in_an_empty_folder(installed, tmp_path):
    pytest.importorskip("gradio")
    assert not (Path(installed.files[2]) / "local").exists()
    installed("train", *SMOKE, "paths.output_dir=first")
    (root,) = {path.parent for path in (tmp_path / "cache").rglob("leftImg8bit")}
    assert "nothing is wrong" in installed("data-check", str(root), "--workers", "1")
    assert "8 samples of 32x64" in installed("prepare", *SMOKE, "--workers", "1")
    small = ("--epochs", "1", "--channels", "4", "--depth", "2", "--batch-size", "2")
    assert "real photos" in installed("train-segmenter", *SMOKE, *small)
    installed("evaluate", "first", "metrics=none", "--output", "evaluation", "--diversity-images", "0")
    assert "segmenter/miou" in (installed.folder / "evaluation" / "results.json").read_text()
    photo = min((root / "leftImg8bit" / "val").rglob("*.png"))
    installed("generate", "first", str(photo), "--from-photos", "--output", "photos")
    assert len(list((installed.folder / "photos").rglob("*.png"))) == 2  # and a contact sheet
    assert "DISTRIBUTED" in installed("train", *MEASURED, "paths.output_dir=second").upper()
    installed("report", "second", "--output", "report", "--samples", "2")
    assert (installed.folder / "report" / "report.html").is_file()
    started = installed.start("app", "first", "--port", str(port := free_port()))
    assert "<html" in page(f"http://127.0.0.1:{port}"), installed.log.read_text()
    os.kill(started, signal.SIGTERM)
    installed.end()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def page(address):
    """What a server answers, as soon as it does."""
    for _ in range(300):
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return answer.read().decode()
        except OSError:
            time.sleep(0.2)
    return "no answer"
