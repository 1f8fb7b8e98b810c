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
MOST_TRIES = 3  # to have what is left of a resume
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
    """What is on its way to the node; `tries` counts from the second one that asks for the rest of a resume."""

    action: str
    symbols: tuple[str, ...]
    since: dict[str, int | str]
    tries: int = 0


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
    formed: dict[Track, tuple[str, int]] = field(default_factory=dict)  # longer intervals: (opened at, seq)
    broken_off: bool = False  # one of the replays under way was
    tries: int = 0  # how often the rest of one was asked for

    def forget(self) -> None:
        """Begin a new time line: nothing of the old one compares."""
        self.newest, self.ahead = None, False
        self.last.clear()
        self.floor.clear()
        self.formed.clear()

    def cursor(self) -> int | None:
        """Return the seq up to which every followed track is complete; None where nothing has been seen."""
        if not self.floor:
            return None
        lowest = min(self.floor.values())
        settled = self.newest is not None and not self.replays and not self.asked_again
        return max(lowest, self.newest - REACH) if settled and self.newest is not None else lowest


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
            lane.replays, lane.asked_again, lane.ahead, lane.until, lane.broken_off = 0, 0, False, None, False
            if away_too_long and cursor is not None:
                gaps.append(Gap(lane.name, cursor, None, "away_too_long"))
                lane.floor.clear()
            elif cursor is not None:
                since[lane.name] = cursor
            elif lane.name in self._first:
                since[lane.name] = self._first[lane.name]
        # One request takes one timestamp or a seq for each lane.
        groups: dict[str | None, list[str]] = {}
        for symbol in self.wanted:
            value = since.get(lane_of(symbol))
            groups.setdefault(value if isinstance(value, str) else None, []).append(symbol)
        return [message for symbols in groups.values() for message in self._parts(symbols, since)], gaps

    def follow(self, symbols: Iterable[str]) -> list[Message]:
        """Return what to send for symbols followed from now on."""
        asked = list(symbols)
        self.wanted.update(dict.fromkeys(asked))
        return self._parts(asked, {})

    def unfollow(self, symbols: Iterable[str]) -> list[Message]:
        """Return what to send for symbols that are followed no more."""
        asked = tuple(symbols)
        self._drop(asked)
        if not asked:
            return []
        self._in_flight.append(Request("unsubscribe", asked, {}))
        return [{"action": "unsubscribe", "symbols": list(asked)}]

    def retry(self, request: Request) -> Message:
        """Return what to send for a subscribe that the node had no room for, with one more try on record."""
        return self._subscribe(request.symbols, request.since, request.tries)

    def _parts(self, symbols: list[str], since: Mapping[str, int | str]) -> list[Message]:
        return [self._subscribe(symbols[at : at + MOST_SYMBOLS], since) for at in range(0, len(symbols), MOST_SYMBOLS)]

    def _subscribe(self, symbols: Sequence[str], since: Mapping[str, int | str], tries: int = 0) -> Message:
        lanes = {lane_of(symbol) for symbol in symbols}
        asked = {name: value for name, value in since.items() if name in lanes}
        self._in_flight.append(Request("subscribe", tuple(symbols), asked, tries))
        message: Message = {"action": "subscribe", "symbols": list(symbols)}
        if asked:
            value = next(iter(asked.values()))
            message["since"] = value if isinstance(value, str) else asked
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
        track = (symbol, message.get("interval", BASE_INTERVAL))
        if track[1] != BASE_INTERVAL:
            # How a longer bar stands: the end of one and the beginning of the next come with the same window.
            stands = (message["data"]["timestamp"], seq)
            if symbol in self.wanted and stands > lane.formed.get(track, ("", 0)):
                lane.formed[track] = stands
                yield Bar.of(message)
            return
        if lane.asked_again or symbol not in self.wanted:
            return
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
        lane.broken_off = lane.broken_off or message.get("recovered") is False
        lane.until = seq if lane.until is None else min(lane.until, seq)
        if lane.replays:
            return
        until, began, broken_off = lane.until, lane.since, lane.broken_off
        lane.until, lane.since, lane.broken_off = None, None, False
        for track in self._tracks(lane):
            lane.floor[track] = max(lane.floor.get(track, until), until)
        if broken_off:
            yield from self._go_on(lane, until)
            return
        lane.newest, lane.tries = max(lane.newest or 0, until), 0
        if began is not None:
            yield Recovered(lane.name, began, until)

    def _go_on(self, lane: _Lane, until: int) -> Iterator[Outcome]:
        """Ask for the rest of a replay that the node has broken off."""
        lane.tries += 1
        if lane.tries > MOST_TRIES:
            lane.tries = 0
            yield self._lost(lane, until, None, "broken_off")
            return
        lane.newest = until
        symbols = [symbol for symbol in self.wanted if lane_of(symbol) == lane.name]
        for at in range(0, len(symbols), MOST_SYMBOLS):
            lane.asked_again += 1
            yield Send(self._subscribe(symbols[at : at + MOST_SYMBOLS], {lane.name: until}, 1))

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
        asked = request.since[lane.name]
        lane.asked_again -= request.tries > 0
        if answer.get("reason") == "store_unavailable":
            lane.asked_again += 1
            yield SendLater(Request("subscribe", tuple(symbols), {lane.name: asked}, max(1, request.tries)))
            return
        # The answer has the seq of a timestamp.
        since = asked if isinstance(asked, int) else answer.get("since", asked)
        self._first.pop(lane.name, None)
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
        if first is None or request.tries >= MOST_TRIES or not symbols:
            return
        # What there is can still be had; live frames that come before it are dropped, for it brings them too.
        lane.asked_again += 1
        for track in self._tracks(lane):
            lane.floor[track] = first - 1
        yield Send(self._subscribe(symbols, {lane.name: first - 1}, request.tries + 1))

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
                self._lanes[name].asked_again -= request.tries > 0
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
        since, formed = lane.cursor(), bool(lane.formed)
        lane.forget()
        lane.replays, lane.since, lane.until, lane.broken_off = 0, None, None, False
        if since is not None or formed:
            yield Gap(name, since, None, "epoch_changed")

    # -- small things --------------------------------------------------------------------------------------------

    def _lost(self, lane: _Lane, since: int | str, first: int | None, reason: str) -> Gap:
        lane.floor.clear()
        lane.newest = None
        return Gap(lane.name, since, first, reason)

    def _tracks(self, lane: _Lane) -> list[Track]:
        if self.intervals and BASE_INTERVAL not in self.intervals:
            return []  # nobody replays how a longer bar stood
        return [(one, BASE_INTERVAL) for one in self.wanted if lane_of(one) == lane.name]

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
            places: dict[Track, Any]
            for places in (lane.last, lane.floor, lane.formed):
                for track in [one for one in places if one[0] not in self.wanted]:
                    del places[track]
