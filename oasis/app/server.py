"""Starting and ending the server."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from oasis.app.guard import Guard
from oasis.app.limits import Limits
from oasis.app.model_pool import ModelPool
from oasis.errors import ConfigurationError

LOCALHOST = "127.0.0.1"
_HERE = Path(__file__).parent
# Gradio prefixes all rules of `css`, so that they do not apply to its outermost box, which otherwise is as wide as the
# open tab.
_FULL_WIDTH = "<style>gradio-app .gradio-container { width: 100% !important; max-width: 1360px; }</style>"


@contextmanager
def serving(
    pool: ModelPool,
    limits: Limits | None = None,
    host: str = LOCALHOST,
    port: int | None = None,
    auth: tuple[str, str] | None = None,
) -> Iterator[str]:
    """Context manager that serves the app in the background and yields its address.

    Args:
        pool: the models.
        limits: on visitors; None = the defaults.
        host: 127.0.0.1 = this machine only, 0.0.0.0 = reachable from the network.
        port: to listen on; None = the first free one from 7860 on.
        auth: required user and password; None = no login.

    Raises:
        ConfigurationError: gradio is not installed, or the port is taken.
    """
    limits = limits or Limits()
    with tempfile.TemporaryDirectory(prefix="oasis_app_") as folder, _environment(folder):
        gradio = _gradio()
        from oasis.app.page import build_page

        page = build_page(pool, limits)
        try:
            _, address, _ = page.launch(
                server_name=host, server_port=port, auth=auth, prevent_thread_lock=True, **_settings(gradio, limits)
            )
        except OSError as error:  # gradio's own message names one of its variables
            raise ConfigurationError(
                f"Cannot listen on {host}:{port or '7860 to 7959'}: is another app there? Choose another --port."
            ) from error
        try:
            yield address
        finally:
            page.close(verbose=False)


def _settings(gradio: ModuleType, limits: Limits) -> dict[str, Any]:
    """Launch settings: limits, theme, no telemetry."""
    return {
        "share": False,
        "quiet": True,
        "max_file_size": limits.upload_bytes,
        "state_session_capacity": limits.sessions,
        "ssr_mode": False,
        "mcp_server": False,
        "footer_links": [],
        "run_history": False,
        "theme": _theme(gradio),
        "css": (_HERE / "page.css").read_text(),
        "head": _FULL_WIDTH,
        "app_kwargs": {"middleware": [_guard(limits)], "docs_url": None, "redoc_url": None},
    }


@contextmanager
def _environment(folder: str) -> Iterator[None]:
    """Sets what Gradio reads on import and when a page is built: no telemetry, files in `folder`."""
    settings = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1", "GRADIO_TEMP_DIR": folder}
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _gradio() -> ModuleType:
    try:
        import gradio
    except ImportError as error:
        raise ConfigurationError(
            "The app needs gradio, which is not installed: pip install 'panoptic-oasis[app]'"
        ) from error
    return gradio


def _guard(limits: Limits) -> object:
    from starlette.middleware import Middleware  # comes with gradio

    return Middleware(Guard, most_bytes=limits.upload_bytes)


def _theme(gradio: ModuleType) -> Any:
    # System fonts: Gradio's own are downloaded.
    return gradio.themes.Default(
        primary_hue="indigo",
        neutral_hue="slate",
        radius_size="md",
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "DejaVu Sans", "sans-serif"],
        font_mono=["ui-monospace", "DejaVu Sans Mono", "monospace"],
    )
