"""Runs an adapter in a thread of its own and hands what it says to the market's thread."""

import asyncio
import logging
import ssl
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Protocol

import httpx
from msgspec.structs import replace
from websockets.exceptions import WebSocketException

from kernel import clock
from streaming.domain.calendar import Sessions
from streaming.domain.ticks import Snapshot
from streaming.ingest.sources import Condition, Reading
from streaming.ingest.sources.live.outlet import Outlet
from streaming.ingest.sources.live.pacing import Backoff
from streaming.ingest.sources.live.setting import ProviderRefused, ProviderSetting, ProviderSilent, Wanted

log = logging.getLogger(__name__)
_MOST_WAITING = 5_000  # readings; a market that stalls for longer makes its sources wait
_LONGEST_BACKOFF, _LONGEST_REFUSAL = 30.0, 300.0
_END_SECONDS = 3.0
_CALENDAR_MS, _AHEAD_MS = 10_000, 600_000  # how often it is asked; a line is awake so long before the market


class Adapter(Protocol):
    """One provider: connect, ask for what is wanted, read until the connection is over."""

    async def run(self, out: Outlet) -> None:
        """Work until cancelled; return or raise when the connection is over.

        Raises:
            ProviderRefused: it said no.
            ProviderSilent: it said nothing.
        """
        ...


class LiveSource:
    """A provider as a line's source. The thread begins with the first reading and ends with `close`.

    Args:
        line: of which market and name, for logs.
        adapter: None where the line cannot run; `problem` says why, for the operator.
        calendar: of the market, by which polling rests while it is closed; None for one that never does.
        clock_ms: the wall clock, epoch ms.
    """

    own_clock = False
    speed = 1.0
    finished = False
    position = ""

    def __init__(
        self,
        line: str,
        setting: ProviderSetting,
        wanted: Wanted,
        adapter: Adapter | None,
        *,
        problem: str = "",
        calendar: Callable[[], Sessions] | None = None,
        clock_ms: Callable[[], int] = clock.now_ms,
        most_waiting: int = _MOST_WAITING,
    ) -> None:
        self.name = setting.provider
        self._line, self._setting, self._adapter = line, setting, adapter
        self._symbols = frozenset(one.symbol for one in wanted.instruments)
        self._calendar, self._clock_ms = calendar, clock_ms
        self._waiting: deque[Reading] = deque()
        self._most_waiting = most_waiting
        self._news = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._state, self._problem = ("starting", "") if adapter is not None else ("not started", problem)
        self._read_until = self._asked_ms = 0
        self._away_ms: int | None = None  # since when a connection that had told something is gone
        self._failed: Counter[str] = Counter()
        self.out = Outlet(wanted, self._put, clock_ms, self._is_live)
        if adapter is None:
            log.warning("%s: %s", line, problem)

    # -- what a market asks ------------------------------------------------------------------------------------------

    def carries(self, symbol: str) -> bool:
        """Tell whether an instrument was asked for."""
        return symbol in self._symbols

    def wake(self, event: threading.Event) -> None:
        """Set an event whenever something comes, from now on."""
        self._news = event

    def read(self, until_ms: int) -> Iterator[Reading]:
        """Yield what has come.

        A snapshot counts when it came here; one that came before a reading whose windows have closed, counts now.
        """
        self._begin()
        self._look_at_the_calendar(until_ms)
        before_ms, self._read_until = self._read_until, until_ms
        for _ in range(len(self._waiting)):
            reading = self._waiting.popleft()
            if (reading.received_ms or 0) < before_ms:
                reading = _moved(reading, until_ms)
            yield reading

    def counters(self) -> Counter[str]:
        """Return rows that were passed over and connections that were lost, by reason."""
        # Copies, each made at once: its own thread counts on meanwhile.
        return Counter(dict(self.out.counts)) + Counter(dict(self._failed))

    @property
    def condition(self) -> Condition:
        """How the connection is, for people."""
        remarks = [self.out.wanted.remark, *self.out.remarks.values()]
        return Condition(self._state, self._problem, " ".join(filter(None, remarks)))

    def close(self) -> None:
        """End the thread; what was not read is dropped, as nobody will ask for it."""
        self._closed = True
        loop, task, thread = self._loop, self._task, self._thread
        if loop is not None and task is not None:
            with suppress(RuntimeError):  # it has ended by itself
                loop.call_soon_threadsafe(task.cancel)
        if thread is not None and thread is not threading.current_thread():
            thread.join(_END_SECONDS)
            if thread.is_alive():
                log.warning("%s: its connection did not end within %.0f s", self._line, _END_SECONDS)

    # -- its thread --------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        if self._thread is None and self._adapter is not None and not self._closed:
            started = threading.Event()
            self._thread = threading.Thread(
                target=self._work, args=(self._adapter, started), name=f"line {self._line}", daemon=True
            )
            self._thread.start()
            started.wait(_END_SECONDS)  # so that a close that comes at once finds what to end

    def _work(self, adapter: Adapter, started: threading.Event) -> None:
        async def main() -> None:
            self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
            started.set()
            await self._keep_connected(adapter)

        try:
            asyncio.run(main())
        except asyncio.CancelledError:
            pass
        finally:
            self._state = "ended"

    async def _keep_connected(self, adapter: Adapter) -> None:
        lost = Backoff(self._setting.retry_seconds, max(self._setting.retry_seconds, _LONGEST_BACKOFF))
        refused = Backoff(self._setting.refused_seconds, max(self._setting.refused_seconds, _LONGEST_REFUSAL))
        while True:
            self._become("connecting" if not self._problem else self._state, self._problem)
            self.out.has_told = False
            seconds, state, problem = 0.0, "waiting", "It closed the connection."
            try:
                await adapter.run(self.out)
            except ProviderRefused as error:
                state, problem, seconds = "refused", error.sentence, max(refused.next(), error.after_seconds)
                self._failed["connection_refused"] += 1
            except ProviderSilent:
                problem = f"It said nothing for {self._setting.silence_seconds:.0f} s; connecting again."
                self._failed["connection_silent"] += 1
            except (OSError, ssl.SSLError, TimeoutError, httpx.HTTPError, WebSocketException) as error:
                problem = f"It cannot be reached ({_named(error)}); trying again."
                self._failed["connection_lost"] += 1
            except Exception as error:  # a bug of ours must not end the line, nor the market
                # Without its text: that may quote what was being sent.
                problem = f"Its adapter failed ({type(error).__name__}); this is a fault of the program."
                log.error("%s: %s at %s", self._line, problem, _where(error))
                self._failed["adapter_failed"] += 1
            else:
                self._failed["connection_lost"] += 1
            if self.out.has_told:
                self._away_ms = self._clock_ms()
                lost.reset()
                if state != "refused":
                    refused.reset()
            self._become(state, problem)
            await asyncio.sleep(seconds or lost.next())

    def _become(self, state: str, problem: str) -> None:
        if (state, problem) != (self._state, self._problem):
            self._state, self._problem = state, problem
            if problem:
                log.warning("%s: %s", self._line, problem)
            else:
                log.info("%s: %s", self._line, state)

    def _is_live(self) -> None:
        if self._away_ms is not None:  # of what was traded meanwhile only totals will tell
            self._failed["seconds_not_connected"] += round((self._clock_ms() - self._away_ms) / 1000)
            self._away_ms = None
        self._become("live", "")

    async def _put(self, reading: Reading) -> None:
        """Hand a reading over; while the queue is full the provider waits, and with it everything behind."""
        if len(self._waiting) >= self._most_waiting:
            self.out.counts["queue_full"] += 1
            while len(self._waiting) >= self._most_waiting:
                await asyncio.sleep(0.01)
        self._waiting.append(reading)
        self._news.set()

    def _look_at_the_calendar(self, now_ms: int) -> None:
        if self._calendar is not None and now_ms - self._asked_ms >= _CALENDAR_MS:
            self._asked_ms = now_ms
            state_at = self._calendar().state_at
            self.out.idle = state_at(now_ms)[0] == state_at(now_ms + _AHEAD_MS)[0] == "closed"


def _moved(reading: Reading, at_ms: int) -> Reading:
    """Return a reading whose snapshots count now; trades keep the venue's time, by which two tapes meet."""
    ticks = [replace(tick, at_ms=at_ms) if isinstance(tick, Snapshot) else tick for tick in reading.ticks]
    return Reading(ticks, reading.levels, reading.previous_closes, received_ms=at_ms, statistics=reading.statistics)


def _named(error: BaseException) -> str:
    """Name what happened without its text, which may have an address and a key in it."""
    name, reason = type(error).__name__, getattr(error, "strerror", None)
    return f"{name}: {reason}" if isinstance(reason, str) and "://" not in reason else name


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "an unknown place"
