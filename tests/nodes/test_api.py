"""A customer reads what was delivered to it, page by page, and nothing of anybody else's."""

from datetime import date, timedelta

import pytest
from django.utils.timezone import localdate
from rest_framework.test import APIClient

from kernel.clock import utc_now
from nodes import api as module
from nodes.models import Delivered
from tests.factories import a_customer, a_group

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
ADDRESS = "/api/v1/delivery/"


@pytest.fixture
def today() -> date:
    return localdate(utc_now())


@pytest.fixture
def alice():
    return a_customer("alice")


@pytest.fixture
def api(alice) -> APIClient:
    client = APIClient()
    client.force_authenticate(alice)
    return client


def a_row(customer, day: date, symbol="600519.SH", counts=(40, 39, 2), node="sh-1", group="sh") -> None:
    due, sent, late = counts
    Delivered.objects.create(
        customer=customer, group=a_group(group), node=node, lane="CN", symbol=symbol, day_on=day, due=due, sent=sent,
        late=late,
    )  # fmt: skip


def test_a_week_of_ones_own_is_told_newest_first_over_all_nodes(api, alice, today):
    a_row(alice, today)
    a_row(alice, today, node="sh-2", counts=(1, 1, 0))
    a_row(alice, today, group="hk", counts=(2, 1, 1))
    a_row(alice, today - timedelta(days=6), "000001.SZ", (5, 5, 0))
    a_row(alice, today - timedelta(days=7))
    a_row(a_customer("bob"), today, counts=(900, 0, 0))

    answer = api.get(ADDRESS)

    assert answer.status_code == 200
    assert answer.json() == {
        "first": str(today - timedelta(days=6)),
        "last": str(today),
        "total": {"due": 48, "sent": 46, "late": 3, "not_sent": 2},
        "days": [
            {"day": str(today), "symbol": "600519.SH", "due": 43, "sent": 41, "late": 3, "not_sent": 2},
            {
                "day": str(today - timedelta(days=6)),
                "symbol": "000001.SZ",
                "due": 5,
                "sent": 5,
                "late": 0,
                "not_sent": 0,
            },
        ],
        "next": "",
    }


def test_days_and_a_symbol_can_be_chosen_as_people_write_it(api, alice, today):
    for back in range(3):
        a_row(alice, today - timedelta(days=back))
        a_row(alice, today - timedelta(days=back), "00700.HK")
    yesterday = str(today - timedelta(days=1))

    answer = api.get(ADDRESS, {"from": yesterday, "to": yesterday, "symbol": "700.hk"}).json()

    assert [(one["day"], one["symbol"]) for one in answer["days"]] == [(yesterday, "00700.HK")]
    assert answer["total"]["due"] == 40


def test_pages_join_without_a_gap_or_a_double(api, alice, today, monkeypatch):
    monkeypatch.setattr(module, "PAGE", 3)
    for back in range(4):
        for symbol in ("000001.SZ", "600519.SH"):
            a_row(alice, today - timedelta(days=back), symbol)

    seen, after = [], ""
    while True:
        answer = api.get(ADDRESS, {"after": after}).json()
        seen += [(one["day"], one["symbol"]) for one in answer["days"]]
        assert answer["total"]["due"] == 320
        if not (after := answer["next"]):
            break

    wanted = [(str(today - timedelta(days=back)), symbol) for back in range(4) for symbol in ("000001.SZ", "600519.SH")]
    assert seen == wanted


@pytest.mark.parametrize(
    ("asked", "code", "says"),
    [
        ({"from": "yesterday"}, "bad_delivery_query", "2026-03-10"),
        ({"to": "2026-13-01"}, "bad_delivery_query", "2026-13-01"),
        ({"from": "2026-03-02", "to": "2026-03-01"}, "bad_delivery_query", "first day comes first"),
        ({"from": "2026-01-01", "to": "2026-04-03"}, "bad_delivery_query", "93 days"),
        ({"from": "0001-01-01", "to": "0001-01-02"}, "bad_delivery_query", "not kept"),
        ({"to": "0001-01-02"}, "bad_delivery_query", "not kept"),
        ({"symbol": "moutai"}, "bad_symbol", "600519.SH"),
        ({"after": "2026-03-01:x"}, "bad_delivery_query", "next"),
        ({"after": "x:600519.SH"}, "bad_delivery_query", "after"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_to_write(api, asked, code, says):
    answer = api.get(ADDRESS, asked)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert says in answer.json()["message"]


def test_a_whole_quarter_may_be_asked(api, today):
    assert api.get(ADDRESS, {"from": str(today - timedelta(days=91))}).status_code == 200


def test_nobody_in_particular_is_told_nothing():
    assert APIClient().get(ADDRESS).status_code == 403
