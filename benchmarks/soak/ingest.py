"""Part `ingest`: whatever dies, every share that a made-up exchange traded is in the stream and in history once.

Two lines push an exchange whose totals are known (benchmarks/soak/exchange.py) into a market as it is deployed
(benchmarks/soak/stack.py), while what a seed chose goes wrong (benchmarks/soak/chaos.py).
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

import redis

from benchmarks.soak.chaos import FULL, SHORT, SOURCES, Size, faults
from benchmarks.soak.exchange import Exchange
from benchmarks.soak.ground import Ground
from benchmarks.soak.report import Figure
from benchmarks.soak.sender import acknowledged
from benchmarks.soak.stack import LANE, Stack
from streaming.errors import StoreUnavailable
from streaming.records.window import end_ms
from streaming.reference import directory
from streaming.store.lanes import LaneStore

SYMBOLS, SEED = 80, 11
_SETTLE_S = 150.0  # a minute ends, workers start, senders try again
_EXCUSED_MS = 1_300  # before a second was lost, an acknowledgement may be lost with it: 1 s, and how often we look
_PAGE = 500

Sums = dict[str, tuple[int, int]]  # symbol -> volume, turnover


@dataclass
class Streamed:
    """What the stream holds, over all epochs: each bar by (epoch, symbol, seq), and each epoch's windows."""

    sums: Sums = field(default_factory=dict)
    bars: dict[tuple[str, str, int], tuple[int, int]] = field(default_factory=dict)
    windows: dict[str, set[int]] = field(default_factory=dict)


@dataclass
class Heard:
    """What is wrong with what a client noted, and what it was told."""

    bars: int = 0
    wrong: int = 0  # another volume or turnover than the stream's
    double: int = 0
    missing: int = 0  # between two bars of a time without a gap
    lost: int = 0  # bars that the store has lost since, of an epoch that was told to have ended
    gaps: int = 0
    recovered: int = 0


def run(ground: Ground, *, short: bool, seed: int = SEED, size: Size | None = None) -> list[Figure]:
    """Let a day of faults pass; say what is not as it was traded."""
    size = size or (SHORT if short else FULL)
    symbols = [one.symbol for one in directory().in_lane(LANE) if one.kind == "stock"][:SYMBOLS]
    stack = Stack(ground, seed=seed, size=size, symbols=symbols)
    try:
        stack.start()
        stack.run(faults(seed, size))
        began = time.monotonic()
        while not _is_settled(stack, seed) and time.monotonic() - began < _SETTLE_S:
            stack.look()
            time.sleep(0.5)
        settled_s = time.monotonic() - began
        return [*_figures(stack, seed), Figure("ingest", "settled after s", round(settled_s, 1))]
    finally:
        stack.stop()


def _traded(stack: Stack, seed: int) -> Sums:
    exchange = Exchange(seed, stack.often, stack.once, opens_ms=stack.opens_ms, ends_ms=stack.ends_ms)
    exchange.go_on_to(stack.ends_ms)
    return {symbol: (total.volume, total.turnover_e4) for symbol, total in exchange.totals.items()}


def _excused(stack: Stack) -> set[str]:
    """Return what was told once, and acknowledged within the second that the store lost then."""
    told = [one for source in SOURCES for one in acknowledged(stack.acknowledged(source))]
    return {symbol for symbol, at_ms in told if any(0 <= lost - at_ms <= _EXCUSED_MS for lost in stack.done.lost_ms)}


def differing(traded: Mapping[str, tuple[int, int]], found: Mapping[str, tuple[int, int]]) -> list[str]:
    """Return the instruments whose volume or turnover is not what was traded."""
    return sorted(
        symbol for symbol in {*traded, *found} if traded.get(symbol, (0, 0)) != found.get(symbol, (0, 0))
    )  # fmt: skip


def _is_settled(stack: Stack, seed: int) -> bool:
    traded, excused = _traded(stack, seed), _excused(stack)
    try:
        kept = streamed(LaneStore(stack.client, LANE)).sums
        return not {*differing(traded, kept), *differing(traded, _stored(stack))} - excused
    except (StoreUnavailable, redis.RedisError, OSError):
        return False


def streamed(store: LaneStore) -> Streamed:
    """Return what a lane's stream holds."""
    found = Streamed()
    for epoch in store.epochs():
        after_ms, seqs = 0, found.windows.setdefault(epoch, set())
        while page := store.read(epoch, after_ms, _PAGE):
            after_ms = end_ms(page[-1].seq)
            for window in page:
                seqs.add(window.seq)
                for bar in window.bars:
                    if bar.volume:
                        found.bars[epoch, bar.symbol, window.seq] = (bar.volume, bar.turnover_e4)
                    _add(found.sums, bar.symbol, bar.volume, bar.turnover_e4)
                for symbol, _, volume, turnover_e4 in window.corrections:
                    _add(found.sums, symbol, volume, turnover_e4)
    return found


def _add(sums: Sums, symbol: str, volume: int, turnover_e4: int) -> None:
    before = sums.get(symbol, (0, 0))
    sums[symbol] = (before[0] + volume, before[1] + turnover_e4)


def _stored(stack: Stack) -> Sums:
    """Return the sums of history's minutes."""
    place = urlsplit(stack.history_url)
    sql = "SELECT symbol, sum(volume), sum(turnover_e4) FROM minute_bars FINAL GROUP BY symbol FORMAT JSONCompact"
    asked = urllib.request.Request(
        f"http://127.0.0.1:{place.port}/?query={quote(sql)}",
        headers={"X-ClickHouse-User": "tickpack", "X-ClickHouse-Key": place.password or ""},
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return {symbol: (int(volume), int(turnover)) for symbol, volume, turnover in json.load(answer)["data"]}


def heard(notes: Iterable[str], kept: Streamed, last_epoch: str) -> Heard:
    """Judge what a client noted (benchmarks/soak/follower.py) by what the stream holds."""
    found, epoch, piece = Heard(), "", list[tuple[str, int]]()
    seen: set[tuple[str, str, int]] = set()

    def end_of_a_piece() -> None:
        seqs = [seq for _, seq in piece]
        if seqs:
            # The windows at either end may have been told in part: what went before or after is no longer ours.
            inside = range(min(seqs) + 1, max(seqs))
            had = set(piece)
            due = {(symbol, seq) for one, symbol, seq in kept.bars if one == epoch and seq in inside}
            found.missing += len(due - had)
        piece.clear()

    for line in notes:
        kind, told_in, *more = json.loads(line)
        if kind == "recovered":
            found.recovered += 1
            continue
        if kind == "gap" or told_in != epoch:
            end_of_a_piece()
            epoch = told_in
        if kind == "gap":
            found.gaps += 1
            continue
        symbol, seq, volume, amount = more
        key = (epoch, symbol, seq)
        found.bars += 1
        found.double += key in seen
        seen.add(key)
        piece.append((symbol, seq))
        if key in kept.bars:
            found.wrong += kept.bars[key] != (volume, round(amount * 10_000))
        elif epoch != last_epoch and seq not in kept.windows.get(epoch, ()):
            found.lost += 1
        else:
            found.wrong += 1
    end_of_a_piece()
    return found


def _figures(stack: Stack, seed: int) -> list[Figure]:
    traded, excused = _traded(stack, seed), _excused(stack)
    store = LaneStore(stack.client, LANE)
    kept, stored, epochs = streamed(store), _stored(stack), store.epochs()
    client = heard(stack.notes.read_text().splitlines(), kept, epochs[-1])
    told = [("traded", traded), ("in the stream", kept.sums), ("in history", stored)]
    sums = [
        Figure("ingest", f"{what} {name}", sum(one[at] for one in of.values()))
        for name, of in told
        for at, what in enumerate(("shares", "turnover, 1/10,000"))
    ]
    once = {symbol for source in SOURCES for symbol, _ in acknowledged(stack.acknowledged(source))}
    return [
        Figure("ingest", "seed", seed),
        *(Figure("ingest", f"faults: {kind}", count) for kind, count in sorted(stack.done.counts.items())),
        Figure("ingest", "epochs", len(epochs)),
        *sums,
        Figure("ingest", "instruments traded", len(traded)),
        Figure("ingest", "told once and acknowledged", len(once), f">= {len(stack.once)}"),
        Figure("ingest", "acknowledged in a lost second", len(excused)),
        Figure("ingest", "of those lost", len(excused & set(differing(traded, kept.sums)))),
        Figure(
            "ingest", "instruments that differ in the stream", len(set(differing(traded, kept.sums)) - excused), "= 0"
        ),
        Figure("ingest", "instruments that differ in history", len(set(differing(kept.sums, stored))), "= 0"),
        Figure("ingest", "client: bars", client.bars, ">= 1"),
        Figure("ingest", "client: recoveries", client.recovered),
        Figure("ingest", "client: gaps told", client.gaps),
        Figure("ingest", "client: bars of a second that was lost", client.lost),
        Figure("ingest", "client: bars unlike the stream's", client.wrong, "= 0"),
        Figure("ingest", "client: bars double", client.double, "= 0"),
        Figure("ingest", "client: bars missing and not told", client.missing, "= 0"),
    ]
