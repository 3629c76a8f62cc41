"""Python processes without the seconds that imports take: forked off a server that has everything imported.

`Python.run("train.py", ...)` is `python train.py ...`. What such a process starts itself (another rank, a job of a
sweep) is as quick if it is told to keep spares: children that were forked before it began, and wait for a command.
"""

import multiprocessing
import os
import pickle
import runpy
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
STREAMS = (1, 2)


@dataclass
class Started:
    """A process, and the files into which it prints."""

    process: BaseProcess
    arguments: tuple[str, ...]
    files: tuple[Path, Path]

    @property
    def stdout(self) -> str:
        return self.files[0].read_text()

    @property
    def stderr(self) -> str:
        return self.files[1].read_text()

    def send_signal(self, number: int) -> None:
        assert self.process.pid is not None
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, number)

    def end(self, timeout: float = 200) -> subprocess.CompletedProcess[str]:
        """Wait for its end."""
        self.process.join(timeout)
        if self.process.exitcode is None:
            self.process.kill()
            raise TimeoutError(f"{self.arguments} hangs:\n{self.stdout}\n{self.stderr}")
        return subprocess.CompletedProcess(self.arguments, self.process.exitcode, self.stdout, self.stderr)


class Python:
    """Starts Python processes that import nothing anew.

    Args:
        folder: for what they print; modules in it can be imported by them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._context = multiprocessing.get_context("forkserver")
        _start_server()
        self._starts = 0

    def start(self, *arguments: str, spares: tuple[int, ...] = (), **environment: str | None) -> Started:
        """Begin `python ARGUMENTS`, a script or `-m MODULE` or `-c CODE`.

        Args:
            arguments: of the command line.
            spares: how many processes it will start, how many each of those will, ...
            environment: variables by name, on top of those of this process; None = without it.
        """
        self._starts += 1
        files = tuple(self.folder / f"{self._starts:02d}.{name}" for name in ("out", "err"))
        variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
        given = {name: value for name, value in variables.items() if value is not None}
        process = self._context.Process(
            target=_begin, args=(arguments, str(self.folder), [str(file) for file in files], given, spares)
        )
        process.start()
        return Started(process, arguments, files)  # type: ignore[arg-type]

    def run(
        self, *arguments: str, spares: tuple[int, ...] = (), **environment: str | None
    ) -> subprocess.CompletedProcess[str]:
        """Begin it, and wait for its end."""
        return self.start(*arguments, spares=spares, **environment).end()


@cache
def _start_server() -> None:
    """One for all tests of this process; the module it imports first lies beside this one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "tests")]))
        multiprocessing.get_context("forkserver").set_forkserver_preload(["preloaded"])
        forkserver.ensure_running()


def starter(folder: Path) -> Callable[..., tuple[int, str]]:
    """A function that runs `train.py` with arguments, and environment variables by name; None = without it.

    It returns the exit code and the output. Modules in `folder` can be imported; the cache is there, too.
    """
    python = Python(folder)

    def run(*arguments: str, **environment: str | None) -> tuple[int, str]:
        done = python.run("train.py", *arguments, **{"PANOPTIC_OASIS_CACHE": str(folder / "cache"), **environment})
        return done.returncode, done.stdout + done.stderr

    return run


def _begin(
    arguments: Sequence[str], folder: str, files: Sequence[str], environment: Mapping[str, str], spares: tuple[int, ...]
) -> None:
    for stream, file in zip(STREAMS, files, strict=True):
        log = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, stream)
        os.close(log)
    multiprocessing.set_start_method(None, force=True)  # the platform's, not that of this process
    sys.path[:0] = [str(ROOT), folder]
    _keep(spares)
    _become(arguments, str(ROOT), environment)


def _become(arguments: Sequence[str], cwd: str | None, environment: Mapping[str, str] | None) -> None:
    """Do what `python ARGUMENTS` does."""
    import torch
    from lightning_fabric.utilities.rank_zero import _get_rank, rank_zero_only

    if cwd is not None:
        os.chdir(cwd)
    if environment is not None:
        os.environ.clear()
        os.environ.update(environment)
    rank_zero_only.rank = _get_rank() or 0  # Lightning looks for it when it is imported
    torch.set_num_threads(1)
    words = list(arguments)
    while words[0] in ("-u", "-W", "ignore"):
        if words.pop(0) == "ignore":
            warnings.simplefilter("ignore")
    if words[0] == "-m":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    elif words[0] == "-c":
        sys.argv = ["-c", *words[2:]]
        exec(words[1], {"__name__": "__main__"})
    else:
        sys.argv = words
        runpy.run_path(words[0], run_name="__main__")


_spares: list[tuple[int, socket.socket]] = []  # process, and where it waits for its command


class _Popen(subprocess.Popen):  # type: ignore[type-arg]
    """Gives a command to a spare, if there is one and it is for Python."""

    def _execute_child(self, args: Any, executable: Any, preexec_fn: Any, close_fds: Any, pass_fds: Any, cwd: Any,
                       env: Any, *more: Any) -> None:  # fmt: skip
        words = [os.fspath(word) for word in args] if isinstance(args, list | tuple) else []
        streams = (more[6], more[8])  # the descriptors of stdout and stderr; -1 = those of this process
        if not (_spares and words and words[0] == sys.executable and more[3] == -1):
            super()._execute_child(args, executable, preexec_fn, close_fds, pass_fds, cwd, env, *more)  # type: ignore[misc]
            return
        self.pid, connection = _spares.pop()
        self._child_created = True
        command = (words[1:], os.fspath(cwd) if cwd else None, dict(env if env is not None else os.environ))
        with connection:
            message = pickle.dumps((command, streams, bool(more[14])))
            connection.sendall(len(message).to_bytes(4, "big") + message)
            connection.recv(1)  # it has its streams
        self._close_pipe_fds(*more[3:9])  # type: ignore[attr-defined]


def _keep(spares: tuple[int, ...]) -> None:
    """Fork the processes that this one will start."""
    for _ in range(spares[0] if spares else 0):
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            ours.close()
            _wait(theirs, spares[1:])
        theirs.close()
        _spares.append((pid, ours))
    if spares:
        subprocess.Popen = _Popen  # type: ignore[misc]


def _wait(connection: socket.socket, spares: tuple[int, ...]) -> None:
    """Be a spare: run a command, or end when the parent is gone."""
    code = 1
    try:
        for _, inherited in _spares:
            inherited.close()
        _spares.clear()
        _keep(spares)
        length = connection.recv(4)
        if not length:
            os._exit(0)
        message = b""
        while len(message) < int.from_bytes(length, "big"):
            message += connection.recv(1 << 20)
        command, streams, session = pickle.loads(message)
        for stream, descriptor in zip(STREAMS, streams, strict=True):
            if descriptor != -1:
                opened = os.open(f"/proc/{os.getppid()}/fd/{descriptor}", os.O_WRONLY | os.O_APPEND)
                os.dup2(opened, stream)
                os.close(opened)
        if session:
            os.setsid()
        connection.sendall(b".")
        connection.close()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _become(*command)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        with suppress(Exception):
            multiprocessing.util._exit_function()  # type: ignore[attr-defined]
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        os._exit(code)
