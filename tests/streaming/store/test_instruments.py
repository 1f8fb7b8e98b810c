"""The published list in Redis: its head is looked at, the rest is read when it is new, and rubbish changes nothing."""

import asyncio
import threading

import pytest

from kernel import keyspace
from kernel.instruments import InstrumentId
from kernel.listing import complete, line, pack
from streaming.reference import directory, instruments
from streaming.store.instruments import look, look_async

pytestmark = pytest.mark.whole


@pytest.fixture(autouse=True)
def back_to_the_committed_list(store):
    store.delete(keyspace.INSTRUMENTS)
    yield
    store.delete(keyspace.INSTRUMENTS)
    instruments.take(0, None)


def publish(store, rev, *rows):
    store.set(keyspace.INSTRUMENTS, pack(rev, [line(complete(row)) for row in rows]))


def test_the_newest_published_list_counts_else_the_committed_one(store):
    committed = len(directory())
    assert (look(store), instruments.rev(), len(directory())) == ({}, 0, committed)

    publish(store, 3, {"symbol": "600519.SH", "name_zh": "新名"})
    look(store)
    assert (instruments.rev(), len(directory()), directory().resolve("600519.SH").name_zh) == (3, 1, "新名")

    publish(store, 2, {"symbol": "600519.SH", "name_zh": "旧名"})  # a store that went back to an older copy
    look(store)
    assert directory().resolve("600519.SH").name_zh == "旧名"

    store.delete(keyspace.INSTRUMENTS)
    look(store)
    assert (instruments.rev(), len(directory())) == (0, committed)


def test_a_list_that_is_in_force_is_not_read_again(store, monkeypatch):
    publish(store, 3, {"symbol": "600519.SH", "name_zh": "新名"})
    look(store)
    asked, execute = [], store.execute_command
    monkeypatch.setattr(store, "execute_command", lambda *said, **more: asked.append(said[0]) or execute(*said, **more))

    for _ in range(3):
        look(store)

    assert asked == ["GETRANGE"] * 3
    publish(store, 4)
    look(store)
    assert asked[3:] == ["SET", "GETRANGE", "GET"]


def test_whose_code_has_changed_is_told_once(store):
    publish(store, 1, {"symbol": "830999.BJ", "name_zh": "甲"})
    look(store)
    publish(store, 2, {"symbol": "920999.BJ", "name_zh": "甲", "former_codes": "830999.BJ"})

    old, new = InstrumentId.parse("830999.BJ"), InstrumentId.parse("920999.BJ")
    assert look(store) == {old: new}
    assert look(store) == {}
    assert directory().canonical("830999.BJ") == new


@pytest.mark.parametrize("rubbish", [b"x", b"1 9 !!!", b"2 9 abc", b"1 9 " + b"0" * 100, b"1 x y"])
def test_what_cannot_be_read_leaves_the_list_in_force(store, rubbish):
    publish(store, 3, {"symbol": "600519.SH", "name_zh": "新名"})
    look(store)
    store.set(keyspace.INSTRUMENTS, rubbish)

    assert look(store) == {}
    assert (instruments.rev(), directory().resolve("600519.SH").name_zh) == (3, "新名")


def test_a_row_of_a_later_release_with_more_fields_is_read(store):
    later = line(complete({"symbol": "600519.SH", "name_zh": "新名"}))[:-1] + ',"more",1]'
    store.set(keyspace.INSTRUMENTS, pack(4, [later]))

    look(store)

    assert directory().resolve("600519.SH").name_zh == "新名"


def test_threads_that_look_together_take_it_once(store):
    publish(store, 1, {"symbol": "830999.BJ", "name_zh": "甲"})
    look(store)
    publish(store, 2, {"symbol": "920999.BJ", "name_zh": "甲", "former_codes": "830999.BJ"})
    told, start = [], threading.Barrier(4)

    def ask():
        start.wait()
        told.append(look(store))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(10)

    assert sorted(map(len, told)) == [0, 0, 0, 1]


def test_an_event_loop_looks_the_same_way(store):
    publish(store, 5, {"symbol": "600519.SH", "name_zh": "新名"})

    async def ask():
        from streaming.store.connection import new_redis_async

        client = new_redis_async()
        try:
            return await look_async(client)
        finally:
            await client.aclose()

    assert asyncio.run(ask()) == {}
    assert instruments.rev() == 5
