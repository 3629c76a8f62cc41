"""Checks of access to Weights & Biases and of its folder, without prompts and in bounded time."""

import netrc
import os
import tempfile
import threading
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from oasis.errors import ConfigurationError

_QUESTION = b'{"query": "{ viewer { id } }"}'  # without a key, W&B answers with an empty user
_NETRC = (".netrc", "_netrc")  # in the home folder
_OFF = ("offline", "dryrun")  # two names of one mode


def wanted_mode(offline: bool, configured: str | None = None) -> str | None:
    """The mode that the user requested.

    Args:
        offline: the setting of the run; overrides `WANDB_MODE=online`, not `disabled`.
        configured: the mode stored by `wandb offline`, or W&B's default, `online`, which counts as not requested.

    Returns:
        `online`, `offline`, `disabled`, or None: online if possible.
    """
    mode = os.environ.get("WANDB_MODE") or (None if configured == "online" else configured)
    if mode == "disabled":
        return mode
    if offline or mode in _OFF:
        return "offline"
    return "online" if mode == "online" else None


def obstacle(base_url: str, seconds: float) -> str | None:
    """Why a run cannot go online, in a few words; None if it can.

    Args:
        base_url: of the W&B server.
        seconds: timeout.
    """
    if not logged_in(base_url):
        return "not logged in; `wandb login`"
    if not answers(base_url, seconds):
        return f"{base_url} does not answer"
    return None


def logged_in(base_url: str) -> bool:
    """Whether there is a key for a server in the environment or in a netrc file."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    given = os.environ.get("NETRC")
    paths = [Path(given).expanduser()] if given else [Path.home() / name for name in _NETRC]
    for path in paths:
        try:
            if netrc.netrc(str(path)).authenticators(urlsplit(base_url).netloc):
                return True
        except (OSError, netrc.NetrcParseError):
            continue
    return False


def answers(base_url: str, seconds: float) -> bool:
    """Whether a server answers, with any status; the timeout includes the DNS lookup.

    Args:
        base_url: its address; the proxy of the environment is used.
        seconds: timeout.
    """
    found = threading.Event()

    def ask() -> None:
        try:
            request = urllib.request.Request(f"{base_url}/graphql", _QUESTION, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=seconds):
                found.set()
        except urllib.error.HTTPError:
            found.set()  # an error status is an answer
        except (OSError, ValueError, HTTPException):
            pass

    asking = threading.Thread(target=ask, daemon=True)  # DNS lookups have no timeout
    asking.start()
    asking.join(seconds)
    return found.is_set()


def require_room(folder: Path) -> None:
    """Refuse a folder that cannot be written; W&B itself would silently use a temporary one.

    Args:
        folder: for W&B's files; created if missing.

    Raises:
        ConfigurationError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ConfigurationError(
            f"{folder}: W&B cannot write there ({error.strerror}). Make room, choose another paths.output_dir, or "
            "train with logger=csv."
        ) from error
