"""One market's channels: who follows what, and what the frames of a window are."""

import json

import pytest

from streaming.domain.intervals import FormedBar, Forming
from streaming.hub.market_track import MarketTrack, Notice
from streaming.records.window import Book, Newest, Print
from streaming.reference import directory
from streaming.wire.channels import Channel
from streaming.wire.dialect import Dialect
from streaming.wire.framing import framed, payloads
from tests.streaming.hub.conftest import MOUTAI, PINGAN, make_market, make_track, window
from tests.streaming.spoken import DIALECTS

AT_TEN = Newest(0, 0, 0, 0, 100_000, 0, 0, "trading", 100_000, "", 0, 0, 0, 0, 0)
BOOK = Book("600519.SH", 9, 1_500, 1, 2, 3, 4, 50_000, 6, 7, [(49_000, 1), (48_000, 2)], [(51_000, 3)])
PRINT = Print("600519.SH", 5, 1_500, 50_000, 100, 5_000_000, "B")


@pytest.fixture
def track():
    return make_track(make_market(newest={"600519.SH": AT_TEN}))


def frames_of(track, one):
    """Apply a window as the hub does, and return its frames and the numbers that have one."""
    return track.frames_of(one, track.latest.apply(one).moved)


def told(frames) -> list[dict]:
    return [json.loads(text) for text in payloads(b"".join(frames))]


# -- who follows what --------------------------------------------------------------------------------------------------


def test_a_channel_keeps_its_number_and_no_other_gets_it(track):
    first = track.acquire(Channel(MOUTAI)).number
    track.give_back(Channel(MOUTAI))

    second = track.acquire(Channel(PINGAN)).number
    again = track.acquire(Channel(MOUTAI)).number

    assert (first, second, again) == (0, 1, 0)


def test_a_channel_is_followed_until_its_last_group_gives_it_back(track):
    track.acquire(Channel(MOUTAI))
    track.acquire(Channel(MOUTAI))

    counts = []
    for _ in range(2):
        track.give_back(Channel(MOUTAI))
        counts.append(track.followed())

    assert counts == [1, 0]


def test_each_kind_of_channel_counts_once(track):
    for kind in ("1.5s", "1m", "quote", "tick", "depth"):
        track.acquire(Channel(MOUTAI, kind))

    assert track.followed() == 5
    assert (len(track.bars), len(track.intervals), len(track.events)) == (1, 1, 3)


def test_a_longer_interval_is_held_while_anybody_follows_it(track):
    slot = track.acquire(Channel(MOUTAI, "5m"))

    held = track.latest.interval_bars["600519.SH", "5m"]
    assert slot.interval_bar is held
    assert track.slots_of(held) == [slot]
    track.give_back(Channel(MOUTAI, "5m"))
    assert track.latest.interval_bars == {}
    assert slot.interval_bar is None


def test_a_channel_that_nobody_has_ever_followed_has_no_slot(track):
    assert track.slot(Channel(PINGAN)) is None


# -- bars of windows ---------------------------------------------------------------------------------------------------


def test_a_window_has_a_frame_for_what_traded_and_a_flat_for_what_did_not(track):
    track.acquire(Channel(PINGAN))
    track.acquire(Channel(MOUTAI))

    frames, due = frames_of(track, window(1, ("000001.SZ", 7)))

    assert sorted(due) == [0, 1]
    traded, flat = told(frames)
    assert (traded["symbol"], traded["data"]["volume"]) == ("000001.SZ", 7)
    assert (flat["symbol"], flat["data"]["close"], flat["data"]["volume"]) == ("600519.SH", 10.0, 0)


def test_nobody_follows_anything_and_no_frame_is_made(track):
    assert frames_of(track, window(1, ("600519.SH", 5))) == ([], [])


@pytest.mark.parametrize(
    ("channel", "more"),
    [
        (Channel(MOUTAI, fill=False), {}),
        (Channel(MOUTAI), {"state": "lunch_break"}),
        (Channel(MOUTAI), {"states": [("600519.SH", "halted")]}),
        (Channel(PINGAN), {}),  # no price is known of it
    ],
    ids=["not wanted", "at lunch", "halted", "no price"],
)
def test_a_flat_is_left_out(track, channel, more):
    track.acquire(channel)

    assert frames_of(track, window(1, **more)) == ([b""], [])


def test_a_stamped_frame_says_when_its_window_was_closed(track):
    track.acquire(Channel(MOUTAI, stamp=True))

    (bar,) = told(frames_of(track, window(1, ("600519.SH", 5), made_ms=1_790_000_000_000))[0])

    assert bar["stamp"]["closed_ms"] == 1_790_000_000_000
    assert bar["stamp"]["sent_ms"] > 1_700_000_000_000


# -- bars in formation -------------------------------------------------------------------------------------------------


def test_a_bar_in_formation_is_silent_until_it_is_folded_and_then_told_with_each_trade(track):
    slot = track.acquire(Channel(MOUTAI, "1m"))
    before = (frames_of(track, window(1, ("600519.SH", 5)))[1], track.formed_frame(slot))

    slot.interval_bar.builder = Forming("1m", sessions=False)
    (bar,) = told(frames_of(track, window(2, ("600519.SH", 6)))[0])

    assert before == ([], b"")
    assert (bar["interval"], bar["seq"], bar["final"], bar["data"]["volume"]) == ("1m", 2, False, 6)


def test_the_end_of_one_bar_and_the_beginning_of_the_next_are_one_frame_of_the_channel(track):
    slot = track.acquire(Channel(MOUTAI, "1m"))
    slot.interval_bar.builder = Forming("1m", sessions=False)
    frames_of(track, window(40, ("600519.SH", 5)))  # 40 windows are a minute

    frames, due = frames_of(track, window(41, ("600519.SH", 6)))

    assert due == [0]
    assert [(bar["final"], bar["data"]["volume"]) for bar in told(frames)] == [(True, 5), (False, 6)]


def test_how_a_bar_stands_is_told_on_demand(track):
    slot = track.acquire(Channel(MOUTAI, "5m"))
    slot.interval_bar.builder = Forming("5m", sessions=False, bar=FormedBar(0, 10_000, 30_000, 10_000, 20_000, 7, 0))

    (bar,) = told([track.formed_frame(slot)])

    assert (bar["interval"], bar["final"], bar["data"]["close"], bar["data"]["volume"]) == ("5m", False, 2.0, 7)


# -- quotes, trades and depth ------------------------------------------------------------------------------------------


def test_trades_and_pictures_go_to_the_channels_of_their_kind(track):
    for kind in ("tick", "quote", "depth"):
        track.acquire(Channel(MOUTAI, kind))
    track.acquire(Channel(PINGAN, "tick"))

    frames = track.event_frames([PRINT, PRINT], [BOOK])

    assert [one["type"] for number in (0, 1, 2) for one in told([frames[number]])] == ["tick", "tick", "quote", "depth"]
    assert sorted(frames) == [0, 1, 2]


def test_what_nobody_follows_any_more_has_no_frames(track):
    first, second = Channel(MOUTAI, "tick"), Channel(MOUTAI, "tick", form="moutai")
    for channel in (first, second):
        track.acquire(channel)

    track.give_back(first)
    assert list(track.event_frames([PRINT], [])) == [1]
    track.give_back(second)
    assert track.event_frames([PRINT], [BOOK]) == {}


def test_depth_has_no_more_rows_than_its_follower_may_see(track):
    track.acquire(Channel(MOUTAI, "depth", rows=1))
    track.acquire(Channel(MOUTAI, "depth"))

    one, everything = told(track.event_frames([], [BOOK]).values())

    assert (one["data"]["bids"], one["data"]["asks"]) == ([[4.9, 1]], [[5.1, 3]])
    assert everything["data"]["bids"] == [[4.9, 1], [4.8, 2]]


def test_the_newest_picture_is_shown_to_who_asks_for_quotes_or_depth_and_to_nobody_else(track):
    quote, depth, bars = Channel(MOUTAI, "quote"), Channel(MOUTAI, "depth", rows=1), Channel(MOUTAI)
    for channel in (quote, depth, bars):
        track.acquire(channel)
    before = track.newest_frame(quote)

    track.latest.apply_events([], [BOOK])

    assert before == b""
    assert [track.newest_frame(one) and told([track.newest_frame(one)])[0]["type"] for one in (quote, depth, bars)] == [
        "quote",
        "depth",
        b"",
    ]
    assert track.newest_frame(Channel(PINGAN, "quote")) == b""


# -- news --------------------------------------------------------------------------------------------------------------


def test_a_new_state_and_a_halt_are_news_once(track):
    native = DIALECTS["native"]

    first = track.notices(track.latest.apply(window(1, states=[("600519.SH", "halted")])))
    second = track.notices(track.latest.apply(window(2, states=[("600519.SH", "halted")])))

    assert [one.symbol for one in first] == ["600519.SH", None]
    assert [json.loads(payloads(one.frame(native))[0])["state"] for one in first] == ["halted", "open"]
    assert second == []


def test_the_market_of_tests_has_no_state_to_tell():
    track = make_track(make_market("TEST"))

    assert track.notices(track.latest.apply(window(1))) == []


def test_news_are_put_into_words_once_a_language():
    asked = []
    news = Notice(None, lambda dialect: asked.append(dialect.name) or f"in {dialect.name}")
    native, itick = DIALECTS["native"], DIALECTS["itick"]

    frames = [news.frame(one) for one in (native, native, itick)]

    assert frames == [framed("in native"), framed("in native"), framed("in itick")]
    assert asked == ["native", "itick"]


def test_news_of_which_a_language_has_no_word_are_no_frame():
    assert Notice(None, lambda dialect: "").frame(DIALECTS["native"]) == b""


def test_a_bar_of_which_a_language_has_no_word_is_no_frame_and_no_delivery(track):
    class Mute(Dialect):
        name = "mute"

    made = MarketTrack(track.latest, {"mute": Mute(directory())})
    made.acquire(Channel(MOUTAI, dialect="mute"))

    moved = made.latest.apply(window(1, ("600519.SH", 5))).moved

    assert made.frames_of(window(1, ("600519.SH", 5)), moved) == ([b""], [])


@pytest.mark.parametrize("state", ["halted", "suspended", "delisted"])
def test_an_instrument_that_does_not_trade_has_no_flat_from_the_window_on_that_says_so(track, state):
    slot = track.acquire(Channel(MOUTAI))

    flat, _ = frames_of(track, window(1, state="open"))
    none, _ = frames_of(track, window(2, state="open", states=[("600519.SH", state)]))
    again, _ = frames_of(track, window(3, state="open", states=[("600519.SH", "trading")]))

    assert [bool(frames[slot.number]) for frames in (flat, none, again)] == [True, False, True]
