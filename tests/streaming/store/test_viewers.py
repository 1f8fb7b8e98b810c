"""The books with pages among the sockets: programs never wait for them, never count them, and take back what they need."""

import random
import uuid
from collections.abc import AsyncIterator

import pytest

from kernel import clock, keyspace
from kernel.instruments import InstrumentId
from kernel.tokens import Claims
from streaming.errors import TooManyViewers
from streaming.store.connection import new_redis_async
from streaming.store.quota import MOST_VIEWERS, PROCESS, ConnectionKey, QuotaRegistry, Use, usage
from streaming.store.rate_limit import RateLimiter, Wanted
from tests.streaming.conftest import GROUP, make_scope

pytestmark = [pytest.mark.whole, pytest.mark.usefixtures("unsigned")]
NOW = clock.now_ms() + 7_200_000  # the suite may come here an hour after it was collected
SYMBOLS = [InstrumentId.parse(f"{600_000 + n}.SH") for n in range(20)]
A, B, C, D, E, F, G = map(str, SYMBOLS[:7])


class Books:
    """One customer of five symbols, a registry, and whom it says to tell."""

    def __init__(self, client) -> None:
        self.client, self.told = client, []
        self.registry = QuotaRegistry(client, lambda socket, fields: self.told.append((socket.field, fields)))
        self.customer, self.made = uuid.uuid4().hex, 0

    def socket(self, *, viewer: bool, process: str = PROCESS) -> ConnectionKey:
        self.made += 1
        return ConnectionKey(self.customer, GROUP, f"{process}:{'viewer-' if viewer else ''}{self.made}")

    async def follow(self, socket, *symbols, at: int = NOW, most: int = 5, **more) -> tuple[list[str], int]:
        wanted = [InstrumentId.parse(one) for one in symbols]
        granted, used = await self.registry.claim(socket, wanted, most, at, **more)
        return sorted(granted), used

    async def review(self, socket, *symbols, most: int = 5, at: int = NOW) -> tuple[list[str], int]:
        return await self.registry.review(socket, [InstrumentId.parse(one) for one in symbols], most, at)

    async def use(self) -> Use:
        return await usage(self.client, self.customer, GROUP, NOW)

    def claims(self, *, viewer: bool) -> Claims:
        return Claims(make_scope(self.customer), uuid.uuid4().hex, NOW // 1000 - 60, NOW // 1000 + 9_999, viewer=viewer)


@pytest.fixture
async def books() -> AsyncIterator[Books]:
    async with new_redis_async() as client:
        yield Books(client)
        await client.zrem(keyspace.PROCESSES, "gone-1-aa")


async def test_a_program_takes_the_newest_followed_of_a_page_and_says_whom_to_tell(books):
    page, program = books.socket(viewer=True), books.socket(viewer=False)
    assert await books.follow(page, A, B, C, D, E) == ([A, B, C, D, E], 5)

    assert await books.follow(program, F, G, at=NOW + 1) == ([F, G], 5)

    assert books.told == [(program.field, [page.field])]
    assert (await books.review(page, A, B, C, D, E))[0] == [E, D]
    assert await books.use() == Use([A, B, C, F, G], [A, B, C], 1, 1)


async def test_a_program_that_has_room_takes_nothing_from_anybody(books):
    page, program = books.socket(viewer=True), books.socket(viewer=False)
    await books.follow(page, A, B, C)

    assert await books.follow(program, F, G) == ([F, G], 5)

    assert books.told == []
    assert await books.review(page, A, B, C) == ([], 5)


async def test_what_a_program_follows_costs_a_page_nothing_and_a_program_nothing(books):
    page, program = books.socket(viewer=True), books.socket(viewer=False)
    await books.follow(program, A, B, C, D, E)

    assert await books.follow(page, A, B, C, D, E) == ([A, B, C, D, E], 5)
    assert await books.review(page, A, B, C, D, E) == ([], 5)
    assert await books.use() == Use([A, B, C, D, E], [], 1, 1)


async def test_a_page_never_takes_a_programs_quota(books):
    page, program, other = books.socket(viewer=True), books.socket(viewer=False), books.socket(viewer=False)
    await books.follow(program, A, B, C)
    await books.follow(other, C, D)

    assert await books.follow(page, E, F, G) == ([E], 5)
    assert await books.follow(program, F) == ([F], 5)
    assert (await books.review(page, E))[0] == [E]


async def test_all_or_none_of_a_program_counts_programs_alone(books):
    page, program = books.socket(viewer=True), books.socket(viewer=False)
    await books.follow(page, A, B, C, D, E)

    assert await books.follow(program, F, G, whole=True) == ([F, G], 5)
    assert await books.follow(program, A, B, C, D, whole=True) == ([], 5)


async def test_a_symbol_of_two_pages_goes_from_both(books):
    one, two, program = books.socket(viewer=True), books.socket(viewer=True), books.socket(viewer=False)
    await books.follow(one, A, B)
    await books.follow(two, B, C, at=NOW + 1)

    await books.follow(program, D, E, F, G, at=NOW + 2)  # leaves room for one: the oldest

    assert sorted(books.told[0][1]) == sorted([one.field, two.field])
    assert (await books.review(one, A, B))[0] == [B]
    assert (await books.review(two, B, C))[0] == [C, B]


async def test_what_was_taken_stays_taken_though_the_page_has_not_heard_of_it(books):
    page, program = books.socket(viewer=True), books.socket(viewer=False)
    await books.follow(page, A, B)
    await books.follow(program, C, D, E, F, G)

    assert await books.review(page, A, B) == ([B, A], 5)
    assert await books.use() == Use([C, D, E, F, G], [], 1, 1)


async def test_a_page_that_a_lost_store_has_forgotten_gets_back_what_there_is_room_for(books):
    page, program = books.socket(viewer=True), books.socket(viewer=False)
    await books.follow(page, A, B, C)
    await books.client.delete(page.key)
    await books.follow(program, D, E, F)

    assert await books.review(page, A, B, C) == ([C], 5)


async def test_a_program_that_a_lost_store_has_forgotten_gets_all_of_it_back(books):
    page, program = books.socket(viewer=True), books.socket(viewer=False)
    await books.follow(program, A, B, C)
    await books.client.delete(page.key)
    await books.follow(page, D, E, F, G)

    back = [InstrumentId.parse(one) for one in (A, B, C)]
    assert await books.registry.reconcile(program, back, NOW, 5) == 5

    assert books.told == [(program.field, [page.field])]
    assert (await books.review(page, D, E, F, G))[0] == [G, F]


async def test_pages_count_among_no_connections_and_push_nobody_out(books):
    first, second = books.socket(viewer=False), books.socket(viewer=False)
    assert await books.registry.register(first, 2, NOW) == (0, [])
    for _ in range(MOST_VIEWERS):
        assert await books.registry.register(books.socket(viewer=True), MOST_VIEWERS, NOW) == (0, [])
    assert await books.registry.register(second, 2, NOW + 1) == (0, [])
    assert await books.registry.register(books.socket(viewer=False), 2, NOW + 2) == (0, [first.field])


async def test_the_sixth_page_is_refused_and_gets_in_when_one_has_gone(books):
    pages, claims = [books.socket(viewer=True) for _ in range(6)], books.claims(viewer=True)
    for page in pages[:5]:
        await books.registry.register_and_lookup(page, claims, MOST_VIEWERS, NOW)
    with pytest.raises(TooManyViewers):
        await books.registry.register_and_lookup(pages[5], claims, MOST_VIEWERS, NOW)
    assert (await books.use()).viewers == 5

    await books.registry.leave(pages[0])

    assert (await books.registry.register_and_lookup(pages[5], claims, MOST_VIEWERS, NOW))[1:] == (0, [])


async def test_pages_of_a_process_that_died_hold_nothing(books):
    claims = books.claims(viewer=True)
    for _ in range(5):
        await books.follow(books.socket(viewer=True, process="gone-1-aa"), A)
    await books.client.zadd(keyspace.PROCESSES, {"gone-1-aa": NOW - 60_000})
    await books.registry.sign(NOW)

    await books.registry.register_and_lookup(books.socket(viewer=True), claims, MOST_VIEWERS, NOW)

    assert await books.use() == Use([], [], 0, 1)


async def test_a_hundred_pages_that_come_and_go_leave_a_programs_limit_alone(books):
    page, claims = books.socket(viewer=True), books.claims(viewer=True)
    for _ in range(60):
        await books.registry.register_and_lookup(page, claims, MOST_VIEWERS, NOW)

    program = books.socket(viewer=False)
    assert (await books.registry.register_and_lookup(program, books.claims(viewer=False), 2, NOW))[1:] == (0, [])


async def test_a_smaller_quota_takes_from_pages_first(books):
    page, program = books.socket(viewer=True), books.socket(viewer=False)
    await books.follow(page, A, B, C)
    await books.follow(program, D, E, at=NOW + 1)

    assert await books.registry.shrink(page, 3, NOW) == ([C, B], 3)
    assert await books.registry.shrink(program, 3, NOW) == ([], 3)
    assert await books.registry.shrink(program, 1, NOW) == ([E], 1)
    assert await books.registry.shrink(page, 1, NOW) == ([A], 1)


async def test_newest_values_of_programs_and_of_pages_over_rest_are_two_things(books):
    limiter = RateLimiter(lambda: books.client, lambda: books.registry.dead)
    page, program = books.claims(viewer=True), books.claims(viewer=False)

    async def left_out(claims, *symbols):
        return sorted((await limiter.admit(claims, NOW, wanted=Wanted(symbols))).left_out)

    await books.follow(books.socket(viewer=True), A, B)
    assert await left_out(page, A, C, D, E, F) == [F]
    assert await left_out(program, C, D, E, F, G) == []  # as if nobody looked
    assert await left_out(page, C, G) == []  # what programs ask for costs a page nothing
    assert await left_out(page, D, str(SYMBOLS[9])) == [str(SYMBOLS[9])]


async def test_a_page_makes_room_for_what_programs_ask_for_over_rest(books):
    limiter = RateLimiter(lambda: books.client, lambda: books.registry.dead)
    page = books.socket(viewer=True)
    await books.follow(page, A, B, C)
    await limiter.admit(books.claims(viewer=False), NOW, wanted=Wanted([C, D, E, F]))

    assert await books.review(page, A, B, C) == ([B], 2)
    assert await books.follow(page, G) == ([], 2)
    assert await books.follow(page, D) == ([D], 3)  # programs pay for it already
    assert await books.follow(page, B, at=NOW + 60_001) == ([B], 4)  # a minute later nobody has asked


async def test_looking_spends_none_of_a_programs_calls(books):
    limiter = RateLimiter(lambda: books.client, lambda: books.registry.dead)
    await limiter.admit(books.claims(viewer=True), NOW, 120)

    await limiter.admit(books.claims(viewer=False), NOW, 120)


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_programs_have_what_they_would_have_alone(books, seed):
    """The same steps with and without pages: programs are granted the same, and the union is never over the quota."""
    chosen, alone = random.Random(seed), Books(books.client)
    programs = [books.socket(viewer=False) for _ in range(3)]
    twins = [ConnectionKey(alone.customer, GROUP, one.field) for one in programs]
    pages: dict[ConnectionKey, set[str]] = {books.socket(viewer=True): set() for _ in range(3)}
    for step in range(120):
        symbols = [str(one) for one in chosen.sample(SYMBOLS[:9], chosen.randint(1, 4))]
        nth, at = chosen.randrange(3), NOW + step
        match chosen.choice(("program", "program", "page", "page", "leave", "reviews")):
            case "program":
                granted, used = await books.follow(programs[nth], *symbols, at=at)
                assert granted == (await alone.follow(twins[nth], *symbols, at=at))[0]
                assert used <= 5
            case "page":
                page = list(pages)[nth]
                granted, used = await books.follow(page, *symbols, at=at)
                pages[page].update(granted)
                assert used <= 5
            case "leave":
                gone = [InstrumentId.parse(one) for one in symbols]
                await books.registry.release(programs[nth], gone, at)
                await alone.registry.release(twins[nth], gone, at)
            case "reviews":
                for page, followed in pages.items():
                    followed -= set((await books.review(page, *followed, at=at))[0])
        now = await books.use()
        assert len(now.symbols) <= 5
        assert set(now.symbols) - set(now.viewers_only) == set((await alone.use()).symbols)
    assert books.told
