"""Proves that a segment of which another release has written much is read to its end, without what it wrote."""

from typing import Any

import pytest

from streaming.hub.window_cache import Segment, WindowCache
from streaming.latest.market import LatestMarket
from streaming.records.versions import UnknownVersion, pack
from streaming.records.window import Window, end_ms

LATER = b"\x7flater"


class Kept:
    """Stands where Redis is: one stream, which must not be asked for the same page for ever."""

    def __init__(self, windows: dict[int, bytes]) -> None:
        self.windows, self.asked = windows, 0

    async def xrange(self, key: str, min: str, max: str, count: int) -> list[tuple[bytes, dict[bytes, bytes]]]:
        self.asked += 1
        assert self.asked < 20, "the same page again and again"
        after, last = int(min[1:].split("-", maxsplit=1)[0]), int(max.split("-", maxsplit=1)[0])
        rows = [(b"%d-0" % end_ms(seq), {b"w": raw}) for seq, raw in sorted(self.windows.items())]
        return [row for row in rows if after < int(row[0].split(b"-")[0]) <= last][:count]


def window(seq: int) -> bytes:
    return pack(Window(seq, "open", None, "test", 1, [], keyframe=seq == 230))


async def test_a_page_of_nothing_else_is_not_the_end_of_a_segment() -> None:
    market = LatestMarket("CN")
    market.epoch, market.seq = "e", 260
    client: Any = Kept({seq: LATER if seq < 230 or seq % 2 else window(seq) for seq in range(200, 261)})

    segment = await WindowCache(market, {}).segment(client, 2)

    assert segment.seqs == list(range(230, 261, 2))
    assert segment.whole
    assert [read.seq for read in segment.windows(250)] == [252, 254, 256, 258, 260]


def test_a_segment_takes_no_window_that_it_cannot_read() -> None:
    segment = Segment(2, {})
    segment.append(230, window(230))

    with pytest.raises(UnknownVersion):
        segment.append(231, LATER)

    assert segment.seqs == [230]
