"""The tables of minute bars.

The newest version of a minute wins, so writing the 72 h window again changes nothing. The version is not part of the
key: with it inside, two versions of one minute would both stay for ever.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from streaming.domain.minutes import MinuteBar
from streaming.history.connection import insert
from streaming.history.versions import version_of

TABLE, MADE_UP_TABLE = "bars_1m", "bars_1m_made_up"  # what nobody traded never stands beside what somebody did
COLUMNS = (
    "symbol", "opened_at", "open_e4", "high_e4", "low_e4", "close_e4", "volume", "turnover_e4", "source", "version",
)  # fmt: skip


def insert_minutes(bars: Sequence[MinuteBar], *, version: int, source: str = "live", made_up: bool = False) -> None:
    """Write closed minutes; a minute written again with the same or a higher version replaces the one before.

    Args:
        version: of this source, rising with time; a better source's minute stands above all of a lesser one's.
        source: who told them: live, replay, simulated, test, backfill, import, repair.
        made_up: they are of a simulated market, and go into the table for those.

    Raises:
        HistoryUnavailable: ClickHouse did not take all of them; write them all again later.
    """
    ranked = version_of(source, version)
    rows = [
        (
            bar.symbol,
            datetime.fromtimestamp(bar.opened_ms // 1000, UTC),
            bar.open_e4,
            bar.high_e4,
            bar.low_e4,
            bar.close_e4,
            bar.volume,
            bar.turnover_e4,
            source,
            ranked,
        )
        for bar in bars
    ]
    insert(MADE_UP_TABLE if made_up else TABLE, rows, COLUMNS)
