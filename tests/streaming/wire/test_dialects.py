"""Every dialect: what one side prints the other reads, for anything that can be said; and garbage is always answered."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.soak.said import messages
from kernel.errors import PlatformError
from kernel.instruments import InstrumentId
from kernel.scope import Scope, Step
from streaming.domain.instruments import Directory, Instrument
from streaming.domain.intervals import FormedBar
from streaming.domain.ticks import Levels, Snapshot, Trade
from streaming.records.window import Book, Print
from streaming.reference import directory
from streaming.wire.channels import Channel
from streaming.wire.connection import Connection
from streaming.wire.dialect import Dialect, load_dialects
from streaming.wire.dialects.alltick import upstream as alltick
from streaming.wire.dialects.itick import upstream as itick
from streaming.wire.dialects.itick.rest import INTERVALS
from streaming.wire.dialects.realtime_hk import upstream as realtime_hk
from streaming.wire.dialects.tickdb import upstream as tickdb
from streaming.wire.requests import Auth, Claim, Close, Follow, Lookup, Ping, Send, Subscribe, Unsubscribe
from streaming.wire.upstream import IntervalBar
from tests.streaming.spoken import DIALECTS

NOW_MS = 1_790_000_000_000
LISTED = directory()
CARRIED = [one.id for one in LISTED if one.lane != "TEST"]
instruments = st.sampled_from(CARRIED)
in_hong_kong = st.sampled_from([one for one in CARRIED if one.lane == "HK"])
prices = st.integers(1, 10**10)
volumes = st.integers(0, 10**12)
turnovers = st.integers(0, 10**14)  # a JSON number holds 15 digits exactly
instants = st.integers(1_600_000_000_000, 1_900_000_000_000)
orders = st.lists(st.tuples(prices, st.integers(1, 10**9)), min_size=1, max_size=10)
prints = st.builds(
    Print, st.just(""), st.integers(1, 10**9), instants, prices, volumes, turnovers, st.sampled_from("BSN")
)
books = st.builds(
    Book, st.just(""), st.integers(1, 10**9), instants, prices, prices, prices, prices, prices, volumes, turnovers,
    orders, orders, st.integers(0, 10**9),
)  # fmt: skip
bars = st.builds(FormedBar, instants, prices, prices, prices, prices, volumes, turnovers)


def shown(dialect: Dialect, instrument: InstrumentId, kind: str) -> str:
    return dialect.shown(Channel(instrument, kind, dialect=dialect.name))


def sides(book: Book) -> tuple:
    return tuple(book.bids), tuple(book.asks)


@given(instruments, prints)
def test_a_trade_says_the_same_on_every_wire(instrument, one):
    for name, read in (("itick", itick.read), ("tickdb", tickdb.read), ("alltick", alltick.read)):
        spoken = DIALECTS[name]
        (heard,) = read(spoken.tick(shown(spoken, instrument, "tick"), one, None), LISTED)
        assert isinstance(heard, Trade)
        assert (heard.instrument, heard.at_ms, heard.price_e4, heard.volume) == (
            instrument, one.at_ms, one.price_e4, one.volume,
        )  # fmt: skip
        assert heard.side == (one.side if name != "itick" else "N")
        assert name != "alltick" or heard.turnover_e4 == one.turnover_e4


@given(in_hong_kong, prints, books)
def test_a_trade_of_realtime_hk_comes_with_the_best_orders(instrument, one, book):
    spoken = DIALECTS["realtime_hk"]
    trade, levels = realtime_hk.read(spoken.tick(shown(spoken, instrument, "tick"), one, book), LISTED)
    assert (trade.instrument, trade.at_ms, trade.price_e4, trade.volume) == (
        instrument, one.at_ms, one.price_e4, one.volume,
    )  # fmt: skip
    assert (levels.bids, levels.asks) == ((book.bids[0],), (book.asks[0],))


@given(instruments, books)
def test_a_picture_says_the_same_on_every_wire(instrument, book):
    for name, read in (("itick", itick.read), ("tickdb", tickdb.read), ("alltick", alltick.read)):
        spoken = DIALECTS[name]
        (levels,) = read(spoken.depth(shown(spoken, instrument, "depth"), book), LISTED)
        assert isinstance(levels, Levels)
        assert (levels.instrument, (levels.bids, levels.asks)) == (instrument, sides(book))
    for name, read in (("itick", itick.read), ("tickdb", tickdb.read)):
        spoken = DIALECTS[name]
        (day,) = read(spoken.quote(shown(spoken, instrument, "quote"), book), LISTED)
        assert isinstance(day, Snapshot)
        assert (day.instrument, day.at_ms, day.last_e4, day.high_e4, day.low_e4, day.cum_volume) == (
            instrument, book.at_ms, book.last_e4, book.high_e4, book.low_e4, book.volume,
        )  # fmt: skip
        if name == "itick":
            assert (day.prev_close_e4, day.open_e4, day.cum_turnover_e4, day.iopv_e4) == (
                book.prev_close_e4, book.open_e4, book.turnover_e4, book.iopv_e4,
            )  # fmt: skip


@given(instruments, st.sampled_from(sorted(INTERVALS.values())), bars)
def test_a_bar_says_the_same_on_every_wire(instrument, interval, bar):
    itself = DIALECTS["itick"]
    number = next(number for number, kind in INTERVALS.items() if kind == interval)
    named = itself.shown(Channel(instrument, interval, dialect="itick", form=f"kline@{number}"))
    assert itick.read(itself.formed(named, interval, 1, bar, final=False), LISTED) == [
        IntervalBar(instrument, interval, bar)
    ]
    other = DIALECTS["tickdb"]
    text = other.formed(shown(other, instrument, interval), interval, 1, bar, final=True)
    assert tickdb.read(text, LISTED) == [IntervalBar(instrument, interval, bar)]


@given(
    st.lists(instruments, min_size=1, max_size=20, unique=True),
    st.lists(st.sampled_from(["tick", "depth"]), min_size=1, unique=True),
)
def test_what_our_own_client_says_is_read_as_it_was_meant(wanted, kinds):
    said = {
        "itick": [itick.subscribe(wanted, kinds)],
        "tickdb": [tickdb.subscribe(wanted, kind) for kind in kinds],
        "alltick": [alltick.subscribe(wanted, kind, seq_id=7) for kind in kinds],
    }
    for name, texts in said.items():
        spoken, heard = DIALECTS[name], []
        for message in texts:
            request = spoken.parse(message)
            assert isinstance(request, Subscribe)
            assert [spoken.resolve(symbol) for symbol in request.symbols] == wanted
            heard += request.kinds
        assert heard == kinds


def test_tokens_and_signs_of_life_are_read_as_they_were_meant():
    assert DIALECTS["itick"].parse(itick.authenticate("abc")) == Auth("abc")
    assert isinstance(DIALECTS["alltick"].parse(alltick.heartbeat(5)), Ping)


def test_a_dialect_reads_symbols_by_the_list_that_it_was_given():
    renamed = Directory([Instrument("00701.HK", "改名", aliases="700.HK")])

    for name, spoken in load_dialects(renamed).items():
        asked = {"itick": "700$HK"}.get(name, "700.HK")
        assert str(spoken.resolve(asked)) == "00701.HK", name


# -- anything that a client can say ------------------------------------------------------------------------------------


def answered(connection: Connection, text: str) -> list:
    """Go the whole way of a message, with a store that grants everything."""
    todo, done = connection.received(text, NOW_MS), []
    while todo:
        effect = todo.pop(0)
        done.append(effect)
        if isinstance(effect, Lookup):
            todo = [*connection.looked_up(effect.request, frozenset(effect.unknown), NOW_MS), *todo]
        elif isinstance(effect, Claim):
            todo = [*connection.claimed(effect, frozenset(effect.instruments), 1, NOW_MS), *todo]
    return done


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_whatever_a_client_says_is_answered_or_ends_the_socket(name):
    spoken, both, levels = DIALECTS[name], frozenset({"CN", "HK"}), frozenset({"L1"})
    now_s = NOW_MS // 1000
    steps = (Step(now_s - 1, 10**5, 2, both, levels), Step(now_s + 10**6, 0, 0, frozenset(), frozenset()))

    @given(st.lists(messages, min_size=1, max_size=5))
    def talk(said):
        via = next(iter(spoken.paths.values()))
        connection = Connection(
            dialect=spoken, scope=Scope("alice", "cn", 1, steps), carried=lambda one: one.code != "00005", via=via
        )
        connection.opened(node="n", now_ms=NOW_MS, used=0, epochs={}, markets={})
        for text in said:
            effects = answered(connection, text)
            for effect in effects:
                if isinstance(effect, Send):
                    json.loads(effect.text)
                    effect.text.encode()
                    assert name != "alltick" or not {"true", "false", "null"} & set(_tokens(effect.text))
            silent = spoken.rules.errors_close  # it has no word for anything but trades
            assert effects or (silent and isinstance(spoken.parse(text, via), Ping | Unsubscribe)), text
            assert silent or any(
                isinstance(effect, Send | Close) or not isinstance(effect, Follow) for effect in effects
            )

    talk()


def _tokens(text: str) -> list[str]:
    return text.replace(":", " ").replace(",", " ").replace("}", " ").replace("]", " ").split()


@given(messages)
def test_what_a_provider_says_is_read_or_refused_with_a_reason(text):
    reasons = set()
    for read in (itick.read, tickdb.read, alltick.read, realtime_hk.read):
        try:
            read(text, LISTED)
        except PlatformError as error:
            reasons.add(bool(error.message))
    assert reasons <= {True}
