"""Middleware that limits the size of requests and keeps pages from loading anything from other hosts."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_OWN = "'self' data: blob:"
# Gradio compiles its templates in the browser, hence eval; some styles and scripts are inline.
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (
        b"content-security-policy",
        f"default-src {_OWN} 'unsafe-inline' 'unsafe-eval'; object-src 'none'; base-uri 'self'; "
        "form-action 'self'; frame-ancestors 'self'".encode(),
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
_ENVELOPE = 64 * 2**10  # overhead of a form around a file


class _TooLargeError(Exception):
    """Raised within the app by a request that exceeds the limit."""


class Guard:
    """ASGI middleware: refuses a request whose body is too large, and adds headers to each answer.

    A too large request that declares its length is refused unread; one that does not is cut off at the limit. The
    headers tell the browser to load nothing from other hosts, so that the page is private and works offline.

    Args:
        app: the wrapped application.
        most_bytes: of a file; a request may be slightly larger.
    """

    def __init__(self, app: Application, most_bytes: int) -> None:
        self._app = app
        self._most = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                names = {name for name, _ in HEADERS}
                kept = [(name, value) for name, value in message.get("headers", ()) if name.lower() not in names]
                message = {**message, "headers": [*kept, *HEADERS]}
            await send(message)

        if _length(scope) > self._most + _ENVELOPE:
            await self._refuse(send_guarded)
            return
        try:
            await self._app(scope, self._counted(receive), send_guarded)
        except _TooLargeError:
            if not started:
                await self._refuse(send_guarded)

    def _counted(self, receive: Receive) -> Receive:
        seen = 0

        async def receive_counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._most + _ENVELOPE:
                raise _TooLargeError
            return message

        return receive_counted

    async def _refuse(self, send: Send) -> None:
        text = f"The file is too large: the app takes files up to {self._most / 2**20:g} MiB.".encode()
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": text})


def _length(scope: Scope) -> int:
    """The declared length of a request's body, 0 if it is missing or invalid."""
    for name, value in scope["headers"]:
        if name.lower() == b"content-length" and value.isdigit():
            return int(value)
    return 0
