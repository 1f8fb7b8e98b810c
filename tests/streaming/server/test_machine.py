"""Upgrades: what asks plainly is answered at once, by the rules; everything else is left to websockets."""

import pytest

from streaming.server.machine import accepting, plain_key

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 section 1.3
PLAIN = {
    b"host": b"127.0.0.1:8000",
    b"upgrade": b"websocket",
    b"connection": b"Upgrade",
    b"sec-websocket-key": KEY,
    b"sec-websocket-version": b"13",
}


def asked(more=(), *, method="GET", version="1.1", url=b"/ws/stock", **change):
    headers = PLAIN | {name.replace("_", "-").encode(): value for name, value in change.items()}
    return plain_key(
        method, version, url, [*((name, value) for name, value in headers.items() if value is not None), *more]
    )


def test_the_rfcs_own_example_is_plain_and_gets_its_answer():
    assert asked() == KEY

    answer = accepting(KEY, [(b"date", b"today")], "bearer").split(b"\r\n")

    assert answer[0] == b"HTTP/1.1 101 Switching Protocols"
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer
    assert b"date: today" in answer
    assert answer[-3:] == [b"Sec-WebSocket-Protocol: bearer", b"", b""]


def test_what_browsers_say_is_plain():
    assert asked(connection=b"keep-alive, Upgrade", upgrade=b"WebSocket") == KEY


@pytest.mark.parametrize(
    "change",
    [
        {"method": "POST"},
        {"version": "1.0"},
        {"url": b"/ws/\xff"},
        {"upgrade": None},
        {"upgrade": b"websocket, h2c"},
        {"connection": b"close"},
        {"connection": None},
        {"sec_websocket_version": b"8"},
        {"sec_websocket_version": None},
        {"sec_websocket_key": None},
        {"sec_websocket_key": b"c2hvcnQ="},
        {"sec_websocket_key": b"!" * 22 + b"=="},
        {"more": [(b"sec-websocket-key", KEY)]},
        {"more": [(b"sec-websocket-version", b"13")]},
        {"more": [(b"connection", b"upgrade")]},
        {"more": [(b"authorization", b"x" * 16_385)]},
        {"more": [(b"x-%d" % n, b"") for n in range(64)]},
    ],
    ids=str,
)
def test_what_is_not_plain_goes_the_long_way(change):
    assert asked(**change) is None
