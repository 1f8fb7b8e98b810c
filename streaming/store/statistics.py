"""One lane's statistics in Redis: a hash that ingest writes under its fence, and that REST asks for what it shows.

They stand beside the windows and not in them: ratios move with every picture of an instrument, and nobody replays them.
"""

from collections.abc import Iterable, Mapping
from typing import Any, cast

import redis

from kernel import keyspace
from kernel.instruments import InstrumentId
from streaming.domain.statistics import Statistics
from streaming.records.statistics import record_of, statistics_of, unpack_statistics
from streaming.records.versions import pack
from streaming.store.answers import translated, unfenced
from streaming.store.readable import readable

KEPT_MS = 15 * 86_400_000  # over the longest holiday; whoever reads looks at the day

# KEYS fence, statistics; ARGV fence, ms to keep all of it, symbol, record, symbol, record ...
_WRITE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
"""


class StatisticsStore:
    """A lane's key of statistics, for its holder."""

    def __init__(self, client: redis.Redis, lane: str) -> None:
        self.key = keyspace.statistics(lane)
        self._fence = keyspace.fence(lane)
        self._write = client.register_script(_WRITE)

    def write(self, fence: int, told: Mapping[str, Statistics]) -> None:
        """Write statistics by symbol; those of others stay.

        Raises:
            Fenced: another worker holds the lane.
            StoreUnavailable: Redis does not answer.
        """
        if not told:
            return
        args: list[Any] = [fence, KEPT_MS]
        for symbol, one in told.items():
            args += (symbol, pack(record_of(one)))
        with translated():
            unfenced(self._write(keys=[self._fence, self.key], args=args))


async def read_statistics(client: Any, instruments: Iterable[InstrumentId]) -> dict[str, Statistics]:
    """Return what is known of instruments, by symbol, each with its day; those of which nothing is are absent.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    lanes: dict[str, list[InstrumentId]] = {}
    for one in instruments:
        lanes.setdefault(one.lane, []).append(one)
    pipe = client.pipeline(transaction=False)
    for lane, asked in lanes.items():
        pipe.hmget(keyspace.statistics(lane), [one.symbol for one in asked])
    with translated():
        answers = cast("list[list[bytes | None]]", await pipe.execute()) if lanes else []
    found: dict[str, Statistics] = {}
    for (lane, asked), packed in zip(lanes.items(), answers, strict=True):
        pairs = [(one, raw) for one, raw in zip(asked, packed, strict=True) if raw is not None]
        for one, record in readable(pairs, unpack_statistics, f"statistics of lane {lane}"):
            found[one.symbol] = statistics_of(one, record)
    return found
