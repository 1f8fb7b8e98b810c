"""rt-receiver's words: what is pushed is read as it was written, whatever anybody sends is answered, texts are theirs."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import Malformed
from kernel.instruments import InstrumentId
from streaming.domain.ticks import Snapshot
from streaming.records.pushed import PushedTick
from streaming.records.window import Book
from streaming.reference import directory
from streaming.wire.channels import Channel
from streaming.wire.dialects.rt_receiver import push, rest, upstream
from streaming.wire.dialects.rt_receiver.push import BadBatch, Batch, Item
from streaming.wire.requests import Subscribe
from tests.streaming.spoken import DIALECTS

LISTED = directory()
TODAY = "20260309"
RT_RECEIVER = DIALECTS["rt_receiver"]
money = st.integers(0, 10**11)
shares = st.integers(0, 10**11)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def batches(draw):
    market = draw(st.sampled_from(["a_stock", "etf", "index", "hk"]))
    codes = ["00700.HK", "HSI.HK", "02800.HK"] if market == "hk" else ["600519.SH", "000001.SZ", "920186.BJ"]
    ticks = st.builds(
        PushedTick,
        symbol=st.sampled_from(codes),
        day=st.sampled_from(["", TODAY]),
        prev_close_e4=money, open_e4=money, high_e4=money, low_e4=money, last_e4=money, volume=shares,
        turnover_e4=money, bid=st.tuples(money, shares), ask=st.tuples(money, shares),
        name=st.sampled_from(["", "贵州茅台"]), trade_time=st.sampled_from(["", "09:31:02"]),
        trades=st.integers(0, 10**6),
    )  # fmt: skip
    items = st.builds(Item, version=st.text("0123456789abc-:. ", min_size=1, max_size=30), tick=ticks)
    return Batch(market, draw(st.integers(0, 10**9)), tuple(draw(st.lists(items, max_size=5))))


@given(batches())
def test_what_is_pushed_is_read_as_it_was_written(batch):
    assert push.parse(push.write(batch, at_ms=1_790_000_000_000), LISTED, today=TODAY) == batch


@given(json_values)
def test_no_push_raises_anything_but_what_is_answered(value):
    raw = json.dumps(value).encode()
    with suppress(BadBatch):
        push.parse(raw, LISTED, today=TODAY)


@given(json_values, json_values)
def test_no_item_of_a_push_spoils_the_others(code, tick):
    batch = json.loads(push.write(Batch("a_stock", 1, (_item("v1"),)), at_ms=1))
    batch["items"].append({"ts_code": code, "tick": tick})
    batch["count"] = 2

    read = push.parse(json.dumps(batch).encode(), LISTED, today=TODAY)

    assert read.items[0] == _item("v1")
    assert len(read.items) + len(read.refused) == 2


def _item(version: str) -> Item:
    return Item(version, PushedTick("600519.SH", "20260309", 1, 2, 3, 2, 3, 100, 300, (2, 100), (3, 100)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": "v9"}, "unsupported schema_version: v9, expected: [v2]"),
        ({"count": 3}, "count mismatch: declared 3, actual 1"),
        ({"count": "x"}, "count must be an integer"),
        ({"mode": "bars"}, "unsupported mode: bars, expected: [raw_tick_batch]"),
        ({"market": "us"}, "invalid market: us, valid: [a_stock etf hk index]"),
        ({"items": {}}, "items must be an array"),
    ],
)
def test_a_wrong_batch_is_refused_with_their_text(change, message):
    body = json.loads(push.write(Batch("a_stock", 900001, (_item("1"),)), at_ms=1)) | change

    with pytest.raises(BadBatch) as refused:
        push.parse(json.dumps(body).encode(), LISTED, today=TODAY)

    told = push.refusal(refused.value)
    assert (told["message"], told["ack_seq"], told["accepted_count"], told["status"]) == (message, 900001, 0, "error")


def test_an_item_of_another_market_or_of_ours_alone_is_rejected():
    for code in ("00700.HK", "TEST.CN", "600519", 5, None, ["600519.SH"]):
        body = json.loads(push.write(Batch("a_stock", 1, (_item("1"),)), at_ms=1))
        body["items"][0]["ts_code"] = code
        body["items"][0]["tick"].pop("ts_code")
        assert len(push.parse(json.dumps(body).encode(), LISTED, today=TODAY).refused) == 1


@given(json_values)
def test_no_policy_or_sync_raises_anything_but_what_is_answered(value):
    for read in (rest.policies_of, rest.sync_of):
        for body in (
            {"users": value, "symbols": value, "mode": value},
            {"users": [value]},
            {"users": [{"user_id": "u", "symbols": value, "markets": value}]},
        ):
            with suppress(Malformed):
                read(body)


def test_a_policy_is_read_as_the_capture_has_it():
    body = {"users": [{"user_id": "u1", "markets": ["STOCK"], "levels": ["L1"], "symbols": {"mode": "list", "list": ["700.HK"]}, "max_subs": 1, "revision": 5}]}  # fmt: skip

    ((user, policy),), _ = rest.policies_of(body)

    assert (user, policy.revision, policy.max_subs, policy.markets, policy.symbols) == (
        "u1",
        5,
        1,
        {"CN"},
        {"00700.HK"},
    )
    assert (
        rest.policies_of({"users": [{"user_id": "u1", "markets": [], "symbols": {"mode": "all", "list": []}}]})[0][0][
            1
        ].markets
        is None
    )


@given(json_values)
def test_every_message_is_a_request_or_one_of_their_errors(value):
    for message in (value, {"action": value}, {"action": "subscribe", "symbols": value}):
        with suppress(Malformed):
            RT_RECEIVER.parse(json.dumps(message))


@pytest.mark.parametrize("text", ["[" * 100_000, "", "null", "\x00", '{"action":"subscribe","symbols":["a"', "NaN"])
def test_ugly_messages_are_no_json(text):
    with pytest.raises(Malformed, match="无效 JSON 格式"):
        RT_RECEIVER.parse(text)


def test_nothing_that_a_client_sends_stands_in_for_the_time_or_the_customer():
    forged = ',"user_id":"","timestamp":"0000-00-00T00:00:00.000Z"}'
    text = RT_RECEIVER.error(Malformed(f"未知 action: {forged}"))

    assert RT_RECEIVER.said(text, customer="alice", now_ms=1000) == text


@given(
    st.builds(
        Book, st.just("600519.SH"), st.integers(1, 10**6), st.integers(1, 4 * 10**12), money, money, money, money, money,
        shares, money, st.just([]) | st.just([(100, 5)]), st.just([]) | st.just([(100, 5)]),
    )
)  # fmt: skip
def test_every_picture_makes_a_tick_of_json_numbers(book):
    tick = json.loads(RT_RECEIVER.quote(RT_RECEIVER.shown(Channel(InstrumentId.parse("600519.SH"), "quote")), book))

    assert tick["close"] == (book.last_e4 / 10_000 or None)
    assert (tick["ts_code"], tick["market"], tick["vol"], tick["batch_seq"]) == (
        "600519.SH",
        "a_stock",
        book.volume,
        book.number,
    )
    assert ("bid" in tick) == bool(book.bids)


@given(
    st.sampled_from(["600519.SH", "510300.SH", "00700.HK", "000001.SH"]),
    st.builds(
        Book, st.just(""), st.integers(1, 10**6), st.integers(1_600_000_000_000, 1_900_000_000_000), money, money, money,
        money, money, shares, money, st.just([]) | st.lists(st.tuples(st.integers(1, 10**9), shares), min_size=1, max_size=1),
        st.just([]) | st.lists(st.tuples(st.integers(1, 10**9), shares), min_size=1, max_size=1),
    ),
)  # fmt: skip
def test_a_tick_says_the_same_to_a_node_that_hears_it(symbol, book):
    instrument = InstrumentId.parse(symbol)

    (heard,) = upstream.read(RT_RECEIVER.quote(RT_RECEIVER.shown(Channel(instrument, "quote")), book), LISTED)

    assert heard == Snapshot(
        instrument, book.at_ms, book.prev_close_e4, book.open_e4, book.high_e4, book.low_e4, book.last_e4, book.volume,
        book.turnover_e4, bids=tuple(book.bids), asks=tuple(book.asks),
    )  # fmt: skip


@given(st.lists(st.sampled_from(["600519.SH", "00700.HK", "HSI.HK"]), min_size=1, unique=True))
def test_what_our_own_client_says_is_read_as_it_was_meant(symbols):
    wanted = [InstrumentId.parse(symbol) for symbol in symbols]

    request = RT_RECEIVER.parse(upstream.subscribe(wanted))

    assert isinstance(request, Subscribe)
    assert [RT_RECEIVER.resolve(symbol) for symbol in request.symbols] == wanted


@given(json_values)
def test_whatever_a_server_says_is_heard_or_refused(value):
    for message in (
        value,
        {"type": "tick"} | (value if isinstance(value, dict) else {"ts_code": value, "timestamp": value}),
    ):
        with suppress(Malformed):
            upstream.read(json.dumps(message), LISTED)


@pytest.mark.parametrize(
    ("symbol", "market"),
    [("600519.SH", "a_stock"), ("510300.SH", "etf"), ("000001.SH", "index"), ("00700.HK", "hk"), ("HSI.HK", "hk")],
)
def test_the_four_words_for_a_market(symbol, market):
    assert json.loads("{" + RT_RECEIVER.shown(Channel(InstrumentId.parse(symbol), "quote")) + "}")["market"] == market


def _pushed(*changes, market="a_stock"):
    """Read a push whose items have these ticks changed, written as Python's senders write them: NaN and all."""
    body = json.loads(push.write(Batch(market, 1, tuple(_item(str(nth)) for nth, _ in enumerate(changes))), at_ms=1))
    for item, change in zip(body["items"], changes, strict=True):
        item["tick"] |= change
    return push.parse(json.dumps(body).encode(), LISTED, today=TODAY)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"close": float("nan")}, "close: 'nan' is not a price"),
        ({"amount": float("inf")}, "amount: 'inf' is not a price"),
        ({"num": float("nan")}, "num: 'nan' is not a price"),
        ({"vol": 10**30}, "vol: 'a huge number' is not a price"),
        ({"vol": 10**400}, "vol: 'a huge number' is not a price"),
        ({"amount": 1e15}, "amount: 1000000000000000.0 is larger than any market's"),
        ({"trade_date": "20260308"}, "of 20260308, and the exchange's day is 20260309"),
    ],
)
def test_one_bad_row_is_refused_by_name_and_the_rest_of_the_batch_counts(change, message):
    batch = _pushed({}, change, {})

    assert [one.version for one in batch.items] == ["0", "2"]
    assert [(one.index, one.ts_code, one.message) for one in batch.refused] == [(1, "600519.SH", message)]
    told = push.answer(batch)
    assert (told["accepted_count"], told["rejected_count"], told["rejected_items"][0]["index"]) == (2, 1, 1)


def test_bytes_that_are_no_text_spoil_no_other_row():
    raw = push.write(Batch("a_stock", 1, (_item("1"),)), at_ms=1).replace(
        b'"trade_date"', b'"name":"\xb9\xf3","trade_date"'
    )

    (one,) = push.parse(raw, LISTED, today=TODAY).items

    assert one.tick.name == ""


def test_an_answer_names_a_hundred_refused_rows_and_counts_all():
    told = push.answer(_pushed(*[{"close": "x"}] * 150))

    assert (told["rejected_count"], len(told["rejected_items"])) == (150, 100)


def test_a_body_of_nothing_but_brackets_is_refused_before_it_is_read():
    with pytest.raises(BadBatch, match="too many values") as refused:
        push.parse(b"[" + b"{}," * 2_000_000 + b"{}]", LISTED, today=TODAY)

    assert push.refusal(refused.value)["rejected_count"] == 0


def test_as_many_rows_as_may_be_are_not_too_many_values():
    assert push.MOST_MARKS > push.MOST_ITEMS * 50


def test_what_a_push_tells_in_its_own_words_is_told_again():
    said = {"name": "茅台", "trade_time": "2026-03-09 09:31:02", "num": 812}
    (one,) = _pushed(said).items
    book = Book("600519.SH", 7, 1_790_000_000_000, 0, 0, 0, 0, 1, 0, 0, [], [], name=one.tick.name,
                trade_time=one.tick.trade_time, trades=one.tick.trades)  # fmt: skip

    tick = json.loads(RT_RECEIVER.quote(RT_RECEIVER.shown(Channel(InstrumentId.parse("600519.SH"), "quote")), book))

    assert {name: tick[name] for name in said} == said
    assert (tick["version"], tick["ts_code"]) == (1_790_000_000_000, "600519.SH")


def test_one_bad_user_spoils_no_policy_of_another_and_a_number_names_a_user():
    found, refused = rest.policies_of(
        {"users": [{"user_id": 42, "max_subs": 3}, {"user_id": "u2", "max_subs": "x"}, 7]}
    )

    assert [(user, policy.max_subs) for user, policy in found] == [("42", 3)]
    assert [(one["index"], one["user_id"]) for one in refused] == [(1, "u2"), (2, "")]


@pytest.mark.parametrize("mode", [{}, [], 0, False, {"mode": "replace"}, 1.5])
def test_a_mode_that_is_no_word_is_refused_and_replaces_nothing(mode):
    with pytest.raises(Malformed, match="mode must be replace, add, or remove"):
        rest.sync_of({"mode": mode, "symbols": []})


@pytest.mark.parametrize("value", [{}, "", 0, False])
def test_what_is_no_list_of_markets_or_levels_lifts_no_limit(value):
    for name in ("markets", "levels"):
        assert rest.policies_of({"users": [{"user_id": "u", name: value}]})[0] == []


@pytest.mark.parametrize(
    ("said", "state"),
    [({"trade_status": "停牌"}, "suspended"), ({"status": "H0"}, "halted"), ({"status": 3}, "trading"),
     ({"trade_status": "?", "state": "halted"}, "halted"), ({"status": None}, ""), ({"status": ["halted"]}, ""), ({}, "")],
)  # fmt: skip
def test_a_pushed_row_says_whether_its_instrument_trades(said, state):
    (one,) = _pushed(said).items

    assert one.tick.state == state


def version_of(*, close: float, **of_item) -> str:
    tick = {"close": close, "high": 11, "low": 10, "open": 10, "pre_close": 10, "vol": 100, "amount": 1000}
    body = {
        "schema_version": "v2", "mode": "raw_tick_batch", "batch_seq": 1, "market": "a_stock",
        "items": [{"ts_code": "600519.SH", "tick": tick, **of_item}],
    }  # fmt: skip
    (item,) = push.parse(json.dumps(body).encode(), directory(), today="20260301").items
    return item.version


def test_a_number_that_begins_again_with_the_sender_drops_nothing_that_is_new():
    """Without a version the sender's number stands for it; after its restart it counts from one again."""
    first = version_of(stream_id="1-0", close=10.2)
    assert version_of(stream_id="1-0", close=10.2) == first, "a retry"
    assert version_of(stream_id="1-0", close=10.6) != first, "its sender was started again"
    assert version_of(stream_id="2-0", close=10.2) != first
    assert version_of(close=10.2) == ""
    assert len(version_of(stream_id="9" * 500, close=10.2)) <= 64
    assert version_of(stream_id="1-0", version="v7", close=10.2) == "v7"
