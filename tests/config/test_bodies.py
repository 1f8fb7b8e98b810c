"""A body that is too long is refused by its length, or while it comes; nobody's disk or memory holds it first."""

import socket
import sys

import pytest

from config.bodies import PAGE_BYTES, PUSH, PUSHED_BYTES, limit_of, with_whole_bodies
from config.embedded.children import free_port
from tests.streaming.conftest import serve

MIB = 1 << 20


async def ask(path, pieces, *, headers=()):
    """Return (status, how many bytes were taken from the sender, what the application was given)."""
    waiting, taken, given, sent = list(pieces), 0, [], []

    async def receive():
        nonlocal taken
        piece = waiting.pop(0)
        taken += len(piece)
        return {"type": "http.request", "body": piece, "more_body": bool(waiting)}

    async def send(message):
        sent.append(message)

    async def application(scope, receive, send):
        given.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})

    scope = {"type": "http", "path": path, "headers": list(headers)}
    await with_whole_bodies(application)(scope, receive, send)
    return sent[0]["status"], taken, given


async def test_a_body_reaches_the_application_whole():
    assert await ask("/subscribe/", [b"a" * 100, b"b" * 100]) == (200, 200, [b"a" * 100 + b"b" * 100])


async def test_one_that_says_it_is_too_long_is_not_read_at_all():
    announced = [(b"content-length", str(600 * MIB).encode())]
    assert await ask("/subscribe/", [b"x" * MIB], headers=announced) == (413, 0, [])


async def test_one_that_says_nothing_or_lies_is_refused_while_it_comes():
    for headers in ([], [(b"content-length", b"10")], [(b"content-length", b"-1")]):
        status, taken, given = await ask("/subscribe/", [b"x" * 65_536] * 9_600, headers=headers)
        assert (status, given) == (413, [])
        assert taken <= PAGE_BYTES + 65_536


@pytest.mark.parametrize("path", ["/", "/admin/billing/plan/add/", "/accounts/login/", "/api/purchases", "/v1/usage",
                                  "/payments/sandbox/notify", "/api/v1/rt-kline/policies/apply", "/nope"])  # fmt: skip
def test_every_address_has_a_limit_below_what_django_writes_to_disk(path):
    assert limit_of({"path": path, "headers": []}) <= 2 * MIB


def test_only_who_may_push_may_send_much(settings):
    settings.PUSH_TOKEN = "provider"
    assert limit_of({"path": PUSH, "headers": [(b"authorization", b"Bearer provider")]}) == PUSHED_BYTES
    for given in (b"Bearer other", b"", b"Bearer "):
        assert limit_of({"path": PUSH, "headers": [(b"authorization", given)]}) == MIB
    settings.PUSH_TOKEN = ""
    assert limit_of({"path": PUSH, "headers": [(b"authorization", b"Bearer ")]}) == MIB


@pytest.mark.whole
@pytest.mark.parametrize("how", ["announced", "in pieces"])
def test_a_server_answers_413_and_ends_the_connection(tmp_path, how):
    port = free_port()
    for _node in serve("web", [sys.executable, "manage.py", "serve", "--port", str(port)], port, tmp_path):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
            length = f"Content-Length: {600 * MIB}" if how == "announced" else "Transfer-Encoding: chunked"
            peer.sendall(f"POST /v1/usage HTTP/1.1\r\nHost: 127.0.0.1\r\n{length}\r\n\r\n".encode())
            sent = 0
            try:
                while how == "in pieces" and sent < 600 * MIB:
                    peer.sendall(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
                    sent += 65_536
            except OSError:
                pass  # it was closed while we went on
            assert sent < 16 * MIB  # what the kernel's buffers took; the rest was never accepted
            if how == "announced":
                said = b""
                while piece := peer.recv(65_536):
                    said += piece
                assert said.startswith(b"HTTP/1.1 413 ")
                assert b"body_too_large" in said
