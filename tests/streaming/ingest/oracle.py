"""What a live market must make of ticks, computed a second time: by SQL over the raw ticks, in sqlite.

The rule, as the SQL has it: a window is `at_ms / 1500 + 1` and takes ticks until `DELAY_MS` behind its end. Its open is
the price of the first tick that came, its close that of the last one. A tick that comes later adds volume and turnover
to the oldest window that is open then, and no price, unless it is an auction's and nothing was traded in between; a bar
without prices is flat at the price before. In minutes a late price is in the range of its own minute, and its open or
close where its window lies before the first or behind the last one that moved there. Of a trade that several lines
tell, each copy is the k-th of its line for (instrument, second, price, volume), and the k-th ones are one trade, which
came with the first of them.
"""

import random
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kernel.instruments import InstrumentId
from streaming.domain.minutes import MinuteFold
from streaming.domain.ticks import Trade
from streaming.ingest.sources import Reading
from tests.streaming.ingest.scripted import NINE_THIRTY, Scripted, calendar, live

DELAY_MS, LOOK_MS = 500, 50  # a window closes so long behind its end; the market is looked at so often
BEGINS_MS = NINE_THIRTY - 6 * 60_000  # before the auction's print

Row = tuple[
    str, int, int, int, int, int, int, int
]  # symbol, window or minute, open, high, low, close, volume, turnover


@dataclass(frozen=True, slots=True)
class Told:
    """A trade as one line told it: when it came."""

    line: str
    trade: Trade
    came_ms: int


_TOLD = "CREATE TABLE told (id INTEGER PRIMARY KEY, line, symbol, at_ms, came_ms, price, volume, turnover)"
_TRADES = """
CREATE TABLE trades AS
SELECT min(id) AS id, symbol, at_ms, came_ms, price, volume, turnover  -- sqlite: all of the row that has the least id
FROM (
    SELECT *, row_number() OVER (PARTITION BY line, symbol, at_ms / 1000, price, volume ORDER BY id) AS nth FROM told
)
GROUP BY symbol, at_ms / 1000, price, volume, nth
"""
# A look at `p` reads what has come, then closes: what it reads finds windows closed that were due at the look before.
_COUNTED = f"""
CREATE TABLE counted AS
SELECT id, symbol, price, volume, turnover, at_ms / 1500 + 1 AS own, max(at_ms / 1500 + 1, closed + 1) AS seq,
    at_ms / 1500 >= closed OR (at_ms < {NINE_THIRTY} AND closed * 1500 < {NINE_THIRTY}) AS priced,
    at_ms / 1500 >= closed AS in_time
FROM (SELECT *, ((came_ms + {LOOK_MS - 1}) / {LOOK_MS} * {LOOK_MS} - {LOOK_MS} - {DELAY_MS}) / 1500 AS closed FROM trades)
"""
_BARS = """
CREATE TABLE bars AS
WITH sums AS (
    SELECT symbol, seq, sum(volume) AS volume, sum(turnover) AS turnover FROM counted GROUP BY symbol, seq
), priced AS (
    SELECT DISTINCT symbol, seq,
        first_value(price) OVER w AS open, max(price) OVER w AS high, min(price) OVER w AS low,
        last_value(price) OVER w AS close
    FROM counted WHERE priced
    WINDOW w AS (PARTITION BY symbol, seq ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
), before AS (
    SELECT s.*, p.open, p.high, p.low, p.close, coalesce(
        (SELECT close FROM priced b WHERE b.symbol = s.symbol AND b.seq < s.seq ORDER BY b.seq DESC LIMIT 1),
        (SELECT price FROM counted c WHERE c.symbol = s.symbol AND NOT c.in_time ORDER BY c.id LIMIT 1)
    ) AS flat
    FROM sums s LEFT JOIN priced p ON p.symbol = s.symbol AND p.seq = s.seq
)
SELECT symbol, seq, coalesce(open, flat) AS open, coalesce(high, flat) AS high, coalesce(low, flat) AS low,
    coalesce(close, flat) AS close, volume, turnover
FROM before
"""
# The auction's print, at 09:25, belongs to the minute of 09:30.
_LATE = f"""
CREATE TABLE late AS
SELECT *, max((own - 1) * 1500 / 60000 * 60000, {NINE_THIRTY}) AS minute FROM counted WHERE NOT priced
"""
_MINUTES = f"""
WITH within AS (SELECT *, max((seq - 1) * 1500 / 60000 * 60000, {NINE_THIRTY}) AS minute FROM bars),
minutes AS (
    SELECT symbol, minute, min(seq) AS first, max(seq) AS last, max(high) AS high, min(low) AS low,
        sum(volume) AS volume, sum(turnover) AS turnover
    FROM within GROUP BY symbol, minute
)
SELECT m.symbol, m.minute,
    coalesce(
        (SELECT price FROM late l WHERE l.symbol = m.symbol AND l.minute = m.minute AND l.own < m.first
         ORDER BY l.own, l.id LIMIT 1),
        (SELECT open FROM bars b WHERE b.symbol = m.symbol AND b.seq = m.first)
    ),
    max(high, coalesce((SELECT max(price) FROM late l WHERE l.symbol = m.symbol AND l.minute = m.minute), high)),
    min(low, coalesce((SELECT min(price) FROM late l WHERE l.symbol = m.symbol AND l.minute = m.minute), low)),
    coalesce(
        (SELECT price FROM late l WHERE l.symbol = m.symbol AND l.minute = m.minute AND l.own > m.last
         ORDER BY l.own DESC, l.id LIMIT 1),
        (SELECT close FROM bars b WHERE b.symbol = m.symbol AND b.seq = m.last)
    ),
    volume, turnover
FROM minutes m ORDER BY m.symbol, m.minute
"""


def by_sql(told: Sequence[Told]) -> tuple[list[Row], list[Row]]:
    """Return the bars and the minutes that trades make; they are told in the order of their coming."""
    with sqlite3.connect(":memory:") as database:
        database.execute(_TOLD)
        database.executemany(
            "INSERT INTO told VALUES (?,?,?,?,?,?,?,?)",
            (
                (nth, one.line, str(one.trade.instrument), one.trade.at_ms, one.came_ms, one.trade.price_e4,
                 one.trade.volume, one.trade.turnover_e4)
                for nth, one in enumerate(told)
            ),
        )  # fmt: skip
        for step in (_TRADES, _COUNTED):
            database.execute(step)
        database.execute("CREATE INDEX by_window ON counted (symbol, seq, id)")
        database.execute(_BARS)
        database.execute("CREATE INDEX by_symbol ON bars (symbol, seq)")
        database.execute(_LATE)
        database.execute("CREATE INDEX late_by_minute ON late (symbol, minute, own)")
        bars = database.execute("SELECT * FROM bars ORDER BY symbol, seq").fetchall()
        return bars, database.execute(_MINUTES).fetchall()


def by_market(told: Sequence[Told], until_ms: int, begins_ms: int = BEGINS_MS) -> tuple[list[Row], list[Row]]:
    """Return the same of a live market, which is looked at as a worker does, and of the fold of its minutes."""
    lines = list(dict.fromkeys(one.line for one in told))
    sources = [Scripted(list(_readings(one for one in told if one.line == line)), name=line) for line in lines]
    days = calendar()
    market = live(*sources, now_ms=begins_ms, sessions=lambda: days, close_delay_ms=DELAY_MS)
    bars, minutes = list[Row](), MinuteFold()
    for now_ms in range(begins_ms, until_ms + 7_000, LOOK_MS):
        for window in market.due(now_ms):
            closed = window.closed
            for bar in closed.bars:
                prices = (bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4, bar.volume, bar.turnover_e4)
                bars.append((bar.symbol, closed.seq, *prices))
                minutes.add(days.minute_of(closed.seq), bar, closed.seq)
            for late in closed.late_prices:
                if (minute := days.minute_of(late.seq)) is not None:
                    minutes.widen(minute, (late.symbol, late.seq, late.high_e4, late.low_e4, late.last_e4))
    folded = [
        (one.symbol, one.opened_ms, one.open_e4, one.high_e4, one.low_e4, one.close_e4, one.volume, one.turnover_e4)
        for one in minutes.close_all()
    ]
    return sorted(bars), sorted(folded)


def _readings(told: Iterable[Told]) -> Iterator[Reading]:
    """Return what a line said, as it is read: everything that had come by a look at once."""
    ticks, look_ms = list[Trade](), 0
    for one in told:
        due = -(-one.came_ms // LOOK_MS) * LOOK_MS
        if due != look_ms and ticks:
            yield Reading(ticks, received_ms=look_ms)
            ticks = []
        look_ms = due
        ticks.append(one.trade)
    if ticks:
        yield Reading(ticks, received_ms=look_ms)


def in_order(told: Iterable[Told]) -> list[Told]:
    """Return what was told in the order in which a market reads it: look by look, line by line."""
    nth = enumerate(sorted(told, key=lambda one: one.came_ms))
    return [one for _, one in sorted(nth, key=lambda row: (-(-row[1].came_ms // LOOK_MS), row[1].line, row[0]))]


_WARM_MS = 150_000  # a tape beside another one is believed when 200 trades of it were compared, a minute later
_DROPPED = 0.01  # by each of two lines, after that; what the other one tells then


def day_of_trades(
    count: int, *, seed: int, minutes: int = 10, instruments: int = 300, late_ms: int = 450, lines: str = "ab"
) -> tuple[list[Told], int]:
    """Return trades from the auction's print on, and the instant of the last one.

    Args:
        late_ms: the most that a line tells a trade behind its time; up to 450 all come within the closing delay.
        lines: of a name each. The first one tells everything first until it may be believed that others tell the same;
            then each leaves some out.
    """
    chance = random.Random(seed)
    names = [InstrumentId.parse(f"{600_000 + nth}.SH") for nth in range(instruments)]
    told: list[Told] = []
    last_ms = 0
    for nth in range(count):
        begins_ms, length_ms = (BEGINS_MS + 60_000, 10) if nth < instruments // 2 else (NINE_THIRTY, minutes * 60_000)
        at_ms = begins_ms + chance.randrange(length_ms)
        last_ms = max(last_ms, at_ms)
        # A few instruments have most of the trades, of few prices and volumes: so that many are equal.
        which = int(instruments * chance.random() ** 3)
        price_e4 = 100 * (1_000 + which + chance.randrange(-5, 6))
        volume = 100 * chance.choice((1, 1, 1, 2, 5, 10, chance.randrange(1, 10_000)))
        one = Trade(names[which], at_ms, price_e4, volume, price_e4 * volume, chance.choice("BSN"))
        came_ms = at_ms + chance.randrange(late_ms)
        warm = at_ms - NINE_THIRTY > _WARM_MS
        left_out = chance.random()
        for rank, line in enumerate(lines):
            if warm and rank * _DROPPED < left_out < (rank + 1) * _DROPPED:
                continue
            later_ms = at_ms + chance.randrange(late_ms) if warm else came_ms
            told.append(Told(line, one, later_ms if rank else came_ms))
    return in_order(told), last_ms
