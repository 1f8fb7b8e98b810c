"""Requests, answers and effects: what they mean where nothing more is said."""

import dataclasses
from typing import get_args

import pytest

from streaming.wire import requests
from streaming.wire.requests import Effect, Follow, Ping, Request, Since, SnapshotRequest, Subscribe, Unsubscribe

WORDS = [
    one for one in vars(requests).values() if dataclasses.is_dataclass(one) and one.__module__ == requests.__name__
]


def test_a_bare_subscribe_is_to_filled_bars_of_the_window_from_now_on():
    asked = Subscribe(("600519.SH",))

    assert (asked.kinds, asked.fill, asked.stamp, asked.since, asked.rows) == (("1.5s",), True, False, None, 0)


def test_a_bare_unsubscribe_is_of_whatever_is_followed_of_the_symbols():
    assert Unsubscribe(("600519.SH",)).kinds is None


def test_a_bare_snapshot_is_of_all_that_is_followed_and_a_bare_ping_echoes_nothing():
    assert (SnapshotRequest().symbols, Ping().echo, Follow().channels) == ((), None, frozenset())


def test_two_places_to_resume_from_share_nothing():
    one, two = Since(seq=1), Since(seq=1)

    one.seqs["CN"] = 7  # type: ignore[index]

    assert two.seqs == {}


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word.__name__)
def test_what_was_said_is_never_changed(word):
    assert word.__dataclass_params__.frozen


def test_every_effect_and_every_request_is_one_of_these_words():
    assert {*get_args(Effect), *get_args(Request)} < set(WORDS)
