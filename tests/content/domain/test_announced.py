"""Whom an announcement concerns, and for how long pages show it."""

from datetime import timedelta

import pytest

from content.domain.announced import Scope, is_shown
from tests.factories import NOW

HOUR = timedelta(hours=1)
SH_CN = ("sh", frozenset({"CN"}))


@pytest.mark.parametrize(
    ("scope", "concerned"),
    [(Scope(), True), (Scope(market="CN"), True), (Scope(market="HK"), False), (Scope(group="sh"), True),
     (Scope(group="bj"), False), (Scope("CN", "sh"), True), (Scope("CN", "bj"), False)],
)  # fmt: skip
def test_it_concerns_who_has_the_market_on_the_group(scope, concerned):
    assert scope.concerns([SH_CN]) is concerned


def test_somebody_without_anything_may_want_to_know_all():
    assert Scope(market="HK", group="bj").concerns([])


def test_the_market_and_the_group_have_to_meet_in_one_right():
    assert not Scope("HK", "sh").concerns([SH_CN, ("bj", frozenset({"HK"}))])


@pytest.mark.parametrize(
    ("kind", "starts", "ends", "over", "shown"),
    [
        ("incident", 0, None, None, True),
        ("incident", 0, -1, None, True),  # it ends when somebody says so
        ("incident", -5, None, -0.5, True),  # over since half an hour
        ("incident", -5, None, -1, False),
        ("planned", 5, 6, None, True),  # told ahead
        ("planned", -2, 0, None, False),
        ("planned", -2, 2, -0.5, False),
        ("info", 1, None, None, False),
        ("info", 0, None, None, True),
        ("info", -2, 0, None, False),
    ],
)
def test_it_is_shown_while_it_matters(kind, starts, ends, over, shown):
    at = {
        name: None if hours is None else NOW + hours * HOUR
        for name, hours in (("starts_at", starts), ("ends_at", ends), ("over_at", over))
    }

    assert is_shown(kind=kind, now=NOW, **at) is shown
