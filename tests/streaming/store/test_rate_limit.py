"""Newest values over REST are held to the plan: so many symbols in any minute, beside what sockets follow.

Time is an argument, so a minute passes at once.
"""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel import clock, keyspace
from kernel.instruments import InstrumentId
from kernel.tokens import Claims
from streaming.store.connection import new_redis_async
from streaming.store.quota import PROCESS, ConnectionKey, QuotaRegistry
from streaming.store.rate_limit import RateLimiter, Wanted
from tests.streaming.conftest import GROUP, make_scope

pytestmark = [pytest.mark.whole, pytest.mark.usefixtures("unsigned")]
NOW = clock.now_ms() + 7_200_000  # the suite may come here an hour after it was collected
SYMBOLS = [f"{600_000 + nth}.SH" for nth in range(40)]
MINUTE = 60_000


class Customer:
    """One customer: what asks over REST, and a socket."""

    def __init__(self, client, max_subs: int) -> None:
        self.scope = make_scope(uuid.uuid4().hex, max_subs)
        self.claims = Claims(self.scope, uuid.uuid4().hex, int(NOW / 1000) - 60, int(NOW / 1000) + 86_400)
        self.client, self.registry = client, QuotaRegistry(client)
        self.limiter = RateLimiter(lambda: client, lambda: self.registry.dead)
        self.socket = ConnectionKey(self.scope.customer, GROUP, f"{PROCESS}:1")
        self.max_subs = max_subs

    async def ask(self, *numbers: int, at: int = NOW, **more) -> list[int]:
        """Ask for symbols by their number over REST; return those that were answered."""
        wanted = [SYMBOLS[nth] for nth in numbers]
        admitted = await self.limiter.admit(self.claims, at, wanted=Wanted(wanted, **more))
        return [nth for nth in numbers if SYMBOLS[nth] not in admitted.left_out]

    async def follow(self, *numbers: int, at: int = NOW) -> list[str]:
        wanted = [InstrumentId.parse(SYMBOLS[nth]) for nth in numbers]
        granted, _ = await self.registry.claim(self.socket, wanted, self.max_subs, at)
        return sorted(granted)

    async def unfollow(self, *numbers: int, at: int = NOW) -> None:
        await self.registry.release(self.socket, [InstrumentId.parse(SYMBOLS[nth]) for nth in numbers], at)


@pytest.fixture
async def client() -> AsyncIterator:
    async with new_redis_async() as made:
        yield made


@pytest.fixture
def pack_5(client) -> Customer:
    return Customer(client, 5)


async def test_a_pack_of_five_is_answered_for_five_in_any_minute_however_it_turns(pack_5):
    assert await pack_5.ask(0, 1, 2, 3, 4, 5, 6) == [0, 1, 2, 3, 4]
    assert await pack_5.ask(6, 7) == []
    assert await pack_5.ask(4, 0) == [4, 0]
    assert await pack_5.ask(6, at=NOW + MINUTE - 1) == []
    assert await pack_5.ask(6, 7, at=NOW + MINUTE) == [6, 7]


async def test_who_goes_on_asking_keeps_its_symbols(pack_5):
    for nth in range(10):
        assert await pack_5.ask(0, 1, 2, 3, 4, at=NOW + nth * MINUTE // 2) == [0, 1, 2, 3, 4]
    assert await pack_5.ask(5, at=NOW + 10 * MINUTE // 2) == []


async def test_what_a_socket_follows_is_answered_and_leaves_less_for_the_others(pack_5):
    await pack_5.follow(0, 1, 2)

    assert await pack_5.ask(5, 6, 7, 0, 1, 2) == [5, 6, 0, 1, 2]


async def test_a_socket_never_waits_for_what_was_asked_over_rest_but_takes_it_back(pack_5):
    await pack_5.ask(0, at=NOW)
    await pack_5.ask(1, 2, 3, 4, at=NOW + 1)

    assert len(await pack_5.follow(5, 6, at=NOW + 2)) == 2
    assert await pack_5.ask(2, 3, 4, 5, 6, at=NOW + 3) == [2, 3, 4, 5, 6]
    assert await pack_5.ask(0, 1, at=NOW + 3) == []


async def test_following_and_leaving_in_turns_shows_no_more_than_so_many_new_ones_a_minute(pack_5):
    answered = set()
    for nth in range(8):
        answered.update(await pack_5.ask(*range(5 * nth, 5 * nth + 5), at=NOW + nth))
        await pack_5.follow(35, 36, 37, 38, 39, at=NOW + nth)  # takes all of it back
        await pack_5.unfollow(35, 36, 37, 38, 39, at=NOW + nth)

    assert len(answered - {35, 36, 37, 38, 39}) == 5


async def test_a_plan_that_has_grown_counts_at_once(pack_5):
    await pack_5.ask(0)
    grown = make_scope(pack_5.scope.customer, 15, rev=2)
    await pack_5.client.set(keyspace.entitlement(grown.customer, GROUP), json.dumps(grown.as_json()), ex=60)

    assert len(await pack_5.ask(*range(20))) == 15


async def test_a_plan_that_has_shrunk_counts_at_once_too(client):
    customer = Customer(client, 15)
    await customer.ask(*range(15))
    smaller = make_scope(customer.scope.customer, 5, rev=2)
    await client.set(keyspace.entitlement(smaller.customer, GROUP), json.dumps(smaller.as_json()), ex=60)

    assert len(await customer.ask(*range(15), at=NOW + 1)) == 5


async def test_what_a_dead_process_followed_takes_no_room(pack_5):
    pack_5.registry._dead = {"gone-1-aa": True}
    lost = replace(pack_5.socket, field="gone-1-aa:1")
    await pack_5.client.hset(lost.key, lost.field, json.dumps({"at": NOW, "symbols": {SYMBOLS[9]: str(NOW)}}))

    assert await pack_5.ask(0, 1, 2, 3, 4) == [0, 1, 2, 3, 4]


async def test_fifty_who_ask_at_once_are_answered_for_five_symbols_together(pack_5):
    answers = await asyncio.gather(*(pack_5.ask(nth % 40) for nth in range(50)))

    assert len({nth for answer in answers for nth in answer}) == 5


async def test_a_list_has_what_is_stored_and_what_is_followed_as_far_as_the_plan_goes(pack_5):
    key = keyspace.subscription(pack_5.scope.customer, GROUP)
    await pack_5.client.rpush(key, SYMBOLS[3], SYMBOLS[1])
    await pack_5.follow(0, 1, 2, 4)

    stored = await pack_5.limiter.admit(pack_5.claims, NOW, wanted=Wanted(listed="stored"))
    both = await pack_5.limiter.admit(pack_5.claims, NOW, wanted=Wanted(listed="followed"))

    assert (stored.listed, stored.left_out) == ([SYMBOLS[3], SYMBOLS[1]], frozenset())
    assert both.listed == [SYMBOLS[nth] for nth in (3, 1, 0, 2, 4)]
    assert await pack_5.ask(7) == []


actions = st.lists(
    st.tuples(
        st.sampled_from(["ask", "follow", "unfollow"]),
        st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True),
        st.integers(0, 25_000),
    ),
    max_size=25,
)


@given(actions)
@settings(deadline=None, max_examples=40)
def test_no_minute_shows_more_symbols_over_rest_than_the_plan_has_beside_those_that_sockets_took(steps):
    async def live() -> None:
        async with new_redis_async() as client:
            customer, at, shown, followed = Customer(client, 3), NOW, [], set()
            for what, numbers, later in steps:
                at += later
                if what == "ask":
                    answered = await customer.ask(*numbers, at=at)
                    assert followed & set(numbers) <= set(answered), "what is followed is always answered"
                    shown += [(at, nth) for nth in answered if nth not in followed]
                    # Those that were asked before and were taken back, and at most so many new ones.
                    assert len({nth for when, nth in shown if when > at - MINUTE}) <= 2 * customer.max_subs
                    assert len(set(answered) | followed) <= customer.max_subs
                elif what == "follow":
                    taken = await customer.follow(*numbers, at=at)
                    followed |= {nth for nth in numbers if SYMBOLS[nth] in taken}
                    assert len(followed) <= customer.max_subs
                else:
                    await customer.unfollow(*numbers, at=at)
                    followed -= set(numbers)

    asyncio.run(live())
