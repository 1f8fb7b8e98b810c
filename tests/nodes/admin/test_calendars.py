"""The pages of calendars name the market whose known days end, as people call it."""

from django.urls import reverse
from django.utils import translation

from nodes import selectors
from tests.factories import a_customer


def test_a_market_whose_days_end_is_named(client, db, monkeypatch):
    client.force_login(a_customer("root", is_staff=True, is_superuser=True))
    monkeypatch.setattr(selectors, "ending_calendars", lambda today: {"CN": today})

    with translation.override("zh-hans"):
        page = client.get(
            reverse("admin:nodes_calendaroverride_changelist"), headers={"accept-language": "zh-hans"}
        ).content.decode()

    assert "A 股的交易日" in page
