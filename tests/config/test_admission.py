"""So many requests work at once, so many wait, the rest is asked to come again; notices never wait behind pages."""

import asyncio

import pytest

from config.admission import Admission, Line, Overloaded
from config.databases import NOTICES_AT_ONCE, connection_options


async def test_no_more_than_so_many_are_inside():
    line, inside, most = Line(3, waiting=100), 0, 0

    async def work():
        nonlocal inside, most
        leave = await line.enter()
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1
        leave()
        leave()  # a second time changes nothing

    await asyncio.gather(*(work() for _ in range(40)))
    assert most == 3
    assert line.refused == 0


async def test_who_finds_the_line_full_is_refused_at_once():
    line = Line(1, waiting=2)
    leave = await line.enter()
    waiting = [asyncio.create_task(line.enter()) for _ in range(2)]
    await asyncio.sleep(0)

    with pytest.raises(Overloaded):
        await line.enter()

    leave()
    (await waiting[0])()
    (await waiting[1])()
    (await line.enter())()


async def test_who_waits_too_long_is_refused_and_leaves_room():
    line = Line(1, waiting=1, seconds=0.01)
    leave = await line.enter()
    for _ in range(3):
        with pytest.raises(Overloaded):
            await line.enter()
    leave()
    (await line.enter())()


class Pages:
    """An application whose requests stay until they are let go."""

    def __init__(self):
        self.let_go, self.served = asyncio.Event(), []

    async def __call__(self, scope, receive, send):
        if not scope["path"].startswith("/payments/"):
            await self.let_go.wait()
        self.served.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})


async def ask(application, path, accept=b"*/*"):
    sent = []

    async def send(message):
        sent.append(message)

    await application({"path": path, "headers": [(b"accept", accept)]}, None, send)
    return sent


@pytest.fixture
def one_page(settings):
    settings.PAGES_AT_ONCE = 1


async def test_a_notice_is_taken_while_pages_hold_everything(one_page):
    pages = Pages()
    application = Admission(pages)
    tasks = [asyncio.create_task(ask(application, "/dashboard/")) for _ in range(50)]
    await asyncio.sleep(0)

    notices = await asyncio.gather(*(ask(application, "/payments/sandbox/notify") for _ in range(50)))

    assert [one[0]["status"] for one in notices] == [200] * 50
    assert pages.served == ["/payments/sandbox/notify"] * 50
    pages.let_go.set()
    assert [answer[0]["status"] for answer in await asyncio.gather(*tasks)] == [200] * 50


@pytest.mark.parametrize(
    ("accept", "kind"), [(b"text/html,*/*", b"text/html; charset=utf-8"), (b"*/*", b"application/json")]
)
async def test_the_rest_is_asked_to_come_again(one_page, accept, kind):
    pages = Pages()
    application = Admission(pages)
    application._pages = Line(1, waiting=0)
    inside = asyncio.create_task(ask(application, "/"))
    await asyncio.sleep(0)

    start, body = await ask(application, "/", accept)

    assert start["status"] == 503
    assert dict(start["headers"])[b"retry-after"] == b"3"
    assert dict(start["headers"])[b"content-type"] == kind
    assert body["body"]
    pages.let_go.set()
    await inside


async def test_a_client_that_reads_slowly_keeps_nobody_out(one_page):
    stuck = asyncio.Event()

    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/slow":
            await stuck.wait()

    lines = Admission(application)
    slow = asyncio.create_task(ask(lines, "/slow"))
    await asyncio.sleep(0)

    assert (await asyncio.wait_for(ask(lines, "/"), 5))[0]["status"] == 200
    stuck.set()
    await slow


def test_the_pool_has_a_connection_for_each_that_works():
    assert connection_options(16, behind_pgbouncer=False)["pool"]["max_size"] > 16 + NOTICES_AT_ONCE


def test_behind_pgbouncer_nothing_outlives_a_transaction():
    chosen = connection_options(16, behind_pgbouncer=True)
    assert "pool" not in chosen
    assert chosen["prepare_threshold"] is None
