"""Lines of work in processes of their own: what hangs or crashes is cut, and the others still get their turn."""

import math
import os
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

Row = dict[str, Any]
_FORK = get_context("fork")  # imports take seconds; the parent never touches the GPU, so that its children can


@dataclass(frozen=True)
class Line:
    """One thing to be measured.

    Attributes:
        name: of its rows.
        act: measures it; returns one or more rows.
        seconds: after which it is cut, whatever is left of the stage.
    """

    name: str
    act: Callable[[], Sequence[Row]]
    seconds: float = math.inf


def run_tracks(tracks: Sequence[Sequence[Line]], ends: float, log: Path, tell: Callable[[Row], None]) -> None:
    """Work through tracks beside each other, each of them line by line.

    Args:
        tracks: the lines of one track share a process; after a line that is cut or dies, the rest get a new one.
        ends: when all that is not done is cut, in seconds of `time.monotonic`.
        log: what the processes print is appended there.
        tell: receives each row as soon as it is there; rows of lines without figures say why, by `cut` or `error`.
    """
    all_of_them = [_Track(lines, ends, log) for lines in tracks]
    try:
        while working := [track for track in all_of_them if track.waiting]:
            pipes = [pipe for track in working if (pipe := track.started()) is not None]
            if pipes:
                wait(pipes, max(0.0, min(track.limit() for track in working) - time.monotonic()))
            for track in working:
                for row in track.news():
                    tell(row)
    finally:
        for track in all_of_them:
            track.kill()


class _Track:
    """Lines that one process works through, and another one after a death."""

    def __init__(self, lines: Sequence[Line], ends: float, log: Path) -> None:
        self.waiting = deque(lines)
        self._ends, self._log = ends, log
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._since = 0.0

    def started(self) -> Connection | None:
        """Where rows will arrive; None if there is no time left to start."""
        if self._process is None and time.monotonic() < self._ends:
            self._pipe, theirs = _FORK.Pipe(duplex=False)
            self._process = _FORK.Process(target=_work, args=(list(self.waiting), theirs, self._log))
            self._process.start()
            theirs.close()
            self._since = time.monotonic()
        return self._pipe

    def limit(self) -> float:
        """When the current line is cut."""
        return min(self._ends, self._since + self.waiting[0].seconds)

    def news(self) -> Sequence[Row]:
        """The rows of a line that has ended, one way or another."""
        line, now = self.waiting[0], time.monotonic()
        if self._pipe is not None and self._pipe.poll():
            rows = self._received(line.name)
        elif self._process is None:
            rows = [{"name": line.name, "cut": "no time left to start it"}]
        elif now >= self.limit():
            self.kill()
            rows = [{"name": line.name, "cut": f"after {now - self._since:.0f} s"}]
        else:
            return []
        self.waiting.popleft()
        self._since = now
        return rows

    def kill(self) -> None:
        """End the process and what it has started."""
        if self._process is None or self._pipe is None:
            return
        with suppress(ProcessLookupError, PermissionError):  # it is gone, or has not yet become a leader
            os.killpg(self._process.pid or 0, signal.SIGKILL)
        self._process.kill()
        self._process.join()
        self._pipe.close()
        self._process = self._pipe = None

    def _received(self, name: str) -> Sequence[Row]:
        assert self._pipe is not None
        assert self._process is not None
        try:
            return list(self._pipe.recv())
        except EOFError:
            self._process.join()
            code = self._process.exitcode
            self.kill()
            return [{"name": name, "error": f"its process died with exit code {code}, see {self._log.name}"}]


def _work(lines: Sequence[Line], pipe: Connection, log: Path) -> None:
    os.setsid()  # so that the parent can kill it with all its children
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.stdout = sys.stderr = log.open("a", buffering=1, encoding="utf-8")
    for number in (1, 2):
        os.dup2(sys.stdout.fileno(), number)
    for line in lines:
        print(f"== {line.name}")
        try:
            rows = line.act()
        except BaseException as error:  # SystemExit, too: the next line has its turn
            traceback.print_exc()
            first = next(iter(str(error).strip().splitlines()), "")
            rows = [{"name": line.name, "error": f"{type(error).__name__}: {first} (see {log.name})"}]
        pipe.send(rows)
