"""After hundreds of clients of the worst kinds a server holds nothing of them and serves the next one."""

import json
import os
import secrets
import socket
import struct
import urllib.request
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from websockets.frames import Frame, Opcode

from kernel import keyspace
from tests.streaming.conftest import ServedNode, make_scope, make_token, wait_for
from tests.streaming.test_socket import Client

pytestmark = pytest.mark.whole
EACH = 60


def tcp_inodes(field: int, port: int, state: str | None = None) -> set[str]:
    """Return the sockets whose local (1) or remote (2) port this is."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {f"socket:[{row[9]}]" for row in rows if row[field].endswith(f":{port:04X}") and state in (None, row[3])}


def links(pid: int | str) -> list[str]:
    found = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            found.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
        except FileNotFoundError:
            pass  # closed meanwhile
    return found


def descriptors(pid: int, redis_url: str) -> int:
    """Count them without the pool of connections to Redis, which is as large as its busiest moment was."""
    pool = tcp_inodes(2, urlsplit(redis_url).port or 6379)
    return len([link for link in links(pid) if link not in pool])


def server_of(node: ServedNode) -> int:
    """Return the pid of whoever listens on the node's port."""
    listening = tcp_inodes(1, urlsplit(node.base).port or 0, "0A")
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if listening.intersection(links(pid)):
                return int(pid)
        except OSError:
            continue
    raise AssertionError("nobody listens there")


def metric(node: ServedNode, name: str) -> float:
    with urllib.request.urlopen(f"{node.base}/metrics", timeout=3) as got:
        return sum(float(line.split()[-1]) for line in got.read().decode().splitlines() if line.startswith(name))


def opened(node: ServedNode, token: str) -> socket.socket:
    """Return a raw socket behind the upgrade (or its refusal); whatever the server said is read."""
    raw = socket.create_connection(("127.0.0.1", urlsplit(node.base).port), timeout=5)
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    raw.sendall(
        f"GET /ws/stock HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    )
    raw.recv(65_536)
    return raw


def text(content: bytes, opcode=Opcode.TEXT) -> bytes:
    return Frame(opcode, content).serialize(mask=True)


def reset(raw: socket.socket) -> None:
    """Go without a close frame and without a FIN."""
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()


SUBSCRIBE = text(json.dumps({"action": "subscribe", "symbols": ["600519.SH", "TEST.CN"]}).encode())


def garbage(node: ServedNode, token: str) -> None:
    raw = opened(node, token)
    for content in (b"hello", b"5", b"[" * 50_000, b"{}", b'{"action":"subscribe","symbols":[1]}'):
        raw.sendall(text(content))
    raw.sendall(text(secrets.token_bytes(200), Opcode.BINARY))
    raw.sendall(SUBSCRIBE + secrets.token_bytes(100))  # and no frame at all
    raw.close()


def oversize(node: ServedNode, token: str) -> None:
    raw = opened(node, token)
    raw.sendall(SUBSCRIBE)
    try:
        raw.sendall(text(b"x" * 300_000))
    except OSError:
        pass  # closed on us in the middle: that is the point
    raw.close()


def vanishing(node: ServedNode, token: str) -> None:
    raw = opened(node, token)
    raw.sendall(SUBSCRIBE)
    reset(raw)


def vanishing_in_a_message(node: ServedNode, token: str) -> None:
    raw = opened(node, token)
    raw.sendall(SUBSCRIBE + SUBSCRIBE[:20])
    reset(raw)


def vanishing_at_once(node: ServedNode, token: str) -> None:
    """Gone before the upgrade is answered."""
    raw = socket.create_connection(("127.0.0.1", urlsplit(node.base).port), timeout=5)
    raw.sendall(
        f"GET /ws/stock HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        f"Authorization: Bearer {token}\r\n\r\n".encode()
    )
    reset(raw)


def refused(node: ServedNode, token: str) -> None:
    raw = opened(node, token[:-4] + "AAAA")
    raw.close()


WORST = [garbage, oversize, vanishing, vanishing_in_a_message, vanishing_at_once, refused]


def test_hundreds_of_broken_clients_leave_nothing_behind(node, store, redis_url):
    pid, scopes = server_of(node), [make_scope(uuid.uuid4().hex, max_conns=3) for _ in range(20)]
    tokens = [make_token(scope) for scope in scopes]
    for kind in WORST:  # what is made once and kept does not count
        kind(node, tokens[0])
    wait_for(lambda: metric(node, "tickpack_connections{") == 0)
    before, outages = descriptors(pid, redis_url), metric(node, "tickpack_store_errors_total")

    for count in range(EACH):
        for kind in WORST:
            kind(node, tokens[count % len(tokens)])

    wait_for(lambda: metric(node, "tickpack_connections{") == 0)
    wait_for(lambda: not [s for s in scopes if store.exists(keyspace.follows(s.customer, s.group))])
    wait_for(lambda: descriptors(pid, redis_url) <= before)
    assert metric(node, "tickpack_store_errors_total") == outages
    with Client(node, tokens[0]) as client:
        assert client.welcome["quota"]["used"] == 0
        assert client.ask("subscribe", symbols=["600519.SH"])["added"] == ["600519.SH"]
        assert client.ask("ping")["type"] == "pong"
