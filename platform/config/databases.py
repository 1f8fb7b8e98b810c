"""How the shop connects to PostgreSQL."""

from typing import Any

from django.db import InterfaceError, OperationalError

NOTICES_AT_ONCE = 4  # payment notices that work at once in a process, whatever pages do
_SPARE = 4  # what works beside the pages: an answer that still goes out, a task of a thread of its own
_WAIT_SECONDS = 5.0  # for a connection of the pool; then the request is answered with 503
_CONNECT_SECONDS = 3


def connection_options(pages_at_once: int, *, behind_pgbouncer: bool) -> dict[str, Any]:
    """Return the OPTIONS of settings.DATABASES: a process's connections are bounded.

    Args:
        pages_at_once: how many pages of this process may ask at once.
        behind_pgbouncer: between us and the server stands a PgBouncer in transaction mode. It pools already, and gives
            each transaction another session: cursors and prepared statements of the session before are not there.
    """
    connect = {"connect_timeout": _CONNECT_SECONDS}
    if behind_pgbouncer:
        return {**connect, "prepare_threshold": None}
    pool = {
        "min_size": 0,
        "max_size": pages_at_once + NOTICES_AT_ONCE + _SPARE,
        "timeout": _WAIT_SECONDS,
        # Given up soon, and begun again by the next request: the pool's own pauses grow to minutes.
        "reconnect_timeout": 2.0,
    }
    return {**connect, "pool": pool}


def is_away(error: BaseException | None) -> bool:
    """Tell whether an error means that the database cannot be asked now; the same question may work soon."""
    return isinstance(error, OperationalError | InterfaceError)
