"""`oasis app`: label maps to photos in a browser."""

import signal
import threading
import webbrowser
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from oasis.bundled import NOTE
from oasis.errors import ConfigurationError

AUTH_VARIABLE = "OASIS_APP_AUTH"
_LOCAL = ("127.0.0.1", "localhost", "::1")


def app(
    checkpoints: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CHECKPOINT]...",
            help="Checkpoint files, run folders or hf://OWNER/NAME; several can be compared on one map. Default: the "
            "newest demo run, else the bundled model.",
            show_default=False,
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on: 127.0.0.1 = this machine alone, 0.0.0.0 = all who can reach it.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(
            min=1, max=65535, help="Port to listen on. Default: the first free one from 7860 on.", show_default=False
        ),
    ] = None,
    auth: Annotated[
        str | None,
        typer.Option(
            metavar="USER:PASSWORD",
            envvar=AUTH_VARIABLE,
            help="Login for visitors. Better set in the environment variable: others can read command lines.",
            show_default=False,
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps; auto = the best available.")] = "auto",
    bf16: Annotated[bool, typer.Option("--bf16", help="Generate in bfloat16.")] = False,
    runs: Annotated[Path, typer.Option(help="Folder of the demo runs, when no checkpoint is named.")] = Path("runs"),
    upload_mib: Annotated[int, typer.Option(min=1, help="Largest upload, in MiB.")] = 20,
    queue: Annotated[int, typer.Option(min=1, help="Photos that may wait; later ones are turned away.")] = 24,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser window.")] = False,
) -> None:
    """Generate photos from label maps in a browser: upload, draw, vary, compare."""
    user = _user(auth)
    from oasis.app.checkpoints import newest_demo
    from oasis.app.limits import Limits
    from oasis.app.model_pool import ModelPool
    from oasis.app.server import serving

    console = Console(markup=False)
    demo = None if checkpoints else newest_demo(runs)
    if not checkpoints:
        note = NOTE if demo is None else f"No checkpoint named: the newest demo run, {demo}."
        console.print(note, soft_wrap=True, highlight=False)
    pool = ModelPool.from_checkpoints(checkpoints or ([] if demo is None else [demo]), device, bf16)
    limits = Limits(upload_bytes=upload_mib * 2**20, waiting=queue)
    if host not in _LOCAL and user is None:
        console.print(f"All who can reach {host} may use the app; --auth, or {AUTH_VARIABLE}, asks for a password.")
    with serving(pool, limits, host, port, user) as address:
        console.print(f"Generating with {', '.join(pool.names)}\nOpen {address}    (Ctrl-C ends)", soft_wrap=True)
        if browser:
            webbrowser.open(address)
        _wait_for_the_end()
    console.print("\nEnded; nothing that visitors sent is kept.")


def _wait_for_the_end() -> None:
    """Wait for Ctrl-C or SIGTERM."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()


def _user(auth: str | None) -> tuple[str, str] | None:
    """User and password from USER:PASSWORD.

    Raises:
        ConfigurationError: it is not of this form; the message leaves out the password.
    """
    if auth is None:
        return None
    user, colon, password = auth.partition(":")
    if not (user and colon and password):
        raise ConfigurationError(f"--auth and {AUTH_VARIABLE} take USER:PASSWORD, neither of them empty.")
    return user, password
