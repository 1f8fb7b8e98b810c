"""Operators see each symbol's day, the worst first, search them and take them away; and what was delivered."""

import csv
import io
from datetime import UTC, date, datetime

import pytest

from nodes.models import Delivered, DeliveredMonth, SymbolDay
from tests.factories import a_customer, a_group

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
DAY = date(2026, 3, 10)
LIST = "/admin/nodes/symbolday/"


@pytest.fixture
def admin(client):
    client.force_login(a_customer("looker", is_staff=True, is_superuser=True))
    return client


def a_day(symbol: str, *, day: date = DAY, **changes) -> SymbolDay:
    usual = {
        "rows": 4_800, "bars": 900, "refused": 0, "copies": 4, "reasons": {}, "lines": {"a": 4_700, "b": 96}, "gaps": 0,
        "longest_gap_seconds": 0, "first_at": datetime(2026, 3, 10, 1, 25, tzinfo=UTC), "last_at": None,
    }  # fmt: skip
    return SymbolDay.objects.create(group=a_group(), lane="CN", day_on=day, symbol=symbol, **{**usual, **changes})


def test_the_worst_of_the_newest_day_come_first(admin):
    a_day("600000.SH")
    a_day("600001.SH", refused=7, reasons={"price": 5, "<b>": 2})
    a_day("600002.SH", gaps=2, longest_gap_seconds=90)
    a_day("600003.SH", gaps=9, day=date(2026, 3, 9))

    page = admin.get(LIST).text

    places = [page.index(f"{symbol}.SH</a>") for symbol in (600002, 600001, 600000, 600003)]
    assert places == sorted(places)
    assert "&lt;b&gt; 2 · no price 5" in page
    assert "a 4700 · b 96" in page


def test_a_symbol_is_searched_and_a_page_has_fifty(admin):
    for number in range(60):
        a_day(f"{600000 + number}.SH")

    page, found = admin.get(LIST).text, admin.get(LIST, {"q": "600059"}).text

    assert page.count(".SH</a>") == 50
    assert found.count(".SH</a>") == 1
    assert admin.get(LIST, {"all": ""}).text.count(".SH</a>") == 50


def test_what_was_chosen_is_taken_away_as_csv(admin):
    rows = [a_day("600000.SH", reasons={"price": 5}, refused=5), a_day("600001.SH")]
    a_day("600002.SH")

    answer = admin.post(LIST, {"action": "as_csv", "_selected_action": [row.pk for row in rows]})

    assert answer["Content-Type"].startswith("text/csv")
    head, first, second = csv.reader(io.StringIO(b"".join(answer.streaming_content).decode()))
    told = dict(zip(head, first, strict=True))
    assert (told["symbol"], told["day_on"], told["group"], told["rows"]) == ("600000.SH", "2026-03-10", "sh", "4800")
    assert (told["reasons"], told["lines"], told["last_at"]) == ("price 5", "a 4700 · b 96", "")
    assert told["first_at"] == "2026-03-10T01:25:00+00:00"
    assert second[3] == "600001.SH"


def test_nobody_writes_or_removes_a_row(admin):
    row = a_day("600000.SH")

    assert admin.post(f"{LIST}add/", {}).status_code == 403
    assert admin.post(f"{LIST}{row.pk}/change/", {"rows": 1}).status_code == 403
    assert admin.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert SymbolDay.objects.get().rows == 4_800


def test_what_was_delivered_is_shown_with_its_share(admin):
    counts = {"due": 10_000, "sent": 9_989, "late": 3}
    alice = a_customer("alice")
    Delivered.objects.create(
        customer=alice, group=a_group(), node="sh-1", lane="CN", symbol="600519.SH", day_on=DAY, **counts
    )
    DeliveredMonth.objects.create(group=a_group(), lane="CN", month_on=DAY.replace(day=1), due=0)

    days, months = (
        admin.get("/admin/nodes/delivered/", {"q": "alice@example.com"}).text,
        admin.get("/admin/nodes/deliveredmonth/").text,
    )

    assert "99.89 %" in days
    assert "alice@example.com" in days
    assert "2026-03" in months
    assert " %" not in months.split("<tbody", 1)[1].split("</tbody>", 1)[0]
