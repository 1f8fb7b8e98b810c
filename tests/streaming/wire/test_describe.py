"""What every language tells of itself: schemas in few words, and examples that fit them."""

import pytest
from jsonschema import Draft202012Validator

from streaming.wire.describe import (
    COUNT,
    DECIMAL,
    DIGITS,
    INSTANT,
    NUMBER,
    TEXT,
    by_name,
    descriptions,
    either,
    is_,
    loose,
    many,
    obj,
    one_of,
    or_null,
)
from tests.streaming.spoken import DIALECTS

MESSAGES = [
    pytest.param(message, id=f"{name} {side} {message.name}")
    for name, told in descriptions().items()
    if told.socket is not None
    for side, messages in (("says", told.socket.says), ("hears", told.socket.hears))
    for message in messages
]


@pytest.mark.parametrize(
    ("schema", "fits", "does_not"),
    [
        (obj(a=TEXT), [{"a": "x"}], [{}, {"a": 1}, {"a": "x", "b": 1}]),
        (obj({"b": COUNT}, a=TEXT), [{"a": "x"}, {"a": "x", "b": 0}], [{"b": 0}, {"a": "x", "b": -1}]),
        (loose(a=TEXT), [{"a": "x"}, {"a": "x", "b": 1}], [{}, {"a": 1}]),
        (many(TEXT, least=1, most=2), [["a"], ["a", "b"]], [[], ["a", "b", "c"], [1]]),
        (many(TEXT), [[], ["a"] * 1000], ["a", None]),
        (by_name(NUMBER), [{}, {"CN": 1.5}], [{"CN": "1.5"}, []]),
        (is_(True), [True], [False, None, "true"]),
        (one_of("B", "S"), ["B", "S"], ["N", None]),
        (either(TEXT, NUMBER), ["x", 1], [None, []]),
        (or_null(TEXT), ["x", None], [1]),
        (INSTANT, ["2026-03-09T06:30:01.500Z"], ["2026-03-09T06:30:01Z", "2026-03-09 06:30:01.500"]),
        (DECIMAL, ["10", "-0.5"], ["1.", ".5", "1e5", ""]),
        (DIGITS, ["0", "12"], ["-1", "1.0", ""]),
    ],
)
def test_a_schema_means_what_its_word_says(schema, fits, does_not):
    judge = Draft202012Validator(schema)

    assert [said for said in fits if not judge.is_valid(said)] == []
    assert [said for said in does_not if judge.is_valid(said)] == []


@pytest.mark.parametrize("message", MESSAGES)
def test_the_example_of_a_message_fits_its_schema(message):
    Draft202012Validator.check_schema(message.payload)

    assert list(Draft202012Validator(message.payload).iter_errors(message.example)) == []


def test_every_language_that_is_spoken_is_described():
    assert {name for name, told in descriptions().items() if told.socket is not None} == set(DIALECTS)
    assert [name for name, told in descriptions().items() if told.socket is None and told.rest is None] == []


@pytest.mark.parametrize("name", sorted(descriptions()))
def test_names_of_messages_and_addresses_are_told_once(name):
    told = descriptions()[name]
    names = [[one.name for one in side] for side in (told.socket.says, told.socket.hears)] if told.socket else []
    addresses = [(one.method, one.path) for one in told.rest.operations] if told.rest else []

    assert [sorted(one) for one in names] == [sorted(set(one)) for one in names]
    assert sorted(addresses) == sorted(set(addresses))
