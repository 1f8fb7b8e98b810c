"""What a client says -> requests; and each refusal names the value and what would do."""

import json

import pytest

from kernel.errors import Malformed
from streaming.errors import Unsupported
from streaming.wire.dialects.native.reading import parse
from streaming.wire.requests import List, Ping, Since, SnapshotRequest, Subscribe, Unsubscribe

ONE = {"symbols": ["600519.SH"]}


def read(action: str = "subscribe", **said):
    return parse(json.dumps({"action": action, **said}))


def refused(text: str) -> str:
    with pytest.raises(Malformed) as caught:
        parse(text)
    return caught.value.message


@pytest.mark.parametrize(
    ("request_", "meant"),
    [
        (read(**ONE), Subscribe(("600519.SH",))),
        (read(symbols=["b", "a", "b"]), Subscribe(("b", "a", "b"))),  # as it was written
        (read(**ONE, fill=False, stamp=True), Subscribe(("600519.SH",), fill=False, stamp=True)),
        (read(**ONE, types=["quote", "kline"]), Subscribe(("600519.SH",), kinds=("quote", "1.5s"))),
        (read(**ONE, types=["kline"], intervals=["1m", "1d", "1m"]), Subscribe(("600519.SH",), kinds=("1m", "1d"))),
        (read(**ONE, intervals=["1h"]), Subscribe(("600519.SH",), kinds=("1h",))),
        (read("unsubscribe", **ONE), Unsubscribe(("600519.SH",))),
        (read("unsubscribe", **ONE, types=["tick"]), Unsubscribe(("600519.SH",), ("tick",))),
        (read("unsubscribe", **ONE, intervals=["1m"]), Unsubscribe(("600519.SH",), ("1m",))),
        (read("list"), List()),
        (read("snapshot"), SnapshotRequest()),
        (read("snapshot", **ONE), SnapshotRequest(("600519.SH",))),
        (read("ping"), Ping()),
        (read("ping", id="7"), Ping("7")),
        (read("ping", id=7), Ping(7)),
        (read("ping", id="x" * 64), Ping("x" * 64)),
        (read("ping", id="x" * 65), Ping()),  # answered, but not echoed
        (read("ping", id={"a": 1}), Ping()),
    ],
)
def test_a_message_is_read_as_it_was_meant(request_, meant):
    assert request_ == meant


@pytest.mark.parametrize(
    ("said", "since"),
    [
        ({"since": 7}, Since(seq=7)),
        ({"since": 7, "epoch": {"CN": "e1"}}, Since(seq=7, epochs={"CN": "e1"})),
        ({"since": {"CN": 7, "HK": 8}}, Since(seqs={"CN": 7, "HK": 8})),
        ({"since": "1970-01-01T00:00:01.500Z"}, Since(at_ms=1_500)),
        ({"since": "1970-01-01T08:00:02+08:00"}, Since(at_ms=2_000)),
        ({"since": "1969-12-31T23:59:59Z"}, Since(at_ms=0)),
        ({"since": None}, None),
        ({"epoch": {"CN": "e1"}}, None),
    ],
)
def test_a_place_to_resume_from_has_three_forms(said, since):
    assert read(**ONE, **said).since == since


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ["not JSON"]),
        ("{", ["not JSON"]),
        ('{"action":"ping"} x', ["not JSON"]),
        ("[" * 100_000, ["must be an object"]),
        ('{"action":"ping","id":' + "[" * 100_000, ["nested too deeply"]),
        ("7", ["must be an object", '{"action": "subscribe"']),
        ("[]", ["must be an object"]),
        ("{}", ["unknown action 'NoneType'", "subscribe, unsubscribe, list, snapshot, ping"]),
        ('{"action":"dance"}', ["unknown action 'dance'", "subscribe, unsubscribe, list, snapshot, ping"]),
        ('{"action":7}', ["unknown action 'int'", "subscribe, unsubscribe"]),
        ('{"action":"subscribe"}', ["`symbols`", '"symbols": ["600519.SH"]']),
        ('{"action":"subscribe","symbols":"600519.SH"}', ["`array`, got `str`", "$.symbols", '["600519.SH"]']),
        ('{"action":"subscribe","symbols":[7]}', ["`str`, got `int`", "$.symbols[0]"]),
        ('{"action":"subscribe","symbols":[]}', ["length >= 1", "$.symbols"]),
        (json.dumps({"action": "subscribe", "symbols": ["x"] * 501}), ["length <= 500", "$.symbols"]),
        (json.dumps({"action": "subscribe", **ONE, "since": -1}), [">= 0", "$.since"]),
        (json.dumps({"action": "subscribe", **ONE, "since": "noon"}), ["since 'noon'", "2026-03-08T06:30:01.500Z"]),
        (
            json.dumps({"action": "subscribe", **ONE, "since": "2026-03-08T06:30:01"}),
            ["since '2026-03-08T06:30:01'", "no time zone"],
        ),
        (json.dumps({"action": "subscribe", **ONE, "since": {"US": 7}}), ["since names 'US'", "CN, HK or TEST"]),
        (
            json.dumps({"action": "subscribe", **ONE, "types": ["tick"], "intervals": ["1m"]}),
            ["intervals belong to the type kline", '["kline", ...]'],
        ),
    ],
)
def test_a_refusal_names_the_value_and_what_would_do(text, told):
    message = refused(text)

    assert [part for part in told if part not in message] == []
    assert len(message) < 400


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"types": ["news"]}, ["types 'news'", "kline, quote, tick, depth"]),
        ({"intervals": ["7m"]}, ["intervals '7m'", "1.5s, 1m, 3m"]),
        ({"types": ["kline", "x" * 999]}, [f"types '{'x' * 20}'"]),
    ],
)
def test_what_the_node_does_not_carry_is_named_with_what_it_carries(said, told):
    with pytest.raises(Unsupported) as caught:
        read(**ONE, **said)

    assert [part for part in told if part not in caught.value.message] == []


@pytest.mark.parametrize(
    "text", ["{}W", "{}\x00", '{"action":5}]', '{"action":"dance"} {}', "{" + '"a":' + "[" * 100_000]
)
def test_what_stands_behind_a_wrong_object_is_told_and_raises_nothing_else(text):
    with pytest.raises(Malformed):
        parse(text)
