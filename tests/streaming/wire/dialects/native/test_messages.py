"""What a client may say, as types: their schema says of every message what the reader does with it."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from streaming.wire.dialects.native.messages import (
    ACTIONS,
    MAX_SYMBOLS,
    ListMessage,
    PingMessage,
    SnapshotMessage,
    SubscribeMessage,
    UnsubscribeMessage,
    decode,
    schema_of,
)

MESSAGES = dict(
    zip(ACTIONS, (SubscribeMessage, UnsubscribeMessage, ListMessage, SnapshotMessage, PingMessage), strict=True)
)
JUDGES = {action: Draft202012Validator(schema_of(message)) for action, message in MESSAGES.items()}
ONE = ["600519.SH"]


def is_read(said: object) -> bool:
    try:
        decode(json.dumps(said))
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def is_documented(said: object) -> bool:
    return any(judge.is_valid(said) for judge in JUDGES.values())


@pytest.mark.parametrize(
    ("said", "fine"),
    [
        ({"action": "subscribe", "symbols": ONE}, True),
        ({"action": "subscribe", "symbols": ONE, "types": ["kline"], "intervals": ["1m"], "fill": False}, True),
        ({"action": "subscribe", "symbols": ONE, "since": 7}, True),
        ({"action": "subscribe", "symbols": ONE, "since": None}, True),
        ({"action": "subscribe", "symbols": ONE, "since": "2026-03-08T06:30:01Z", "epoch": {"CN": "e"}}, True),
        ({"action": "subscribe", "symbols": ONE, "since": {"CN": 7}}, True),
        ({"action": "subscribe", "symbols": ONE, "of_a_newer_client": 1}, True),
        ({"action": "subscribe", "symbols": ["x"] * MAX_SYMBOLS}, True),
        ({"action": "subscribe", "symbols": ["x"] * (MAX_SYMBOLS + 1)}, False),
        ({"action": "subscribe", "symbols": []}, False),
        ({"action": "subscribe", "symbols": [7]}, False),
        ({"action": "subscribe", "symbols": "600519.SH"}, False),
        ({"action": "subscribe"}, False),
        ({"action": "subscribe", "symbols": ONE, "types": []}, False),
        ({"action": "subscribe", "symbols": ONE, "fill": "yes"}, False),
        ({"action": "subscribe", "symbols": ONE, "stamp": 1}, False),
        ({"action": "subscribe", "symbols": ONE, "since": -1}, False),
        ({"action": "subscribe", "symbols": ONE, "since": 2**53}, False),
        ({"action": "subscribe", "symbols": ONE, "since": {"CN": "7"}}, False),
        ({"action": "subscribe", "symbols": ONE, "epoch": {"CN": 7}}, False),
        ({"action": "unsubscribe", "symbols": ONE, "types": ["tick"]}, True),
        ({"action": "unsubscribe"}, False),
        ({"action": "list"}, True),
        ({"action": "snapshot"}, True),
        ({"action": "snapshot", "symbols": ONE}, True),
        ({"action": "snapshot", "symbols": None}, False),
        ({"action": "ping"}, True),
        ({"action": "ping", "id": [1]}, True),
        ({"action": "dance"}, False),
        ({}, False),
        ([], False),
        (7, False),
    ],
    ids=str,
)
def test_what_is_read_is_what_is_documented(said, fine):
    assert (is_read(said), is_documented(said)) == (fine, fine)


values = st.none() | st.booleans() | st.integers(-1, 3) | st.sampled_from(["CN", "kline", "1m", "600519.SH"])
some = values | st.lists(values, max_size=3) | st.dictionaries(st.sampled_from(["CN", "HK"]), values, max_size=2)
said_of_these_fields = st.fixed_dictionaries(
    {"action": st.sampled_from(ACTIONS)},
    optional=dict.fromkeys(("symbols", "types", "fill", "stamp", "epoch", "id", "of_a_newer_client"), some),
)


@given(said_of_these_fields)
def test_whatever_fits_the_schema_is_read_and_what_is_refused_does_not_fit(said):
    """The schema says more: the words of `types` and `intervals` and the form of `since` are judged behind the types."""
    if is_documented(said):
        assert is_read(said)
    if not is_read(said):
        assert not is_documented(said)


@pytest.mark.parametrize("field", [{"types": ["news"]}, {"intervals": ["7m"]}], ids=["types", "intervals"])
def test_a_word_that_no_node_carries_does_not_fit(field):
    assert not JUDGES["subscribe"].is_valid({"action": "subscribe", "symbols": ONE} | field)


def test_the_words_that_a_node_carries_fit():
    said = {"action": "subscribe", "symbols": ONE, "types": ["kline", "quote", "tick", "depth"], "intervals": ["1m"]}

    assert JUDGES["subscribe"].is_valid(said)


@pytest.mark.parametrize("since", [{"US": 7}, "2026-03-08T06:30:01", "noon"], ids=["market", "no zone", "no instant"])
def test_a_place_to_resume_from_fits_only_in_one_of_its_forms(since):
    assert not JUDGES["subscribe"].is_valid({"action": "subscribe", "symbols": ONE, "since": since})


@pytest.mark.parametrize("action", ACTIONS)
def test_a_schema_is_sound_and_names_its_action(action):
    schema = schema_of(MESSAGES[action])

    Draft202012Validator.check_schema(schema)
    assert schema["properties"]["action"] == {"enum": [action]}
    assert "action" in schema["required"]
    assert not {"title", "description"} & set(schema)
