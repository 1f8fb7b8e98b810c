"""What ingest counted of each symbol and day: written under the lane's fence, kept for a week, reported from here."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, cast

import redis

from kernel import keyspace
from streaming.records.day_counts import DayCounts, pack_counts, unpack_counts
from streaming.records.reports import SymbolCounts
from streaming.store.answers import translated, unfenced
from streaming.store.readable import readable
from streaming.store.reports import symbol_counts_command

KEPT_MS = 8 * 86_400_000
_PIECE = 500  # symbols of one command
MOST_SYMBOLS = 200  # of one report: 40 kB
# KEYS fence, counts, days; ARGV fence, ms to keep, day, now in ms, symbol, counts, symbol, counts ...
_WRITE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
for i = 5, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
redis.call('HSET', KEYS[3], ARGV[3], ARGV[4])
return 1
"""


class DayCountStore:
    """A lane's counts. Every method raises StoreUnavailable where Redis does not answer."""

    def __init__(self, client: redis.Redis, lane: str) -> None:
        self._client, self.lane = client, lane
        self._write = client.register_script(_WRITE)

    def write(self, fence: int, day: date, counts: Mapping[str, DayCounts], now_ms: int) -> None:
        """Write how some symbols' day stands, in place of what was written before.

        Raises:
            Fenced: another worker holds the lane.
        """
        keys = [
            keyspace.fence(self.lane),
            keyspace.symbol_days(self.lane, day.isoformat()),
            keyspace.counted_days(self.lane),
        ]
        symbols = list(counts)
        with translated():
            for first in range(0, len(symbols), _PIECE):
                args: list[Any] = [fence, KEPT_MS, day.isoformat(), now_ms]
                for symbol in symbols[first : first + _PIECE]:
                    args += (symbol, pack_counts(counts[symbol]))
                unfenced(self._write(keys=keys, args=args))

    def read(self, day: date) -> dict[str, DayCounts]:
        """Return what was counted of a day; what cannot be read is passed over."""
        with translated():
            packed = cast("dict[bytes, bytes]", self._client.hgetall(keyspace.symbol_days(self.lane, day.isoformat())))
        rows = readable(packed.items(), unpack_counts, f"counts of lane {self.lane}")
        return {symbol.decode(): counts for symbol, counts in rows}

    def days(self) -> dict[str, tuple[int, int]]:
        """Return (when it was written last, when it was reported last), epoch ms and 0 for never, by day."""
        with translated():
            noted = cast("dict[bytes, bytes]", self._client.hgetall(keyspace.counted_days(self.lane)))
        times = {name.decode(): int(at_ms) for name, at_ms in noted.items()}
        return {day: (at_ms, times.get(_reported(day), 0)) for day, at_ms in times.items() if len(day) == 10}

    def report(self, day: str, now_ms: int) -> int:
        """Report a day upwards, in pieces, and return how many symbols it has.

        A day that is reported again takes the place of what was reported: dying in between does no harm.
        """
        counts = self.read(date.fromisoformat(day))
        with translated():
            for body in self._pieces(day, counts):
                self._client.execute_command(*symbol_counts_command(body))  # type: ignore[no-untyped-call]
            self._client.hset(keyspace.counted_days(self.lane), _reported(day), str(now_ms))
        return len(counts)

    def _pieces(self, day: str, counts: Mapping[str, DayCounts]) -> Iterator[SymbolCounts]:
        symbols = sorted(counts)
        for first in range(0, len(symbols), MOST_SYMBOLS):
            some = {symbol: counts[symbol] for symbol in symbols[first : first + MOST_SYMBOLS]}
            yield SymbolCounts(market=self.lane, day=day, symbols=some)

    def forget(self, day: str) -> None:
        """Forget that a day was counted; its counts go by themselves."""
        with translated():
            self._client.hdel(keyspace.counted_days(self.lane), day, _reported(day))


def _reported(day: str) -> str:
    return f"{day} reported"
