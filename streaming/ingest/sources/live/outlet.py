"""Through which an adapter says what it read: received times are stamped here, and what is no news ends here."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import date

from msgspec.structs import replace

from kernel.instruments import InstrumentId
from streaming.domain.calendar import exchange_day
from streaming.domain.statistics import Statistics
from streaming.domain.ticks import NO_VENUE_TIME, Levels, PreviousClose, Snapshot, Tick, Trade
from streaming.ingest.sources import Reading
from streaming.ingest.sources.live.setting import Wanted
from streaming.wire.providers.answers import Answer
from streaming.wire.upstream import Heard

_SIGN_MS = 1_000  # between two signs that the line is there
_NAMED = 5


class Outlet:
    """One line's way to its market. Used by the adapter's loop alone; others only look at the counts and remarks.

    Args:
        wanted: what the line asks for.
        put: hands a reading over, and waits while there is no room.
        clock_ms: the wall clock, epoch ms.
        is_live: called when data has come.
    """

    def __init__(
        self,
        wanted: Wanted,
        put: Callable[[Reading], Awaitable[None]],
        clock_ms: Callable[[], int],
        is_live: Callable[[], None],
    ) -> None:
        self.wanted, self.clock_ms = wanted, clock_ms
        self._put, self._is_live = put, is_live
        self._symbols = frozenset(one.symbol for one in wanted.instruments)
        self.counts: Counter[str] = Counter()
        self.remarks: dict[str, str] = {}  # by subject, whole sentences for the operator
        self.has_told = False  # since it was connected
        self.idle = False  # the market is closed for longer
        self._last: dict[str, Snapshot] = {}  # as told, with the venue's own time
        self._closes: dict[str, tuple[object, int]] = {}
        self._statistics: dict[str, Statistics] = {}
        self._asked_on: dict[str, date] = {}  # by symbol, of statistics that are asked for
        self._sign_ms = 0

    async def say(
        self,
        ticks: Iterable[Tick] = (),
        levels: Sequence[Levels] = (),
        previous_closes: Iterable[PreviousClose] = (),
        statistics: Iterable[Statistics] = (),
    ) -> None:
        """Say what was read; snapshots and trades have the venue's time in `at_ms`, or NO_VENUE_TIME.

        What a provider tells again, of another day, or older than what it told before, is counted and goes no further.
        """
        now_ms = self.clock_ms()
        self._live()
        told = [tick for tick in ticks if self._is_asked(tick) and self._is_news(tick, now_ms)]
        stamped = [_stamped(tick, now_ms) if isinstance(tick, Snapshot) else tick for tick in told]
        closes = [close for close in previous_closes if self._is_another(close, now_ms)]
        # Of orders the time of receipt: they follow the market's windows and are never compared with a venue's clock.
        shown = [replace(one, at_ms=now_ms) for one in levels if self._is_asked(one)]
        of_day = [one for one in statistics if self._are_others(one, now_ms)]
        if stamped or shown or closes or of_day:
            self._sign_ms = now_ms
            await self._put(Reading(stamped, shown, closes, received_ms=now_ms, statistics=of_day))
        else:
            await self._sign(now_ms)

    async def answered(self, answer: Answer, subject: str) -> None:
        """Say what an answer of a page told, and note what it does not know.

        Args:
            subject: whose remark that is, where instruments are asked for in several requests.
        """
        self.counts.update(answer.faults)
        self.remarks[subject] = self._unknown(answer.unknown)
        await self.say(answer.snapshots, statistics=answer.statistics)

    async def heard(self, heard: Iterable[Heard]) -> None:
        """Say what a message told, and that the line is there where it told nothing."""
        heard = list(heard)
        ticks = [one for one in heard if isinstance(one, Trade | Snapshot)]
        await self.say(ticks, [one for one in heard if isinstance(one, Levels)])

    async def alive(self) -> None:
        """Tell that the provider answers although it has no news: the line is there."""
        self._live()
        await self._sign(self.clock_ms())

    def _live(self) -> None:
        self.has_told = True
        self._is_live()

    async def _sign(self, now_ms: int) -> None:
        if now_ms - self._sign_ms >= _SIGN_MS:
            self._sign_ms = now_ms
            await self._put(Reading(received_ms=now_ms))

    def _is_asked(self, one: Tick | Levels) -> bool:
        if one.instrument.symbol in self._symbols:
            return True
        self.counts["not_asked"] += 1
        return False

    def _is_news(self, tick: Tick, now_ms: int) -> bool:
        if tick.at_ms != NO_VENUE_TIME and exchange_day(tick.at_ms) != exchange_day(now_ms):
            if isinstance(tick, Trade) or self._last.get(tick.instrument.symbol) != tick:
                self.counts["another_day"] += 1
            if isinstance(tick, Snapshot):
                self._last[tick.instrument.symbol] = tick
            return False
        if isinstance(tick, Trade):
            return True
        symbol = tick.instrument.symbol
        before = self._last.get(symbol)
        if before is not None and tick == before:
            self.counts["told_again"] += 1
            return False
        if before is not None and NO_VENUE_TIME != tick.at_ms < before.at_ms:
            self.counts["older"] += 1
            return False
        self._last[symbol] = tick
        return True

    def _is_another(self, close: PreviousClose, now_ms: int) -> bool:
        """Tell whether a previous close is another one than was said today."""
        said = (exchange_day(now_ms), close.price_e4)
        if close.price_e4 <= 0 or self._closes.get(close.instrument.symbol) == said:
            return False
        self._closes[close.instrument.symbol] = said
        return True

    def _are_others(self, told: Statistics, now_ms: int) -> bool:
        """Tell whether statistics are of today, and others than were said before."""
        symbol = told.instrument.symbol
        # Of another day they are none of today's limits; the row that brought them is counted for that.
        if symbol not in self._symbols or told.is_empty() or told.day != exchange_day(now_ms):
            return False
        if self._statistics.get(symbol) == told:
            return False
        self._statistics[symbol] = told
        return True

    def lacks_statistics(self, instrument: InstrumentId) -> bool:
        """Tell whether an instrument's statistics were not asked for with success today."""
        return self._asked_on.get(instrument.symbol) != exchange_day(self.clock_ms())

    def note_statistics(self, instruments: Iterable[InstrumentId]) -> None:
        """Note that a provider has answered what it knows of instruments today, be it nothing."""
        self._asked_on |= dict.fromkeys((one.symbol for one in instruments), exchange_day(self.clock_ms()))

    def has_previous_close(self, instrument: InstrumentId) -> bool:
        """Tell whether an instrument's previous close was said today, by itself or in a row."""
        today = exchange_day(self.clock_ms())
        said, row = self._closes.get(instrument.symbol), self._last.get(instrument.symbol)
        return (said is not None and said[0] == today) or (
            row is not None and row.prev_close_e4 > 0 and exchange_day(row.at_ms) == today
        )

    @staticmethod
    def _unknown(codes: Sequence[str]) -> str:
        if not codes:
            return ""
        more = f" and {len(codes) - _NAMED} more" if len(codes) > _NAMED else ""
        return f"It knows nothing of {', '.join(codes[:_NAMED])}{more}."


def _stamped(snapshot: Snapshot, now_ms: int) -> Snapshot:
    """Return a snapshot that counts now, with the venue's time beside."""
    return replace(snapshot, at_ms=now_ms, venue_ms=snapshot.at_ms)
