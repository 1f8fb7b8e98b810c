"""The client of the event loop when many ask at once: they wait their turn; a crowd is no outage."""

import asyncio

import pytest

from streaming.store.connection import new_redis_async

pytestmark = pytest.mark.whole


async def test_a_thousand_questions_at_once_are_all_answered():
    client = new_redis_async()
    try:
        answers = await asyncio.gather(*(client.ping() for _ in range(1000)), return_exceptions=True)
    finally:
        await client.aclose()

    assert answers == [True] * 1000
