"""A small real WebSocket server that speaks docs/protocol.md as far as clients need it, and does what a test tells it.

`Tape` is what the nodes of a group share: the windows of each lane, with an epoch, trimmed where a test says so.
`ScriptedNode` serves it: welcome, subscribe with `since` and `epoch`, paced replays that live frames of other symbols
come between, `resumed`, draining, refusals. Symbols of one window go out in another order each time: a cut falls
anywhere between them.
"""

import asyncio
import contextlib
import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Self

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from streaming.client.lanes import lane_of

TOKEN = "good-token"
UNIVERSE = ("600519.SH", "000001.SZ", "510300.SH", "00700.HK", "09988.HK", "TEST.CN")
SPARSE = "600000.SH"  # moves about once in 60 windows
FIRST_SEQ = 1_181_986_801


def iso(seq: int) -> str:
    return datetime.fromtimestamp(seq * 1.5, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class Lane:
    def __init__(self, name: str) -> None:
        self.name, self.epoch, self.seq = name, f"e1-{name}", FIRST_SEQ
        self.windows: list[tuple[int, dict[str, dict[str, Any]]]] = []

    @property
    def first(self) -> int | None:
        return self.windows[0][0] if self.windows else None

    def after(self, seq: int) -> list[tuple[int, dict[str, dict[str, Any]]]]:
        return [window for window in self.windows if window[0] > seq]


class Tape:
    """The windows of a node group, and all that was ever on it."""

    def __init__(self, seed: int = 0) -> None:
        self.lanes = {name: Lane(name) for name in ("CN", "HK", "TEST")}
        self.nodes: list[ScriptedNode] = []
        self.written: dict[tuple[str, str], list[int]] = {}  # (epoch, symbol) -> every seq, in order
        self._chance = random.Random(seed)

    def write(self, windows: int = 1, lanes: Iterable[str] = ("CN", "HK", "TEST")) -> None:
        """Write so many windows of each lane and send them live."""
        for _ in range(windows):
            for lane in map(self.lanes.__getitem__, lanes):
                lane.seq += 1
                bars = {}
                for symbol in (*UNIVERSE, SPARSE):
                    if lane_of(symbol) != lane.name or (symbol == SPARSE and self._chance.random() > 1 / 60):
                        continue
                    price = round(10 + self._chance.random(), 2)
                    bars[symbol] = dict.fromkeys(("open", "high", "low", "close"), price) | {
                        "volume": 100, "amount": 100 * price, "timestamp": iso(lane.seq),
                    }  # fmt: skip
                    self.written.setdefault((lane.epoch, symbol), []).append(lane.seq)
                lane.windows.append((lane.seq, bars))
                for node in self.nodes:
                    node.publish(lane.name, lane.seq, bars)

    async def run(self, every_s: float) -> None:
        while True:
            self.write()
            await asyncio.sleep(every_s)

    def trim(self, lane: str, keep: int) -> None:
        del self.lanes[lane].windows[:-keep]

    def new_epoch(self, name: str, epoch: str, *, back_to: int | None = None, tell: bool = True) -> None:
        """The lane's stream was lost, or its clock goes back to `back_to`."""
        lane = self.lanes[name]
        lane.epoch, lane.windows = epoch, []
        if back_to is not None:
            lane.seq = back_to
        if tell:
            for node in self.nodes:
                node.tell({"type": "status", "market": name, "state": "open", "until": None, "epoch": epoch})


class Peer:
    """One connection at a node; all it is sent goes through one queue, in order."""

    def __init__(self, socket: ServerConnection, node: "ScriptedNode") -> None:
        self.socket, self.node = socket, node
        self.live: set[str] = set()
        self.following: set[str] = set()
        self.queue: asyncio.Queue[str] = asyncio.Queue()
        self.tasks: set[asyncio.Task[None]] = set()

    def send(self, message: dict[str, Any]) -> None:
        self.queue.put_nowait(json.dumps(message, separators=(",", ":")))

    def bars(self, seq: int, bars: dict[str, dict[str, Any]], symbols: set[str]) -> None:
        order = [symbol for symbol in bars if symbol in symbols]
        self.node.chance.shuffle(order)
        for symbol in order:
            self.send({"type": "kline", "symbol": symbol, "seq": seq, "data": bars[symbol]})

    async def write(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self.socket.send(await self.queue.get())

    def begin(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def asked(self, message: dict[str, Any]) -> None:
        if message["action"] == "unsubscribe":
            removed = [symbol for symbol in message["symbols"] if symbol in self.following]
            self.following -= set(removed)
            self.live -= set(removed)
            self.send({"type": "unsubscribed", "removed": removed, "current": sorted(self.following), "rejected": [],
                       "quota": {"used": len(self.following), "max_subs": 50}})  # fmt: skip
        elif message["action"] == "subscribe":
            self._subscribe(message)

    def _subscribe(self, message: dict[str, Any]) -> None:
        if self.node.answers_once:
            code = self.node.answers_once.pop(0)
            self.send({"type": "error", "code": code, "message": f"{code}, says the test"})
            return
        known = (*UNIVERSE, SPARSE)
        wanted = [
            symbol.upper().replace("700.HK", "00700.HK") if symbol == "700.HK" else symbol
            for symbol in message["symbols"]
        ]
        granted = [symbol for symbol in wanted if symbol in known]
        rejected = [
            {"symbol": one, "reason": "unknown_symbol", "message": "no feed carries it"}
            for one in wanted
            if one not in known
        ]
        added = [symbol for symbol in granted if symbol not in self.following]
        self.following |= set(granted)
        answer = {"type": "subscribed", "added": added, "current": sorted(self.following), "rejected": rejected,
                  "quota": {"used": len(self.following), "max_subs": 50}}  # fmt: skip
        since = message.get("since")
        replays = []
        if since is not None:
            answer["resume"] = {}
            for name in sorted({lane_of(symbol) for symbol in granted}):
                from_seq = since.get(name) if isinstance(since, dict) else since
                if from_seq is None:
                    continue
                answer["resume"][name] = told = self._resume(name, from_seq, message.get("epoch", {}).get(name))
                if told["recovered"]:
                    replays.append((name, from_seq, {symbol for symbol in granted if lane_of(symbol) == name}))
        self.send(answer)
        replaying = set[str]().union(*(symbols for _, _, symbols in replays))
        self.live = (self.live | set(granted)) - replaying
        for replay in replays:
            self.begin(self._replay(*replay))

    def _resume(self, name: str, since: int, epoch: str | None) -> dict[str, Any]:
        lane = self.node.tape.lanes[name]
        refused = {"recovered": False, "epoch": lane.epoch, "since": since, "first": lane.first}
        if epoch is not None and epoch != lane.epoch:
            return refused | {"reason": "epoch_changed"}
        if lane.first is None:
            return refused | {"reason": "no_stream"}
        if since < lane.first - 1:
            return refused | {"reason": "trimmed"}
        if since > lane.seq:
            return refused | {"reason": "ahead"}
        return {"recovered": True, "epoch": lane.epoch, "since": since}

    async def _replay(self, name: str, since: int, symbols: set[str]) -> None:
        lane = self.node.tape.lanes[name]
        while windows := lane.after(since)[:10]:
            for seq, bars in windows:
                self.bars(seq, bars, symbols & self.following)
            since = windows[-1][0]
            await asyncio.sleep(0.002)
        # Nothing is awaited from here: what is written next is live.
        self.live |= symbols & self.following
        self.send({"type": "resumed", "market": name, "seq": lane.seq})


class ScriptedNode:
    """A node on 127.0.0.1; `url` is its stream, `asked` every subscribe it was sent.

    Args:
        port: 0 for any; a node that was killed may come back at its old one.
    """

    def __init__(
        self, tape: Tape, name: str = "test-1", *, port: int = 0, slow_health_s: float = 0.0, seed: int = 0
    ) -> None:
        self.tape, self.name, self.port = tape, name, port
        self.slow_health_s = slow_health_s
        self.chance = random.Random(seed)
        self.peers: set[Peer] = set()
        self.connects = 0
        self.asked: list[dict[str, Any]] = []
        self.refusals: list[
            tuple[int, dict[str, Any], dict[str, str]]
        ] = []  # (status, body, headers) of the next upgrades
        self.answers_once: list[str] = []  # error codes for the next subscribes
        self.welcome_epochs = True

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws/stock"

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._talk, "127.0.0.1", self.port, process_request=self._before, select_subprotocol=self._subprotocol,
            compression=None, ping_interval=None, close_timeout=1,
        )  # fmt: skip
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        self.tape.nodes.append(self)
        return self

    async def __aexit__(self, *error: object) -> None:
        self.kill()
        self._server.close()
        await self._server.wait_closed()

    # -- what a test does ----------------------------------------------------------------------------------------

    def kill(self) -> None:
        """As if the process had died: no close frame, nobody listens."""
        if self in self.tape.nodes:
            self.tape.nodes.remove(self)
        self._server.close(close_connections=False)
        for peer in list(self.peers):
            peer.socket.transport.abort()

    async def close_all(self, code: int, reason: str = "") -> None:
        await asyncio.gather(*(peer.socket.close(code, reason) for peer in list(self.peers)))

    def tell(self, message: dict[str, Any]) -> None:
        for peer in self.peers:
            peer.send(message)

    def publish(self, lane: str, seq: int, bars: dict[str, dict[str, Any]]) -> None:
        for peer in self.peers:
            peer.bars(seq, bars, peer.live)

    # -- the server ----------------------------------------------------------------------------------------------

    async def _before(self, socket: ServerConnection, request: Request) -> Response | None:
        if request.path == "/healthz":
            await asyncio.sleep(self.slow_health_s)
            return self._json(200, {"status": "ok", "draining": False})
        if request.path == "/v1/usage":
            return self._json(*(self.refusals[0] if self.refusals else (200, {"used": 0}, {})))
        if self.refusals:
            return self._json(*self.refusals.pop(0))
        sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
        offered = request.headers.get("Sec-WebSocket-Protocol", "").split(", ")
        if TOKEN not in (sent, offered[-1]):
            return self._json(401, {"code": "token_invalid", "message": "the token is not ours"})
        return None

    def _json(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
        text = json.dumps(body).encode()
        more = {"Content-Type": "application/json", "Content-Length": str(len(text)), "Connection": "close",
                "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "Authorization"}  # fmt: skip
        return Response(status, "Test", Headers(more | (headers or {})), text)

    @staticmethod
    def _subprotocol(_socket: ServerConnection, offered: Iterable[str]) -> str | None:
        return "bearer" if "bearer" in offered else None

    async def _talk(self, socket: ServerConnection) -> None:
        peer = Peer(socket, self)
        self.connects += 1
        epochs = {name: lane.epoch for name, lane in self.tape.lanes.items()} if self.welcome_epochs else {}
        peer.send({"type": "welcome", "node": self.name, "server_time": iso(FIRST_SEQ), "epoch": epochs,
                   "quota": {"used": 0, "max_subs": 50, "max_conns": 3, "steps": []},
                   "markets": {"CN": {"state": "open", "until": None}}})  # fmt: skip
        self.peers.add(peer)
        peer.begin(peer.write())
        try:
            async for text in socket:
                message = json.loads(text)
                if message["action"] == "subscribe":
                    self.asked.append(message)
                peer.asked(message)
        except ConnectionClosed:
            pass
        finally:
            self.peers.discard(peer)
            for task in list(peer.tasks):
                task.cancel()


def faults(
    handed_out: Iterable[tuple[str, int]], written: dict[tuple[str, str], list[int]], epochs: dict[str, str]
) -> dict[str, int]:
    """Compare what a client handed out, (symbol, seq) in order, with what was written; count what is wrong.

    A symbol's bars count from its first to its last: where it began and where the test ended is chance.
    """
    by_symbol: dict[str, list[int]] = {}
    for symbol, seq in handed_out:
        by_symbol.setdefault(symbol, []).append(seq)
    found = {"missing": 0, "duplicate": 0, "reordered": 0, "bars": 0}
    for symbol, seqs in by_symbol.items():
        due = [seq for seq in written[epochs[lane_of(symbol)], symbol] if seqs[0] <= seq <= max(seqs)]
        found["bars"] += len(seqs)
        found["missing"] += len(set(due) - set(seqs))
        found["duplicate"] += len(seqs) - len(set(seqs))
        found["reordered"] += sum(after < before for before, after in pairwise(seqs))
    return found
