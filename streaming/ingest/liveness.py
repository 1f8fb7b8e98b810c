"""Whether ingest does its work: markets are judged by the windows that were written, wherever the judge stands.

A worker may live and do nothing: its consumer of tasks has ended, a thread hangs. So each worker looks at what stands
in Redis, not at itself. While markets are written it touches a file, which the supervisor and the container's health
look at; when they are not, although Redis answers, it ends itself, and whoever runs it starts it again. `/readyz` asks
the same question.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import redis
from django.conf import settings

from kernel import clock, keyspace
from kernel.instruments import LANES
from streaming.ingest import lane as ingest_lane
from streaming.store.connection import redis_sync

log = logging.getLogger(__name__)
SILENT_MS = 10_000  # a holder reports each second; a dead one is replaced within two
GIVE_UP_SECONDS = 20.0
_LOOK_SECONDS = 2.0
_STUCK = 75  # the exit code of a process that ended itself


def silent_markets(states: Mapping[str, Mapping[str, str]], now_ms: int) -> dict[str, str]:
    """Return what is wrong with each market that nobody writes, as a sentence by market.

    Args:
        states: what each market's worker last said of itself (keyspace.feed_state); empty where nothing is there.
    """
    return {market: wrong for market, state in states.items() if (wrong := _wrong(state, now_ms))}


def _wrong(state: Mapping[str, str], now_ms: int) -> str:
    reported_ms = _number(state, "reported_ms")
    if now_ms - reported_ms > SILENT_MS:
        return f"no worker has reported for {(now_ms - reported_ms) // 1000} s" if reported_ms else "no worker runs it"
    if state.get("finished") == "1" or state.get("problem") or state.get("state", "") in ("", "closed"):
        return ""  # nothing is to be written
    if state.get("speed", "1.0") != "1.0":
        return ""  # a recording's windows are as far apart as its speed makes them
    written_ms = _number(state, "written_ms")
    if written_ms and now_ms - written_ms > SILENT_MS:
        return f"no window was written for {(now_ms - written_ms) // 1000} s"
    return ""


def _number(state: Mapping[str, str], name: str) -> int:
    try:
        return int(float(state.get(name, "0")))
    except ValueError:
        return 0


def states_of(answers: Mapping[str, Mapping[bytes, bytes]]) -> dict[str, dict[str, str]]:
    """Return feed states as Redis answers them, as texts."""
    return {
        market: {name.decode(): value.decode(errors="replace") for name, value in state.items()}
        for market, state in answers.items()
    }


class LivenessWatch:
    """Looks at all markets every two seconds, for as long as the process lives.

    Args:
        end: called once nothing was written for `give_up_seconds`, with what is wrong; it does not return.
    """

    def __init__(
        self,
        *,
        file: Path,
        end: Callable[[str], object] | None = None,
        give_up_seconds: float = GIVE_UP_SECONDS,
        look_seconds: float = _LOOK_SECONDS,
    ) -> None:
        self._file, self._end = file, end or _end_the_process
        self._give_up_seconds, self._look_seconds = give_up_seconds, look_seconds
        self._well_at = time.monotonic()

    def start(self) -> None:
        """Look from now on, in a thread of its own."""
        threading.Thread(target=self._run, name="liveness", daemon=True).start()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            self.look()
            pause.wait(self._look_seconds)

    def look(self) -> None:
        """Look once; touch the file where all is well, and end the process where it has not been for too long."""
        try:
            wrong = self._silent()
        except redis.RedisError:
            wrong = {}  # nobody can write: that is no fault of ours, and starting again mends nothing
        if not wrong:
            self._well_at = time.monotonic()
            self._touch()
            return
        if time.monotonic() - self._well_at > self._give_up_seconds:
            self._end("; ".join(f"{market}: {what}" for market, what in sorted(wrong.items())))

    def _silent(self) -> dict[str, str]:
        pipe = redis_sync().pipeline(transaction=False)
        for market in LANES:
            pipe.hgetall(keyspace.feed_state(market))
        answers = dict(zip(LANES, pipe.execute(), strict=True))
        wrong = silent_markets(states_of(answers), clock.now_ms())
        return {market: what for market, what in wrong.items() if not ingest_lane.is_beginning(market)}

    def _touch(self) -> None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.touch()
        except OSError as error:
            log.warning("liveness cannot be shown in %s: %s", self._file, error.strerror)


def _end_the_process(wrong: str) -> None:
    log.critical("this worker lives and markets are not written (%s); it ends, to be started again", wrong)
    logging.shutdown()
    os._exit(_STUCK)


def alive_file() -> Path:
    """Return the file whose age tells whether ingest works (INGEST_ALIVE_FILE)."""
    return Path(settings.INGEST_ALIVE_FILE)


def told(answers: Mapping[str, Mapping[bytes, bytes]], now_ms: int) -> tuple[bool, dict[str, Any]]:
    """Return whether any market is written that should be, and what is wrong with the others; for `/readyz`."""
    wrong = silent_markets(states_of(answers), now_ms)
    return len(wrong) < len(answers), {"ingest": wrong} if wrong else {}
