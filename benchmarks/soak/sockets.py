"""Thousands of client sockets in one thread: what comes is stamped at once and read when the machine is quiet again.

The publisher sits in the same thread, so one clock says when a window was written and when a bar of it arrived.
"""

import gc
import heapq
import random
import re
import select
import socket
import struct
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterable

from benchmarks.soak.frames import CLOSE, PING, PONG, TEXT, Frames, frame

_NO_MASK = b"\0\0\0\0"  # a mask all the same, and the cheapest
_BAR = re.compile(rb'\x81\x7e(..)\{"type":"kline","symbol":"([^"]+)","seq":(\d+),', re.DOTALL)
_GRAIN_US, _GRAINS = 100, 100_000  # latency in tenths of a millisecond, to 10 s
NEW, DIALLING, ASKING, WAITING, OPEN, GONE = range(6)


class Client:
    """One socket: its request, the text that follows the welcome, and what it has got."""

    __slots__ = (
        "again", "close", "first", "frames", "head", "last", "request", "resuming", "seq", "socket", "state", "stuck",
        "symbols", "watched",
    )  # fmt: skip

    def __init__(self, request: bytes, symbols: tuple[str, ...], first: bytes) -> None:
        self.request, self.first = request, first
        self.symbols = frozenset(symbol.encode() for symbol in symbols)
        self.state, self.socket, self.frames, self.head = NEW, socket.socket(), Frames(), b""
        self.socket.close()
        self.close: int | None = None  # the code of a close frame
        self.stuck = False  # reads no more
        self.watched = True  # whether its latency counts
        self.seq = 0  # that every symbol has come to; 0 where they differ
        self.last: dict[bytes, int] = {}  # symbol -> newest seq
        self.again = 0.0  # seconds to wait before the next try
        self.resuming = False  # bars that it has come again until the replay is over


class Sockets:
    """See the module.

    Args:
        receive_bytes: size of the clients' kernel buffers; 0: the system's own.
    """

    def __init__(self, port: int, clients: Iterable[Client], *, receive_bytes: int = 0, seed: int = 1) -> None:
        self.port, self.all, self._receive_bytes = port, list(clients), receive_bytes
        self.sent_ns: dict[int, int] = {}  # of the market: seq -> when it was written
        self.lost = self.closed = self.refused = self.missing = self.again = self.bars = 0
        self.complaints: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.latency = array("Q", bytes(8 * _GRAINS))
        self.recording = False
        self.reconnecting = False  # whether a connection that goes is made again
        self._poll = select.epoll()
        self._by_fd: dict[int, Client] = {}
        self._log: list[tuple[Client, int, bytes]] = []
        self._due: list[tuple[float, int, Client]] = []
        self._chance = random.Random(seed)
        self._order = 0

    # -- connections -------------------------------------------------------------------------------------------

    def open(self) -> int:
        return sum(client.state == OPEN for client in self.all)

    def connect(self, *, at_a_time: int = 64, seconds: float = 120) -> float:
        """Connect everybody, some at a time; return how long that took."""
        began, waiting, under_way = time.monotonic(), list(reversed(self.all)), set[Client]()
        while (waiting or under_way) and time.monotonic() - began < seconds:
            while waiting and len(under_way) < at_a_time:
                client = waiting.pop()
                under_way.add(client)
                self._dial(client)
            self.poll(0.1)
            self.digest()  # who is connected already is asked for signs of life
            under_way = {one for one in under_way if one.state not in (OPEN, GONE)}
        return time.monotonic() - began

    def _dial(self, client: Client) -> None:
        client.socket = socket.socket()
        client.socket.setblocking(False)
        if self._receive_bytes:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_bytes)
        client.state, client.frames, client.head, client.close = DIALLING, Frames(), b"", None
        client.socket.connect_ex(("127.0.0.1", self.port))
        self._by_fd[client.socket.fileno()] = client
        self._poll.register(client.socket, select.EPOLLOUT)

    def cut_all(self) -> None:
        """Reset every connection; all come back as a program would: at random within half a second."""
        self.digest()
        for client in self.all:
            if client.state != GONE:
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._drop(client)
            client.again = 0.5
            self._come_again(client)

    def _come_again(self, client: Client, at_least: float = 0.0) -> None:
        self._order += 1
        due = time.monotonic() + at_least + self._chance.random() * client.again
        client.again = min(20.0, client.again * 2)
        heapq.heappush(self._due, (due, self._order, client))

    def _drop(self, client: Client) -> None:
        if client.state not in (NEW, GONE):
            self._by_fd.pop(client.socket.fileno(), None)
            self._poll.unregister(client.socket)
            client.socket.close()
        client.state = GONE

    def _gone(self, client: Client, why: str, at_least: float = 0.0) -> None:
        was_open = client.state == OPEN
        self._drop(client)
        if client.stuck:
            return
        if self.reconnecting:
            self._come_again(client, at_least)
        elif was_open:
            self.lost += 1
            self.complaints[why] += 1
        else:
            self.refused += 1
        if not was_open:
            self.refusals[why] += 1

    def stop_reading(self, count: int) -> None:
        for client in self.all[:count]:
            client.stuck = True
            self._poll.modify(client.socket, 0)

    def close(self) -> None:
        for client in self.all:
            self._drop(client)
        self._poll.close()

    # -- bytes -------------------------------------------------------------------------------------------------

    def poll(self, seconds: float) -> int:
        """Take what comes within a time, or at once what is there; return how many pieces."""
        while self._due and self._due[0][0] <= time.monotonic():
            self._dial(heapq.heappop(self._due)[2])
        pieces = 0
        for fd, events in self._poll.poll(max(0.0, seconds), 8192):
            client = self._by_fd.get(fd)
            if client is None:
                continue
            if client.state == OPEN and not client.stuck:
                try:
                    data = client.socket.recv(262_144)
                except OSError as error:
                    self.digest()
                    self._gone(client, type(error).__name__)
                    continue
                if data:
                    self._log.append((client, time.monotonic_ns(), data))
                    pieces += 1
                else:
                    self.digest()
                    self._gone(client, f"closed {client.close or 'without a word'}")
            elif client.stuck:
                self._gone(client, "stuck")
            else:
                self._shake_hands(client, events)
        return pieces

    def _shake_hands(self, client: Client, events: int) -> None:
        try:
            if client.state == DIALLING:
                client.socket.send(client.request)
                client.state = ASKING
                self._poll.modify(client.socket, select.EPOLLIN)
                return
            data = client.socket.recv(65_536)
        except OSError as error:
            self._gone(client, type(error).__name__)
            return
        if not data:
            self._gone(client, f"refused: {client.head[9:12].decode(errors='replace')}")
            return
        if client.state == ASKING:
            client.head += data
            head, ended, data = client.head.partition(b"\r\n\r\n")
            if not ended:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                told = re.search(rb"(?i)retry-after: (\d+)", head)
                self._gone(client, f"refused: {head[9:12].decode()}", float(told[1]) if told else 0.0)
                return
            client.state = WAITING
        self._greet(client, data)

    def _greet(self, client: Client, data: bytes) -> None:
        for opcode, body in client.frames.feed(data):
            if opcode == TEXT and body.startswith(b'{"type":"welcome"'):
                client.socket.send(frame(self._request_of(client), mask=_NO_MASK))
            elif opcode == TEXT and body.startswith(b'{"type":"subscribed"'):
                client.state = OPEN
                client.again = 0.5
            else:
                self._take(client, opcode, body, time.monotonic_ns())

    def _request_of(self, client: Client) -> bytes:
        since = client.seq or min(client.last.values(), default=0)
        if not since:
            return client.first
        client.resuming = True
        return client.first[:-1] + b',"since":%d}' % since

    # -- what it says ------------------------------------------------------------------------------------------

    def run(self, until: float, publish: Callable[[], object] | None = None) -> None:
        """Take what comes until then (monotonic), reading it whenever nothing does; first publish a window."""
        if publish is not None:
            publish()
        while (left := until - time.monotonic()) > 0:
            if not self.poll(min(left, 0.03)) and self._log:
                self.digest()

    def digest(self) -> None:
        """Read what has come."""
        log, self._log = self._log, []
        for client, now, data in log:
            if client.frames.rest or not self._take_round(client, now, data):
                for opcode, body in client.frames.feed(data):
                    self._take(client, opcode, body, now)

    def _take_round(self, client: Client, now: int, data: bytes) -> bool:
        """Take bytes that are one whole window of a client that has missed nothing: nearly all are."""
        rows = _BAR.findall(data)
        if len(rows) != len(client.symbols) or not client.seq:
            return False
        expected = b"%d" % (client.seq + 1)
        if sum(int.from_bytes(size, "big") + 4 for size, _, _ in rows) != len(data):
            return False
        if any(seq != expected for _, _, seq in rows) or {symbol for _, symbol, _ in rows} != client.symbols:
            return False
        client.seq += 1
        client.last.clear()  # read anew where needed: `seq` says it all
        self._arrived(client, client.seq, now, len(rows))
        return True

    def _arrived(self, client: Client, seq: int, now: int, count: int) -> None:
        self.bars += count
        if self.recording and client.watched and (sent := self.sent_ns.get(seq)):
            self.latency[min(_GRAINS - 1, (now - sent) // 1000 // _GRAIN_US)] += count

    def _take(self, client: Client, opcode: int, body: bytes, now: int) -> None:
        if opcode == TEXT and body.startswith(b'{"type":"kline"'):
            self._bar(client, body, now)
        elif opcode == TEXT and body.startswith(b'{"type":"resumed"'):
            client.resuming = False
        elif opcode == TEXT and b'"recovered":false' in body:
            self.complaints["not recovered"] += 1
        elif opcode == PING:
            client.socket.send(frame(body, PONG, mask=_NO_MASK))
        elif opcode == CLOSE:
            client.close = int.from_bytes(body[:2], "big") if body else 1005
            self.closed += 1
            self.complaints[f"close {client.close}"] += 1

    def _bar(self, client: Client, body: bytes, now: int) -> None:
        end = body.index(b'"', 26)
        symbol, seq = body[26:end], int(body[end + 8 : body.index(b",", end + 8)])
        if client.seq:
            client.last = dict.fromkeys(client.symbols, client.seq)
            client.seq = 0
        last = client.last.get(symbol)
        if last is not None and seq <= last:
            self.again += not client.resuming
            return
        if last is not None:
            self.missing += seq - last - 1
        client.last[symbol] = seq
        self._arrived(client, seq, now, 1)
        if len(client.last) == len(client.symbols) and len(set(client.last.values())) == 1:
            client.seq = seq

    # -- figures -----------------------------------------------------------------------------------------------

    def newest(self, client: Client) -> int:
        """Return the seq that all of a client's symbols have come to; 0 before that."""
        if client.seq:
            return client.seq
        return min(client.last.values()) if len(client.last) == len(client.symbols) else 0

    def measure(self) -> None:
        """Forget the latencies so far and begin to keep them."""
        self.latency = array("Q", bytes(8 * _GRAINS))
        self.recording = True

    def percentile(self, share: float) -> float:
        """Return a percentile of the latencies since `measure`, in ms; 0 where there are none."""
        return percentile(self.latency, share)


def percentile(latency: Iterable[int], share: float) -> float:
    """Return a percentile of counts by tenths of a millisecond, in ms; 0 where there are none."""
    counts = list(latency)
    total, seen = sum(counts), 0
    for grain, count in enumerate(counts):
        seen += count
        if count and seen >= total * share:
            return (grain + 1) * _GRAIN_US / 1000
    return 0.0


def quiet() -> None:
    """Keep the collector of cycles from holding up a flush of ours."""
    gc.collect()
    gc.freeze()
    gc.disable()
