"""Generated messages and frames: each is answered as docs/protocol.md says, and nothing is left of their senders.

`./dev soak fuzz` sends a hundred thousand.
"""

import asyncio

import pytest

from benchmarks.soak import fuzz
from benchmarks.soak.ground import Market, mainland, wait_for

pytestmark = [pytest.mark.whole, pytest.mark.alone]


def test_every_answer_is_documented_and_nothing_is_left(standing, running):
    Market(standing.redis, mainland(100))
    asyncio.run(fuzz.converse(running, 100, 1, fuzz.Tally()))  # what is made once and kept does not count
    assert wait_for(lambda: running.metric("tickpack_connections{") == 0, 20)
    before, tally = fuzz.held(running, standing), fuzz.Tally()

    asyncio.run(fuzz.converse(running, 2000, 2, tally))

    assert tally.shown == []
    assert tally.messages >= 2000
    assert {4429, 1000, 1002} <= set(tally.closes), "rarer ones come by chance"
    assert 1011 not in tally.closes
    assert sum(fuzz.left_over(running, standing, before).values()) == 0
