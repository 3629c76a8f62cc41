"""Another process that holds the folder of a run, for the tests of its lock."""

import subprocess
import sys
from contextlib import contextmanager

HOLDER = """
import fcntl, sys
with open(sys.argv[1], "a+") as file:
    fcntl.lockf(file, fcntl.LOCK_EX)
    file.truncate(0)
    file.write("process 7 of elsewhere\\n")
    file.flush()
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held(folder):
    """Context manager in which another process holds the folder; yields that process."""
    command = [sys.executable, "-c", HOLDER, str(folder / ".lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        yield holder
