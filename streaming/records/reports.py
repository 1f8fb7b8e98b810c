"""What a group's processes tell the control plane: entries of the stream `reports:{group}`.

An entry has the fields `v` (the version of this form), `kind` and `body`, a JSON object. Bodies may grow by fields; a
reader ignores those that it does not know.
"""

import msgspec

from streaming.records.day_counts import DayCounts

VERSION = "1"


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How one process is; kind `health`, every 5 s."""

    process: str  # unique for one run of one process
    node: str
    role: str  # node ingest history
    version: str  # of the program
    at_ms: int  # by the process's own clock: beside the entry's id it tells how far that is off
    sockets: int = 0  # open client sockets
    # By market: how long ago the newest window ended, in ms; None where time does not tell (a fast replay, no feed).
    lag_ms: dict[str, int | None] = {}
    markets: dict[str, str] = {}  # state by market, as far as this process has read
    feeds: dict[str, str] = {}  # what each market runs: live, replay, simulated, test
    rss_bytes: int = 0  # memory


class LineSwitch(msgspec.Struct, frozen=True, kw_only=True):
    """Another line leads a market; kind `line_switch`, when it happens."""

    market: str
    at_ms: int
    before: str  # "" at the start
    after: str
    reason: str  # why the one before does not lead: mute refused late delayed drained removed; back, preferred, start


class DeliveredBars(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's bars of one market and day since the report before; [due, sent, late] by symbol."""

    customer: str
    market: str
    day: str  # of the exchange, YYYY-MM-DD
    bars: dict[str, list[int]]


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What a process has delivered since its report before; kind `delivery`, every DELIVERY_SECONDS.

    These are additions: one that is taken twice would count twice, so each has an id of its own.
    """

    id: str
    node: str
    rows: list[DeliveredBars]
    at_ms: int = 0  # when it was counted, by the wall clock: of which hour of use it is


class TokenUses(msgspec.Struct, frozen=True, kw_only=True):
    """When tokens were used last, in epoch ms by jti; kind `token_uses`, every minute where any was.

    An open socket uses its token all the time. Of two reports the newer time counts, in whatever order they come.
    """

    uses: dict[str, int]


class SymbolCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What ingest counted of some symbols of a market on one day; kind `symbol_days`, after the day's end.

    A later one of the same symbols takes the place of the one before.
    """

    market: str
    day: str  # of the exchange, YYYY-MM-DD
    symbols: dict[str, DayCounts]


_encode = msgspec.json.Encoder().encode


def window_lag_ms(state: str, newest_end_ms: int, now_ms: int, *, on_wall_clock: bool) -> int | None:
    """Return how long ago a market's newest window ended; None where the wall clock does not tell.

    That is before its first window (`newest_end_ms` is 0), while nothing is due, and in a replay.
    """
    if not newest_end_ms or not on_wall_clock or state in ("closed", "no_feed", ""):
        return None
    return max(0, now_ms - newest_end_ms)


def health_entry(health: Health) -> dict[str, str | bytes]:
    """Return the fields of a health report's entry."""
    return {"v": VERSION, "kind": "health", "body": _encode(health)}


def delivery_entry(delivery: Delivery) -> dict[str, str | bytes]:
    """Return the fields of a delivery report's entry."""
    return {"v": VERSION, "kind": "delivery", "body": _encode(delivery)}


def token_uses_entry(uses: TokenUses) -> dict[str, str | bytes]:
    """Return the fields of a report of used tokens."""
    return {"v": VERSION, "kind": "token_uses", "body": _encode(uses)}


def symbol_counts_entry(counts: SymbolCounts) -> dict[str, str | bytes]:
    """Return the fields of a report of counted symbols."""
    return {"v": VERSION, "kind": "symbol_days", "body": _encode(counts)}


def switch_entry(switch: LineSwitch) -> dict[str, str | bytes]:
    """Return the fields of a switch's entry."""
    return {"v": VERSION, "kind": "line_switch", "body": _encode(switch)}
