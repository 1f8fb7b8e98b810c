"""One process's parts work together: what an operator changes is known without a new stream."""

import asyncio
import json
import uuid
from datetime import date

import pytest

from kernel import keyspace
from streaming.domain.calendar import AlwaysOpen
from streaming.latest.market import LatestMarket
from streaming.runtime.process import StreamProcess
from streaming.store.calendars import calendar_of
from streaming.store.connection import redis_async

DAY = date(2027, 2, 5)


@pytest.mark.whole
async def test_a_trading_day_that_an_operator_changes_is_known_at_once(data_redis):
    """Before, a node heard of it with the next epoch."""
    process = StreamProcess()
    process.hub.begin("HK", uuid.uuid4().hex, {}, calendar_of("HK", {}), from_start=True)
    listening = asyncio.create_task(process.control.listen())
    try:
        data_redis.hset(
            keyspace.calendar_overrides("HK"), DAY.isoformat(), json.dumps({"kind": "closed", "note": "typhoon"})
        )
        async with asyncio.timeout(5):
            while process.hub.latest["HK"].calendar.kind_on(DAY) != "closed":
                await process.control.tell({"kind": "calendar", "lane": "HK"})
                await asyncio.sleep(0.02)
    finally:
        data_redis.hdel(keyspace.calendar_overrides("HK"), DAY.isoformat())
        listening.cancel()
        await process.errands.stop()
        await redis_async().aclose()


def test_what_is_made_up_keeps_its_own_hours():
    market, changed = LatestMarket("CN"), calendar_of("CN", {})
    market.begin("e", {}, calendar_of("CN", {}), from_start=True)
    market.sessions = AlwaysOpen()

    market.take_calendar(changed)

    assert market.calendar is changed
    assert isinstance(market.sessions, AlwaysOpen)
