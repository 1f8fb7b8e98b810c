"""The consumer under a server that misbehaves on purpose: peers that vanish or never read, a store that goes away."""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import AsyncIterator

import pytest

from config.embedded.children import free_port
from kernel import keyspace
from kernel.scope import Scope, Step
from streaming import metrics
from streaming.runtime.dialects import dialects
from streaming.runtime.process import StreamProcess, current_process, stop_process
from streaming.sockets.consumer import StreamConsumer
from streaming.store import connection
from streaming.store.connection import new_redis_async, redis_async
from streaming.wire.announced import EXAMPLE
from streaming.wire.dialect import Dialect
from tests.streaming.conftest import BOTH, GROUP, jwks, make_scope, make_token

pytestmark = pytest.mark.whole


class Peer:
    """One client as the server sees it: `gone` makes every send fail, `reads` says whether sends go through."""

    def __init__(self, token: str, dialect: Dialect | None = None) -> None:
        self.said: list[dict] = []
        self.status: int | None = None
        self.closed: int | None = None
        self.gone = self.stuck = False
        self.reads = asyncio.Event()
        self.reads.set()
        self._events: asyncio.Queue = asyncio.Queue()
        self._events.put_nowait({"type": "websocket.connect"})
        scope = {
            "type": "websocket",
            "path": "/ws/stock",
            "headers": [(b"authorization", f"Bearer {token}".encode())] if token else [],
            "query_string": b"",
            "subprotocols": [],
            "extensions": {"websocket.http.response": {}, "tickpack.wire": self},
        }
        self.run = asyncio.create_task(
            StreamConsumer.as_asgi(dialect=dialect or dialects()["native"])(scope, self._events.get, self._send)
        )

    async def _send(self, event: dict) -> None:
        self.stuck = not self.reads.is_set()
        await self.reads.wait()
        if self.gone:
            raise ConnectionResetError
        if self.closed is not None:
            raise RuntimeError("Unexpected ASGI message, after sending 'websocket.close'")
        if event["type"] == "websocket.send":
            self.said.append(json.loads(event["text"]))
        elif event["type"] == "websocket.close":
            self.closed = event["code"]
            self._events.put_nowait({"type": "websocket.disconnect", "code": event["code"]})
        elif event["type"] == "websocket.http.response.start":
            self.status = event["status"]

    answered: bool | None = None
    deflate = False

    def write(self, frames: bytes) -> None: ...
    def set_watermarks(self, on_high, on_low) -> None: ...
    def buffered(self) -> int:
        return 0

    def abort(self) -> None:
        self.leave()

    def ask(self, action: str, **more) -> None:
        self._events.put_nowait({"type": "websocket.receive", "text": json.dumps({"action": action, **more})})

    def tell(self, message: dict) -> None:
        self._events.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    def leave(self) -> None:
        self.gone = True
        self._events.put_nowait({"type": "websocket.disconnect", "code": 1006})

    async def heard(self, kind: str, seconds: float = 20.0, **wanted) -> dict:
        return await until(
            lambda: next(
                (m for m in self.said if m["type"] == kind and all(m.get(k) == v for k, v in wanted.items())), None
            ),
            seconds,
        )


async def until(answer, seconds: float = 20.0):
    deadline = time.monotonic() + seconds
    while not (found := answer()):
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.01)
    return found


@pytest.fixture
async def node(settings, tmp_path) -> AsyncIterator[StreamProcess]:
    settings.TOKEN_JWKS = str(tmp_path / "jwks.json")
    (tmp_path / "jwks.json").write_text(json.dumps(jwks()))
    await redis_async().delete(keyspace.draining(settings.NODE_ID))
    made = current_process()
    yield made
    await stop_process()


@pytest.fixture
def scope() -> Scope:
    return make_scope(uuid.uuid4().hex)


@pytest.fixture
async def peer(node, scope) -> Peer:
    made = Peer(make_token(scope))
    await made.heard("welcome")
    return made


async def in_the_books(scope: Scope) -> dict:
    return await redis_async().hgetall(keyspace.follows(scope.customer, scope.group))


class Gate:
    """Holds a call up before it reaches the store, until it is opened."""

    def __init__(self, monkeypatch, book, name: str) -> None:
        self.reached, self.open, self._call = asyncio.Event(), asyncio.Event(), getattr(book, name)
        monkeypatch.setattr(book, name, self._held_up)

    async def _held_up(self, *arguments, **more):
        self.reached.set()
        await self.open.wait()
        return await self._call(*arguments, **more)


async def test_a_client_that_is_gone_before_the_upgrade_leaves_nothing_in_the_books(node, scope):
    peer = Peer(make_token(scope))
    peer.leave()
    await asyncio.gather(peer.run, return_exceptions=True)
    assert await in_the_books(scope) == {}


@pytest.mark.parametrize("held_up", ["claim", "reconcile"])
async def test_what_reaches_the_books_after_the_socket_has_left_is_taken_out_again(
    node, peer, scope, monkeypatch, held_up
):
    gate = Gate(monkeypatch, node.quota, held_up)
    (socket,) = node.sockets.of(scope.customer, scope.group)
    if held_up == "claim":
        peer.ask("subscribe", symbols=["600519.SH"])
    else:
        node.errands.run(socket.refresh_entitlement())
    await asyncio.wait_for(gate.reached.wait(), timeout=30)
    await socket.end(4409, "replaced")
    gate.open.set()
    await peer.run
    await until(lambda: len(node.errands) == 0)
    assert await in_the_books(scope) == {}


async def test_an_answer_to_a_client_that_has_gone_is_no_outage_and_no_traceback(node, peer, scope, caplog):
    outages = metrics.store_errors._value.get()
    peer.gone = True
    peer.ask("list")
    await until(lambda: len(node.sockets) == 0)
    peer.leave()
    await peer.run
    assert metrics.store_errors._value.get() == outages
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert await in_the_books(scope) == {}


async def test_an_answer_that_comes_after_our_close_is_not_sent(node, peer, scope, monkeypatch, caplog):
    gate = Gate(monkeypatch, node.quota, "claim")
    (socket,) = node.sockets.of(scope.customer, scope.group)
    peer.ask("subscribe", symbols=["600519.SH"])
    await asyncio.wait_for(gate.reached.wait(), timeout=30)
    await socket.end(4409, "replaced")
    gate.open.set()
    await peer.run
    assert peer.closed == 4409
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_client_that_does_not_read_keeps_no_control_message_from_others(node, peer, scope):
    other_scope, jti = make_scope(uuid.uuid4().hex), uuid.uuid4().hex
    other = Peer(make_token(other_scope, jti=jti))
    await other.heard("welcome")
    peer.reads.clear()
    peer.ask("list")
    await until(lambda: peer.stuck)

    await tell(kind="entitlement", customer=scope.customer, group=GROUP)
    await redis_async().set(keyspace.revoked(jti), int(time.time()), ex=60)
    await tell(kind="revoked", customer=other_scope.customer, group=GROUP, jti=jti)

    assert await until(lambda: other.closed, 30) == 4401
    peer.reads.set()
    peer.leave()
    await peer.run


async def tell(**message) -> None:
    from channels.layers import get_channel_layer

    await get_channel_layer().group_send(keyspace.CONTROL_GROUP, {"type": "control", **message})


async def test_a_client_that_never_reads_an_answer_is_pushed_out(node, peer, scope, monkeypatch):
    monkeypatch.setattr("streaming.sockets.effects.PATIENCE_SECONDS", 0.2)
    peer.reads.clear()
    peer.ask("list")
    await until(lambda: len(node.sockets) == 0)
    async with asyncio.timeout(10):  # its place is given back behind that
        while await in_the_books(scope) != {}:
            await asyncio.sleep(0.01)
    peer.reads.set()
    await asyncio.gather(peer.run, return_exceptions=True)


@pytest.fixture
async def store_away(monkeypatch, node, settings) -> AsyncIterator:
    """Call it: from then on nobody answers where the store was."""
    settings.REDIS_URL, there = f"redis://127.0.0.1:{free_port()}", settings.REDIS_URL
    nobody = new_redis_async()
    settings.REDIS_URL = there

    def away() -> None:
        monkeypatch.setattr(connection, "redis_async", lambda: nobody)
        monkeypatch.setattr(
            node.quota, "_scripts", {n: nobody.register_script(s.script) for n, s in node.quota._scripts.items()}
        )
        monkeypatch.setattr(node.quota, "_redis", nobody)

    yield away
    await nobody.aclose()


def over_and_renewed() -> tuple[Scope, Scope]:
    """What an old token says (it is over) and what was bought since."""
    now = int(time.time())
    customer = uuid.uuid4().hex
    levels = frozenset({"L1"})
    old = Scope(
        customer, GROUP, 1, (Step(now - 600, 5, 3, BOTH, levels), Step(now - 60, 0, 0, frozenset(), frozenset()))
    )
    return old, make_scope(customer, 15, rev=2)


async def test_a_renewed_customer_stays_connected_while_the_store_is_away(node, store_away):
    old, renewed = over_and_renewed()
    await redis_async().set(keyspace.entitlement(old.customer, GROUP), json.dumps(renewed.as_json()), ex=60)
    peer = Peer(make_token(old))
    await peer.heard("welcome")
    (socket,) = node.sockets.of(old.customer, GROUP)

    store_away()
    await socket.refresh_entitlement()

    assert peer.closed is None
    peer.leave()
    await peer.run


async def test_a_renewed_customer_is_told_to_try_again_while_the_store_is_away(node, store_away):
    store_away()
    peer = Peer(make_token(over_and_renewed()[0]))
    await peer.run
    assert peer.status == 503


async def test_a_place_in_the_books_is_given_back_when_the_store_is_there_again(
    node, peer, scope, store_away, monkeypatch
):
    store_away()
    peer.leave()
    await peer.run
    monkeypatch.undo()
    assert await in_the_books(scope) != {}
    await node.returns.settle()
    assert await in_the_books(scope) == {}


async def test_a_step_of_the_entitlement_reaches_an_open_socket_when_it_begins_and_the_end_too(node):
    now, levels = time.time(), frozenset({"L1"})
    edges = [int(now) + 2, int(now) + 4]
    steps = (
        Step(int(now) - 60, 5, 3, BOTH, levels),
        Step(edges[0], 2, 3, BOTH, levels),
        Step(edges[1], 0, 0, frozenset(), frozenset()),
    )
    peer = Peer(make_token(Scope(uuid.uuid4().hex, GROUP, 1, steps)))
    await peer.heard("welcome")

    assert (await peer.heard("quota_changed", 30))["max_subs"] == 2
    assert edges[0] <= time.time()
    assert await until(lambda: peer.closed, 30) == 4401
    assert edges[1] <= time.time()


async def test_time_goes_on_for_open_sockets_while_the_store_is_away(node, store_away):
    now = time.time()
    steps = (Step(int(now) - 60, 5, 3, BOTH, frozenset({"L1"})), Step(int(now) + 2, 0, 0, frozenset(), frozenset()))
    peer = Peer(make_token(Scope(uuid.uuid4().hex, GROUP, 1, steps)))
    await peer.heard("welcome")
    store_away()
    assert await until(lambda: peer.closed) == 4401


async def test_a_node_that_starts_while_it_is_drained_takes_nobody(settings, tmp_path, scope):
    settings.TOKEN_JWKS = str(tmp_path / "jwks.json")
    (tmp_path / "jwks.json").write_text(json.dumps(jwks()))
    settings.NODE_ID = "drained-1"
    await redis_async().set(keyspace.draining("drained-1"), "1", ex=60)
    process = current_process()
    try:
        await until(lambda: process.drain.ordered)
        peer = Peer(make_token(scope))
        await peer.run
        assert peer.status == 503
    finally:
        await stop_process()


async def test_who_connects_without_a_token_is_let_wait_for_a_while(node, monkeypatch):
    monkeypatch.setattr("streaming.sockets.consumer._TOKEN_SECONDS", 0.3)
    itick = dialects()["itick"]
    waiting = Peer("", itick)
    await until(lambda: waiting.said)
    assert len(node.doorstep) == 1
    await until(lambda: waiting.closed == 4401)
    assert [one["msg"] for one in waiting.said] == ["Connected Successfully", "auth failed"]
    assert len(node.doorstep) == 0

    gone = Peer("", itick)
    gone.leave()
    await asyncio.gather(gone.run, return_exceptions=True)
    assert len(node.doorstep) == 0, "who is gone before it was let in waits no more"


async def test_a_thousand_bare_sockets_shut_the_door_for_nobody(node, monkeypatch, scope):
    monkeypatch.setattr("streaming.runtime.doorstep.MOST", 3)
    itick = dialects()["itick"]
    bare = []
    for _ in range(6):
        bare.append(Peer("", itick))
        await until(lambda: bare[-1].said)

    assert len(node.doorstep) == 3
    await until(lambda: [one.closed for one in bare] == [4401] * 3 + [None] * 3)
    comer = Peer("", itick)
    await until(lambda: comer.said)
    comer.tell({"ac": "auth", "params": make_token(scope)})
    await until(lambda: any(one.get("msg") == "authenticated" for one in comer.said))
    for one in [*bare, comer]:
        one.leave()
    await asyncio.gather(*(one.run for one in [*bare, comer]), return_exceptions=True)
    assert len(node.doorstep) == 0


async def test_a_handshake_is_answered_whatever_hangs_behind_it(node, monkeypatch, scope):
    """After a Redis that had been frozen one handshake was never answered, and its client waited for ever."""
    monkeypatch.setattr("streaming.sockets.consumer._ENTER_SECONDS", 0.05)

    async def hangs(*arguments, **named):
        await asyncio.Event().wait()

    monkeypatch.setattr(node.quota, "register_and_lookup", hangs)
    peer = Peer(make_token(scope))

    async with asyncio.timeout(5):
        await until(lambda: peer.status is not None)
    assert peer.status == 503
    peer.leave()
    await asyncio.gather(peer.run, return_exceptions=True)


async def test_an_announcement_comes_to_who_has_its_market_and_to_nobody_else(node):
    now, levels = time.time(), frozenset({"L1"})
    of_cn = Scope(uuid.uuid4().hex, GROUP, 1, (Step(int(now) - 60, 5, 3, frozenset({"CN"}), levels),))
    of_both = Scope(uuid.uuid4().hex, GROUP, 1, (Step(int(now) - 60, 5, 3, BOTH, levels),))
    mainland, both = Peer(make_token(of_cn)), Peer(make_token(of_both))
    await mainland.heard("welcome")
    await both.heard("welcome")
    message = {"kind": "announcement", "group": "", "told": EXAMPLE}

    await node.control.tell(message)
    await node.control.tell({**message, "told": {**EXAMPLE, "market": None, "id": 13, "update": 32}})

    assert (await both.heard("announcement", 30))["text"]["zh"] == "行情推送延迟数秒。"
    assert (await mainland.heard("announcement", 30))["update"] == 32
