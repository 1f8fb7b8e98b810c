"""What a client knows of its place in the stream, and what to ask for after a cut. No socket, no clock.

A lane (CN, HK, TEST) has one cursor in a request, but a cut may fall between two symbols of one window, so the place
is kept per symbol and interval, and the cursor is that of the one that is furthest behind. What a resume sends twice
for the others is dropped here: a bar is handed out once and in order, or a Gap says that it was not.
static/streaming/tickpack.js has the same class; what holds for one must hold for the other.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streaming.client.events import BASE_INTERVAL, Bar, Gap, Recovered, Said

LANES = ("CN", "HK", "TEST")
MOST_SYMBOLS = 500  # of one request; docs/protocol.md
# A symbol that says nothing (halted, or without fill) is taken to be complete up to a minute before its lane's newest
# bar; else one halted stock would have every reconnect replay the whole day.
REACH = 40
Track = tuple[str, str]  # symbol, interval
Message = dict[str, Any]


def lane_of(symbol: str) -> str:
    """Return the lane of a symbol as people write it: HSI and 700.hk are HK."""
    name = symbol.strip().upper()
    if name == "TEST.CN":
        return "TEST"
    return "HK" if name.endswith(".HK") or "." not in name else "CN"


@dataclass(frozen=True, slots=True)
class Send:
    """Send this now."""

    message: Message


@dataclass(frozen=True, slots=True)
class Request:
    """What is on its way to the node; `again`: it asks for what is left after a refused resume."""

    action: str
    symbols: tuple[str, ...]
    since: dict[str, int | str]
    again: bool = False


@dataclass(frozen=True, slots=True)
class SendLater:
    """The node's store is away: send what `Lanes.retry` makes of the request in a few seconds."""

    request: Request


Outcome = Bar | Recovered | Gap | Said | Send | SendLater


@dataclass(slots=True)
class _Lane:
    name: str
    epoch: str | None = None
    guessed: bool = False  # the clock went back, and the new epoch's name has not been told yet
    newest: int | None = None  # the highest seq of the lane on this side
    replays: int = 0  # resumes that were promised and are not finished
    since: int | str | None = None  # where the resume under way began
    until: int | None = None
    asked_again: int = 0  # requests under way whose replays bring all there is: live frames before them are dropped
    ahead: bool = False  # the node is behind us: what it sends first, we have
    last: dict[Track, int] = field(default_factory=dict)  # handed out
    floor: dict[Track, int] = field(default_factory=dict)  # complete up to here

    def forget(self) -> None:
        """Begin a new time line: nothing of the old one compares."""
        self.newest, self.ahead = None, False
        self.last.clear()
        self.floor.clear()

    def cursor(self) -> int | None:
        """Return the seq up to which every followed track is complete; None where nothing has been seen."""
        if not self.floor:
            return None
        lowest = min(self.floor.values())
        return lowest if self.replays or self.newest is None else max(lowest, self.newest - REACH)


class Lanes:
    """The followed symbols of one client and its place in each lane.

    Args:
        since: where to begin at first: a seq, an ISO timestamp, or one seq a lane; None for live.
    """

    def __init__(
        self,
        symbols: Iterable[str] = (),
        *,
        intervals: Sequence[str] = (),
        types: Sequence[str] = (),
        fill: bool = True,
        since: int | str | Mapping[str, int | str] | None = None,
    ) -> None:
        self.wanted: dict[str, None] = dict.fromkeys(symbols)
        self.intervals, self.types, self.fill = tuple(intervals), tuple(types), fill
        self._lanes = {name: _Lane(name) for name in LANES}
        self._in_flight: deque[Request] = deque()
        self._first: dict[str, int | str] = {}
        if since is not None:
            self._first = dict(since) if isinstance(since, Mapping) else dict.fromkeys(LANES, since)

    # -- what to send --------------------------------------------------------------------------------------------

    def subscribe(self, *, away_too_long: bool = False) -> tuple[list[Message], list[Gap]]:
        """Return what to send on a new connection, and the gaps that this leaves open."""
        self._in_flight.clear()
        gaps = []
        since: dict[str, int | str] = {}
        for lane in self._lanes.values():
            cursor = lane.cursor()
            lane.replays, lane.asked_again, lane.ahead, lane.until = 0, 0, False, None
            if away_too_long and cursor is not None:
                gaps.append(Gap(lane.name, cursor, None, "away_too_long"))
                lane.floor.clear()
            elif cursor is not None:
                since[lane.name] = cursor
            elif lane.name in self._first:
                since[lane.name] = self._first[lane.name]
        symbols = list(self.wanted)
        parts = [symbols[at : at + MOST_SYMBOLS] for at in range(0, len(symbols), MOST_SYMBOLS)]
        return [self._subscribe(part, since) for part in parts], gaps

    def follow(self, symbols: Iterable[str]) -> list[Message]:
        """Return what to send for symbols followed from now on."""
        asked = list(symbols)
        self.wanted.update(dict.fromkeys(asked))
        return [self._subscribe(asked[at : at + MOST_SYMBOLS], {}) for at in range(0, len(asked), MOST_SYMBOLS)]

    def unfollow(self, symbols: Iterable[str]) -> list[Message]:
        asked = tuple(symbols)
        self._drop(asked)
        if not asked:
            return []
        self._in_flight.append(Request("unsubscribe", asked, {}))
        return [{"action": "unsubscribe", "symbols": list(asked)}]

    def retry(self, request: Request) -> Message:
        return self._subscribe(request.symbols, request.since, again=request.again)

    def _subscribe(self, symbols: Sequence[str], since: Mapping[str, int | str], *, again: bool = False) -> Message:
        lanes = {lane_of(symbol) for symbol in symbols}
        asked = {name: value for name, value in since.items() if name in lanes}
        self._in_flight.append(Request("subscribe", tuple(symbols), asked, again))
        message: Message = {"action": "subscribe", "symbols": list(symbols)}
        if asked:
            texts = {value for value in asked.values() if isinstance(value, str)}
            message["since"] = texts.pop() if len(texts) == 1 and len(set(asked.values())) == 1 else asked
            message["epoch"] = {name: epoch for name in asked if (epoch := self._lanes[name].epoch)}
        if self.types:
            message["types"] = list(self.types)
        if self.intervals:
            message["intervals"] = list(self.intervals)
        if not self.fill:
            message["fill"] = False
        return message

    # -- what came -----------------------------------------------------------------------------------------------

    def take(self, message: Message) -> Iterator[Outcome]:
        """Return what a message means: a bar to hand out or nothing, what to tell, what to send."""
        match message.get("type"):
            case "kline":
                yield from self._bar(message)
            case "resumed":
                yield from self._resumed(message)
            case "subscribed":
                yield Said(message)
                yield from self._subscribed(message)
            case "unsubscribed":
                self._answered("unsubscribe")
                coming = {one for asked in self._in_flight if asked.action == "subscribe" for one in asked.symbols}
                self._drop(one for one in message["removed"] if one not in coming)
                yield Said(message)
            case "quota_changed":
                self._drop(message.get("dropped", ()))
                yield Said(message)
            case "error":
                yield Said(message)
                yield from self._error(message)
            case "welcome" | "heartbeat":
                for name, epoch in message.get("epoch", {}).items():
                    yield from self._epoch(name, epoch)
                yield Said(message)
            case "status" if "epoch" in message:
                yield from self._epoch(message["market"], message["epoch"])
                yield Said(message)
            case _:
                yield Said(message)

    def _bar(self, message: Message) -> Iterator[Outcome]:
        symbol, seq = message["symbol"], message["seq"]
        lane = self._lanes[lane_of(symbol)]
        if lane.asked_again or symbol not in self.wanted:
            return
        track = (symbol, message.get("interval", BASE_INTERVAL))
        last = lane.last.get(track)
        if last is not None and seq <= last:
            if lane.replays or lane.ahead or seq > last - REACH:
                return  # we have it
            # Older than anything we asked for, and `seq` only rises within an epoch: this is another one.
            lane.forget()
            lane.guessed = True
            yield Gap(lane.name, last, seq, "clock_went_back")
        if not lane.replays and (lane.newest is None or seq > lane.newest):
            for one in self._tracks(lane):
                lane.floor.setdefault(one, seq - 1)
        lane.newest = seq if lane.newest is None else max(lane.newest, seq)
        lane.last[track] = lane.floor[track] = seq
        yield Bar.of(message)

    def _resumed(self, message: Message) -> Iterator[Outcome]:
        lane, seq = self._lanes.get(message["market"]), message["seq"]
        if lane is None or not lane.replays:
            return
        lane.replays -= 1
        lane.until = seq if lane.until is None else min(lane.until, seq)
        if lane.replays:
            return
        for track in self._tracks(lane):
            lane.floor[track] = max(lane.floor.get(track, lane.until), lane.until)
        lane.newest = max(lane.newest or 0, lane.until)
        began, lane.since = lane.since, None
        if began is not None:
            yield Recovered(lane.name, began, lane.until)

    def _subscribed(self, message: Message) -> Iterator[Outcome]:
        request = self._answered("subscribe")
        leaving = {one for left in self._in_flight if left.action == "unsubscribe" for one in left.symbols}
        for symbol in request.symbols:
            self.wanted.pop(symbol, None)  # as it was written, or refused
        self.wanted.update({one: None for one in message["current"] if one not in leaving})
        self._prune()
        resume = message.get("resume", {})
        refused = {row["symbol"] for row in message["rejected"]}
        for name, since in request.since.items():
            symbols = [one for one in request.symbols if lane_of(one) == name and one not in refused]
            if name in resume:
                yield from self._answer_of(self._lanes[name], resume[name], request, symbols)
            elif symbols:
                yield self._lost(self._lanes[name], since, None, "unanswered")

    def _answer_of(
        self, lane: _Lane, answer: Mapping[str, Any], request: Request, symbols: list[str]
    ) -> Iterator[Outcome]:
        since = request.since[lane.name]
        self._first.pop(lane.name, None)
        lane.asked_again -= request.again
        epoch = answer.get("epoch") or lane.epoch
        other = lane.epoch is not None and epoch != lane.epoch
        lane.epoch, lane.guessed = epoch, False
        if other:
            lane.forget()
        if answer["recovered"]:
            if other:  # it cannot be whole, whatever it is called
                yield Gap(lane.name, since, None, "epoch_changed")
            lane.replays, lane.since = lane.replays + 1, since
            if isinstance(since, int):
                for track in self._tracks(lane):
                    lane.floor[track] = max(lane.floor.get(track, since), since)
            return
        first, reason = answer.get("first"), answer.get("reason", "unknown")
        lane.ahead = reason in ("ahead", "no_stream")
        if lane.ahead:
            yield Gap(lane.name, since, first, reason)
            return
        yield self._lost(lane, since, first, reason)
        if first is None or request.again or not symbols:
            return
        # What there is can still be had; live frames that come before it are dropped, for it brings them too.
        lane.asked_again += 1
        for track in self._tracks(lane):
            lane.floor[track] = first - 1
        yield Send(self._subscribe(symbols, {lane.name: first - 1}, again=True))

    def _error(self, message: Message) -> Iterator[Outcome]:
        """An error answers the oldest request: the node answers in order, and we ask for nothing else."""
        code = message.get("code")
        if not self._in_flight or self._in_flight[0].action != "subscribe":
            return
        if code == "unavailable":
            yield SendLater(self._in_flight.popleft())
        elif code == "unsupported" and self._in_flight[0].since:
            request = self._in_flight.popleft()
            for name, since in request.since.items():
                self._first.pop(name, None)
                self._lanes[name].asked_again -= request.again
                yield self._lost(self._lanes[name], since, None, "unsupported")
            yield Send(self._subscribe(request.symbols, {}))
        else:
            self._in_flight.popleft()

    def _epoch(self, name: str, epoch: str) -> Iterator[Outcome]:
        lane = self._lanes.get(name)
        if lane is None or epoch == lane.epoch:
            return
        if any(name in request.since for request in self._in_flight):
            return  # the answer tells; until then the old name is what we have
        known, lane.epoch = lane.epoch, epoch
        if lane.guessed or known is None:
            lane.guessed = False
            return
        since = lane.cursor()
        lane.forget()
        lane.replays, lane.since = 0, None
        if since is not None:
            yield Gap(name, since, None, "epoch_changed")

    # -- small things --------------------------------------------------------------------------------------------

    def _lost(self, lane: _Lane, since: int | str, first: int | None, reason: str) -> Gap:
        lane.floor.clear()
        lane.newest = None
        return Gap(lane.name, since, first, reason)

    def _tracks(self, lane: _Lane) -> list[Track]:
        intervals = self.intervals or (BASE_INTERVAL,)
        return [(one, interval) for one in self.wanted if lane_of(one) == lane.name for interval in intervals]

    def _answered(self, action: str) -> Request:
        if self._in_flight and self._in_flight[0].action == action:
            return self._in_flight.popleft()
        return Request(action, (), {})

    def _drop(self, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            self.wanted.pop(symbol, None)
        self._prune()

    def _prune(self) -> None:
        for lane in self._lanes.values():
            for places in (lane.last, lane.floor):
                for track in [one for one in places if one[0] not in self.wanted]:
                    del places[track]
