"""The last 72 h by pieces: read once, complete by themselves, encoded once for all who ask."""

import json

import pytest

from kernel import keyspace
from streaming.hub import window_cache as cache_module
from streaming.records.window import end_ms, pack
from streaming.store import readable
from streaming.wire.channels import Channel
from streaming.wire.framing import payloads
from tests.streaming.hub.conftest import MOUTAI, PINGAN, make_cache, make_market, make_segment, window

KEYFRAME = {"keyframe": True, "references": [("600519.SH", 90)]}


class Store:
    """Streams by key, as a client of the real-time store reads them; `reads` counts how often."""

    def __init__(self) -> None:
        self.streams: dict[str, list[tuple[int, dict[bytes, bytes]]]] = {}
        self.reads = 0
        self.on_read = lambda: None

    def add(self, *windows, epoch: str = "e1") -> None:
        stream = self.streams.setdefault(keyspace.stream("CN", epoch), [])
        stream += [(end_ms(one.seq), {b"w": pack(one)}) for one in windows]

    async def xrange(self, key, min="-", max="+", count=None):
        self.reads += 1
        self.on_read()
        after = int(min[1:].partition("-")[0])
        until = int(max.partition("-")[0]) if max != "+" else 10**15
        return [(b"%d-0" % at, fields) for at, fields in self.streams.get(key, []) if after < at <= until][:count]


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def market():
    return make_market()


@pytest.fixture
def cache(market):
    return make_cache(market)


def told(frames) -> list[tuple]:
    """(seq, close in ten-thousandths, volume) of each window's bar; None where it has none."""
    bars = [json.loads(payloads(frame)[0]) if frame else None for frame in frames]
    return [bar and (bar["seq"], round(bar["data"]["close"] * 10_000), bar["data"]["volume"]) for bar in bars]


# -- one piece ---------------------------------------------------------------------------------------------------------


def test_a_piece_takes_each_window_once_and_none_that_is_older():
    segment = make_segment(0)

    for seq in (1, 2, 2, 1, 4):
        segment.append(seq, pack(window(seq)))

    assert (segment.seqs, segment.last_seq) == ([1, 2, 4], 4)
    assert [one.seq for one in segment.windows(after=1)] == [2, 4]
    assert [segment.index_after(seq) for seq in (0, 1, 3, 4)] == [0, 1, 2, 3]


@pytest.mark.parametrize(("first", "whole"), [(KEYFRAME, True), ({}, False)])
def test_a_piece_is_whole_when_its_first_window_names_every_price(first, whole):
    segment = make_segment(0)

    segment.append(1, pack(window(1, **first)))
    segment.append(2, pack(window(2, keyframe=True)))

    assert segment.whole is whole


async def test_flats_are_made_from_the_keyframes_price_while_the_market_is_open_and_the_instrument_trades():
    segment = make_segment(0)
    for one in (
        window(1, **KEYFRAME),
        window(2, ("600519.SH", 5)),
        window(3),
        window(4, states=[("600519.SH", "halted")]),
        window(5, state="lunch_break", states=[("600519.SH", "trading")]),
        window(6),
    ):
        segment.append(one.seq, pack(one))
    filled, bare = Channel(MOUTAI), Channel(MOUTAI, fill=False)

    await segment.encode([filled, bare])

    assert told(segment.frames(filled)) == [(1, 90, 0), (2, 100, 5), (3, 100, 0), None, None, (6, 100, 0)]
    assert told(segment.frames(bare)) == [None, (2, 100, 5), None, None, None, None]


async def test_a_frame_is_encoded_once_and_what_was_added_since_is_made_up():
    segment = make_segment(0)
    for seq in (1, 2):
        segment.append(seq, pack(window(seq, **KEYFRAME)))

    made = [await segment.encode([Channel(MOUTAI)]), await segment.encode([Channel(MOUTAI)])]
    segment.append(3, pack(window(3)))
    lacks = segment.lacks([Channel(MOUTAI), Channel(PINGAN)])
    made.append(await segment.encode([Channel(MOUTAI), Channel(PINGAN)]))

    assert made == [2, 0, 1 + 3]
    assert lacks == [Channel(MOUTAI), Channel(PINGAN)]
    assert segment.lacks([Channel(MOUTAI), Channel(PINGAN)]) == []
    assert told(segment.frames(Channel(MOUTAI))) == [(1, 90, 0), (2, 90, 0), (3, 90, 0)]
    assert told(segment.frames(Channel(PINGAN))) == [None, None, None]


async def test_frames_that_are_dropped_are_counted_and_made_again():
    segment = make_segment(0)
    segment.append(1, pack(window(1, **KEYFRAME)))
    await segment.encode([Channel(MOUTAI), Channel(PINGAN)])

    assert segment.forget_frames() == 2
    assert segment.lacks([Channel(MOUTAI)]) == [Channel(MOUTAI)]
    assert await segment.encode([Channel(MOUTAI)]) == 1


# -- the pieces of a market --------------------------------------------------------------------------------------------


async def test_a_piece_is_read_once_and_stays_complete_by_what_is_sent(store, cache, market):
    store.add(window(1, **KEYFRAME), window(2))
    market.apply(window(2))

    first = await cache.segment(store, 0)
    reads = store.reads
    market.apply(window(3))
    cache.add(3, pack(window(3)))
    second = await cache.segment(store, 0)

    assert first is second
    assert (second.seqs, store.reads) == ([1, 2, 3], reads)


async def test_a_piece_of_a_hundred_windows_is_read_to_its_end_and_no_further(store, cache, market):
    store.add(*(window(seq) for seq in range(1, 151)))
    market.apply(window(150))

    assert (await cache.segment(store, 0)).seqs == list(range(1, 100))
    assert (await cache.segment(store, 1)).seqs == list(range(100, 151))


async def test_what_is_sent_of_a_piece_that_nobody_asked_for_is_not_kept(store, cache, market):
    store.add(window(1), window(2))
    market.apply(window(2))

    cache.add(2, pack(window(2)))

    assert (await cache.segment(store, 0)).seqs == [1, 2]  # from its beginning


async def test_a_new_epoch_shares_nothing_with_the_one_before(store, cache, market):
    store.add(window(1), window(2))
    store.add(window(1, ("600519.SH", 7)), epoch="e2")
    market.apply(window(2))
    await cache.segment(store, 0)

    market.begin("e2", {}, market.calendar, from_start=True)
    market.apply(window(1))
    cache.add(2, pack(window(2)))  # before anybody asked again
    segment = await cache.segment(store, 0)

    assert segment.seqs == [1]
    assert [bar.volume for one in segment.windows(after=0) for bar in one.bars] == [7]


async def test_a_piece_whose_epoch_ended_while_it_was_read_is_empty_and_not_kept(store, cache, market):
    store.add(window(1), window(2))
    store.add(window(9), epoch="e2")
    market.apply(window(2))
    store.on_read = lambda: market.begin("e2", {}, market.calendar, from_start=True)

    broken_off = await cache.segment(store, 0)
    store.on_read = lambda: None

    assert broken_off.seqs == []
    assert (await cache.segment(store, 0)).seqs == [9]


async def test_an_entry_that_cannot_be_read_is_named_in_the_log_and_passed_over(
    store, cache, market, caplog, monkeypatch
):
    monkeypatch.setattr(readable, "_said", set())  # each complaint is said once a process
    store.add(window(1), window(2), window(3))
    store.streams[keyspace.stream("CN", "e1")][1] = (end_ms(2), {b"other": b""})
    market.apply(window(3))

    segment = await cache.segment(store, 0)

    assert segment.seqs == [1, 3]
    assert "windows of market CN: the field b'w' is missing; passed over" in caplog.text


async def test_of_more_pieces_than_are_kept_the_one_asked_for_longest_ago_goes(store, cache, market, monkeypatch):
    monkeypatch.setattr(cache_module, "_KEPT", 2)
    store.add(*(window(seq) for seq in (1, 100, 200)))
    market.apply(window(200))
    for number in (0, 1, 0, 2):
        await cache.segment(store, number)

    reads = store.reads
    await cache.segment(store, 0)
    kept = store.reads - reads
    await cache.segment(store, 1)

    assert (kept, store.reads - reads) == (0, 1)


async def test_what_everybody_wants_is_encoded_in_one_pass(store, cache, market):
    store.add(window(1, **KEYFRAME))
    market.apply(window(1))

    segment = await cache.encoded(store, 0, [Channel(MOUTAI)], lambda: {Channel(PINGAN)})

    assert segment.lacks([Channel(MOUTAI), Channel(PINGAN)]) == []


async def test_frames_of_all_pieces_are_dropped_when_they_are_too_many(store, cache, market, monkeypatch):
    monkeypatch.setattr(cache_module, "_KEPT_FRAMES", 1)
    store.add(window(1, **KEYFRAME), window(2), window(100, **KEYFRAME))
    market.apply(window(100))
    first = await cache.encoded(store, 0, [Channel(MOUTAI)], set)

    second = await cache.encoded(store, 1, [Channel(MOUTAI)], set)

    assert first.lacks([Channel(MOUTAI)]) == [Channel(MOUTAI)]
    assert second.lacks([Channel(MOUTAI)]) == []


async def test_the_first_window_behind_a_hole_is_found(store, cache):
    store.add(window(1), window(700))

    assert await cache.next_seq(store, 1) == 700
    assert await cache.next_seq(store, 700) is None


async def test_what_is_forgotten_is_read_again(store, cache, market):
    store.add(window(1))
    market.apply(window(1))
    before = await cache.segment(store, 0)

    cache.forget()

    assert await cache.segment(store, 0) is not before
