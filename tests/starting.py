"""`python train.py` without the seconds that imports take: forked off a process that has everything imported."""

import multiprocessing
import runpy
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
START = f"""
import multiprocessing, os, runpy, sys
import torch

log = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
os.dup2(log, 1)
os.dup2(log, 2)
os.chdir({str(ROOT)!r})
for name, value in ENVIRONMENT.items():
    os.environ.pop(name, None)
    if value is not None:
        os.environ[name] = value
sys.path[:0] = [{str(ROOT)!r}, os.path.dirname(LOG)]
torch.set_num_threads(1)
multiprocessing.set_start_method(None, force=True)  # the platform's, not that of this process
sys.argv = ["train.py", *ARGUMENTS]
runpy.run_path("train.py", run_name="__main__")
"""


def starter(folder: Path) -> Callable[..., tuple[int, str]]:
    """Gives what runs `train.py` with arguments, and variables of the environment by name; None = without it.

    It returns the exit code and all that was printed. Modules in `folder` can be imported; the cache is there, too.
    """
    (folder / "start.py").write_text(START)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["train"])

    def run(*arguments: str, **environment: str | None) -> tuple[int, str]:
        log = folder / f"{len(list(folder.glob('*.log'))):02d}.log"
        variables = {"PANOPTIC_OASIS_CACHE": str(folder / "cache"), **environment}
        given = {"LOG": str(log), "ARGUMENTS": arguments, "ENVIRONMENT": variables}
        process = context.Process(target=runpy.run_path, args=(str(folder / "start.py"), given, "__main__"))
        process.start()
        process.join(200)
        assert process.exitcode is not None, log.read_text()
        return process.exitcode, log.read_text()

    return run
