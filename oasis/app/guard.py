"""What stands between the network and the app: no request is too large, no page loads anything from elsewhere."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_OWN = "'self' data: blob:"
# Gradio compiles its templates in the browser, hence eval; its styles and scripts stand partly in the page.
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
_ENVELOPE = 64 * 2**10  # what a form adds around a file


class _TooLargeError(Exception):
    """Raised within the app by a request that goes on and on."""


class _Body:
    """The body of a request, counted.

    Args:
        receive: gives its parts.
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

    A request that says its length is refused unread; one that does not is cut off where it has sent too much, or where
    it is answered before its end: a server would read what is left, however much that is. The headers tell the browser
    to load nothing from elsewhere, so that the page works, and stays private, without network.

    Args:
        app: what answers.
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
    """Whether a request comes in pieces, and only the last one says that it is the last."""
    return any(name.lower() == b"transfer-encoding" for name, _ in scope["headers"])


def _length(scope: Scope) -> int:
    """What a request says its body has, 0 where it says nothing that can be read."""
    for name, value in scope["headers"]:
        if name.lower() == b"content-length" and value.isdigit():
            return int(value)
    return 0
