"""What a group's processes tell the control plane: entries of the stream `reports:{group}`.

An entry has the fields `v` (the version of this form), `kind` and `body`, a JSON object. Bodies may grow by fields; a
reader ignores those that it does not know.
"""

import msgspec

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
    rss_bytes: int = 0  # memory


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
