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
_HANG_UP = (b"connection", b"close")
_ENVELOPE = 64 * 2**10  # overhead of a form around a file


class _TooLargeError(Exception):
    """Raised within the app by a request that exceeds the limit."""


class _Body:
    """The body of a request, with a limit.

    Args:
        receive: returns its next part.
        most_bytes: of all parts; more raise `_TooLargeError`.
    """

    def __init__(self, receive: Receive, most_bytes: int) -> None:
        self._receive = receive
        self._left = most_bytes
        self.ended = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise _TooLargeError
        self.ended = not message.get("more_body", False)
        return message


class Guard:
    """ASGI middleware: refuses a request whose body is too large, and adds headers to each answer.

    A too large request that declares its length is refused unread; one that does not is cut off at the limit, or when
    it is answered before its end: the server would go on reading, however long it is. The headers tell the browser to
    load nothing from other hosts, so that the page is private and works offline.

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
        started, body = False, _Body(receive, self._most + _ENVELOPE)

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                own = HEADERS if body.ended or not _is_chunked(scope) else (*HEADERS, _HANG_UP)
                names = {name for name, _ in own}
                kept = [(name, value) for name, value in message.get("headers", ()) if name.lower() not in names]
                message = {**message, "headers": [*kept, *own]}
            await send(message)

        if _length(scope) > self._most + _ENVELOPE:
            await self._refuse(send_guarded)
            return
        try:
            await self._app(scope, body.receive, send_guarded)
        except _TooLargeError:
            if not started:
                await self._refuse(send_guarded)

    async def _refuse(self, send: Send) -> None:
        text = f"The file is too large: the app takes files up to {self._most / 2**20:g} MiB.".encode()
        headers = [(b"content-type", b"text/plain; charset=utf-8"), _HANG_UP]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": text})


def _is_chunked(scope: Scope) -> bool:
    """Whether a request is sent in chunks, without a declared length."""
    return any(name.lower() == b"transfer-encoding" for name, _ in scope["headers"])


def _length(scope: Scope) -> int:
    """The declared length of a request's body, 0 if it is missing or invalid."""
    for name, value in scope["headers"]:
        if name.lower() == b"content-length" and value.isdigit():
            return int(value)
    return 0
