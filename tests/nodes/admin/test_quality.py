"""A market's page shows what history holds of its days, newest first, and leaves out what it cannot read."""

import json

import pytest
from django.utils.timezone import localdate

from kernel import keyspace
from kernel.clock import utc_now
from nodes.models import FeedSetting
from tests.factories import a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_a_feed_s_page_shows_what_history_holds_of_its_days(client, data_redis):
    setting = FeedSetting.objects.create(lane="HK", feed="live")
    finding = {"kind": "unit", "count": 3, "examples": ["00700.HK", "<b>"]}
    whole = {"instruments": 2, "minutes": 662, "first_ms": 1_715_909_340_000, "last_ms": 0, "findings": []}
    days = {"2024-05-16": whole, "2024-05-17": {**whole, "findings": [finding]}, "2024-05-18": "of another release"}
    key = keyspace.day_quality("HK")
    data_redis.hset(key, mapping={day: json.dumps(told) for day, told in days.items()} | {"2024-05-19": "{"})
    client.force_login(a_customer("looker", is_staff=True, is_superuser=True))
    try:
        page = client.get(f"/admin/nodes/feedsetting/{setting.pk}/change/").text
    finally:
        data_redis.delete(key)

    assert page.index("2024-05-17") < page.index("2024-05-16")
    assert "unit 3 00700.HK &lt;b&gt;" in page
    assert "<td>662</td><td>09:29</td><td>–</td>" in page
    assert "2024-05-18" not in page
    assert "2024-05-19" not in page


def test_a_feed_s_page_shows_how_todays_symbols_stand_the_worst_first(client, data_redis):
    setting = FeedSetting.objects.create(lane="HK", feed="live")
    one = {"v": 1, "rows": 10, "bars": 4, "gaps": 0, "refused": {}, "copies": 0, "lines": {"a": 9}}
    told = {f"{number:05d}.HK": one for number in range(1, 31)}
    told |= {"00700.HK": {**one, "gaps": 3}, "09988.HK": {**one, "refused": {"<b>": 2}}, "00005.HK": {"v": 2}}
    key = keyspace.symbol_days("HK", localdate(utc_now()).isoformat())
    data_redis.hset(key, mapping={symbol: json.dumps(counts) for symbol, counts in told.items()} | {"x": "{"})
    client.force_login(a_customer("looker", is_staff=True, is_superuser=True))
    try:
        page = client.get(f"/admin/nodes/feedsetting/{setting.pk}/change/").text
        data_redis.delete(key)
        empty = client.get(f"/admin/nodes/feedsetting/{setting.pk}/change/").text
    finally:
        data_redis.delete(key)

    assert "31 symbols, 310 rows in, 124 bars out, 2 refused, 3 gaps" in page
    assert page.index("<td>00700.HK</td>") < page.index("<td>09988.HK</td>") < page.index("<td>00001.HK</td>")
    assert "<td>&lt;b&gt; 2</td><td>a 9</td>" in page
    assert page.count(".HK</td>") == 20
    assert '/admin/nodes/symbolday/?lane=HK"' in page
    assert "nothing was counted today" in empty
    assert client.get("/admin/nodes/symbolday/?lane=HK").status_code == 200
