"""Whoever shares a round trip hears its end, whatever went wrong with it."""

import asyncio

import redis

from streaming.store.pipeline import CommandPipeline


class Particular(redis.RedisError):
    """An error that is made of more than it keeps."""

    def __init__(self, *, where: str) -> None:
        super().__init__(f"at {where}")


async def test_an_error_that_cannot_be_made_again_keeps_nobody_waiting():
    class Broken:
        def pipeline(self, *, transaction: bool):
            raise Particular(where="the store")

    pipeline = CommandPipeline(Broken)
    async with asyncio.timeout(5):
        said = await asyncio.gather(*(pipeline.run(("PING",)) for _ in range(3)), return_exceptions=True)
    assert [str(one) for one in said] == ["Particular: at the store"] * 3
