"""The guard between network and app, by itself."""

import asyncio

import pytest

from oasis.app.guard import Guard


def guarded(scope: dict, bodies: list[bytes], answers: list, read: int = 1000) -> None:
    """Sends a request through a guard of 1 kB to an application that reads so many parts of it."""

    async def application(_scope, receive, send):
        for _ in range(read):
            if not (await receive()).get("more_body"):
                break
        await send({"type": "http.response.start", "status": 200, "headers": [(b"X-Content-Type-Options", b"other")]})
        await send({"type": "http.response.body", "body": b"read"})

    messages = [
        {"type": "http.request", "body": body, "more_body": i + 1 < len(bodies)} for i, body in enumerate(bodies)
    ]

    async def receive():
        return messages.pop(0)

    async def send(message):
        answers.append(message)

    asyncio.run(Guard(application, 1024)(scope, receive, send))


@pytest.mark.parametrize(("blocks", "status"), [(2, 200), (100, 413)])
def test_guard_counts_what_comes_in(blocks, status):
    answers: list = []
    guarded({"type": "http", "headers": []}, [bytes(1024)] * blocks, answers)
    assert [answer.get("status") for answer in answers if "status" in answer] == [status]


def test_guard_puts_its_headers_in_the_place_of_others():
    answers: list = []
    guarded({"type": "http", "headers": []}, [b""], answers)
    values = [value for name, value in answers[0]["headers"] if name.lower() == b"x-content-type-options"]
    assert values == [b"nosniff"]


@pytest.mark.parametrize(("read", "hangs_up"), [(0, True), (2, True), (3, False)])
def test_an_answer_before_the_end_of_an_endless_request_hangs_up(read, hangs_up):
    """The server would read the rest of it for as long as it comes."""
    answers: list = []
    guarded({"type": "http", "headers": [(b"transfer-encoding", b"chunked")]}, [bytes(8)] * 3, answers, read)
    assert ((b"connection", b"close") in answers[0]["headers"]) is hangs_up
