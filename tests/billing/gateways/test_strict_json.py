"""What is signed is read strictly: no key twice, the very characters, and nothing that a stranger sends raises anything else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.gateways import strict_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=8), VALUES, max_size=5), st.sampled_from([None, 1, "\t"]), st.booleans())
def test_members_are_what_was_written(told, indent, ascii_only):
    text = json.dumps(told, indent=indent, ensure_ascii=ascii_only)

    members = strict_json.raw_members(text)

    assert {name: json.loads(raw) for name, raw in members.items()} == told
    assert all(raw in text for raw in members.values())


def test_escapes_stay_as_they_are():
    assert strict_json.raw_members('{"a": {"u":"https:\\/\\/x\\u4e2d}"} ,"sign":"s"}') == {
        "a": '{"u":"https:\\/\\/x\\u4e2d}"}',
        "sign": '"s"',
    }


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        '{"a":1',
        "[1]",
        '{"a" 1}',
        "{1:2}",
        '{"a":1}x',
        '{"a":1 "b":2}',
        "",
        "{" * 9999,
        '{"a":' + "[" * 100_000,
    ],
)
def test_what_is_no_object_is_refused(text):
    for read in (strict_json.raw_members, strict_json.read_object):
        with pytest.raises(ValueError):
            read(text)


@pytest.mark.parametrize("text", ['{"x":{"a":1,"a":1}}', '{"x":NaN}', '{"x":[{"b":1,"b":2}]}', b'{"x":"\xff"}'])
def test_inside_too(text):
    with pytest.raises(ValueError):
        strict_json.read_object(text)


@given(st.text(max_size=40))
def test_nothing_else_is_raised(text):
    for read in (strict_json.raw_members, strict_json.read_object):
        try:
            read(text)
        except ValueError:
            pass
