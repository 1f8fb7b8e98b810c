"""The dashboard says how each group stands, what can be done, what was used, and what was bought."""

import json
import re
from datetime import timedelta
from html import unescape

import pytest

from billing.models import AccessToken
from billing.services import tokens
from kernel.clock import utc_now
from nodes.models import Delivered, Instrument, Node, UsedHour
from tests.factories import a_grant, a_group, a_node, a_plan

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
DAY = timedelta(days=1)


@pytest.fixture
def shop(client, alice, node, keys_dir):
    a_plan()
    client.force_login(alice)
    return client


def seen(node):
    Node.objects.update(last_seen_at=utc_now())


def dashboard(shop, language="en"):
    return shop.get("/dashboard/", headers={"accept-language": language}).text


def state(page):
    return re.search(r'data-testid="standing" data-state="(\w+)"', page)[1]


def test_who_never_had_a_pack_is_led_to_the_packs(shop):
    page = dashboard(shop)

    assert state(page) == "never_had"
    assert "You have no pack yet." in page
    assert "data-usage" not in page


def test_after_the_end_it_says_when_and_renews_in_one_click(shop, alice, node):
    grant = a_grant(alice, node, at=utc_now() - 40 * DAY, plan="pack-15")
    seen(node)

    page, chinese = dashboard(shop), dashboard(shop, "zh-hans")

    assert state(page) == "ended"
    assert "Your pack ended on" in page
    assert "套餐已于" in chinese
    assert "节点无法连接" not in chinese
    address = re.search(r'href="([^"]+)"\s+data-testid="renew"', page)[1].replace("&amp;", "&")
    chosen = shop.get(address).text
    assert re.search(r'value="pack-15" required data-changes checked', chosen)
    assert re.search(r'id="kind-stack"[^>]* checked', chosen)
    assert 'data-testid="due"' in chosen
    assert grant.purchase.plan.slug == "pack-15"


def test_within_the_last_week_renewing_comes_first(shop, alice, node):
    grant = a_grant(alice, node, at=utc_now() - 27 * DAY)
    seen(node)

    page = dashboard(shop)

    assert state(page) == "ending"
    address = re.search(r'href="([^"]+)"\s+data-testid="renew"', page)[1].replace("&amp;", "&")
    assert f"extends={grant.pk}" in address
    assert re.search(r'id="kind-extend"[^>]* checked', shop.get(address).text)


def test_a_stopped_token_has_its_own_sentence_and_button(shop, alice, node):
    a_grant(alice, node, at=utc_now())
    tokens.revoke_tokens(customer=alice, group=node.group, now=utc_now())

    page = dashboard(shop)

    assert state(page) == "revoked"
    assert 'data-testid="create-token"' in page
    assert 'data-testid="token"' not in page


def test_a_group_that_drains_has_its_own(shop, alice, node):
    a_grant(alice, node, at=utc_now())
    Node.objects.update(state=Node.State.DRAINING)

    page = dashboard(shop)

    assert state(page) == "draining"
    assert "being serviced" in page
    assert 'data-testid="token"' in page


def test_of_two_groups_the_one_that_ended_stands_last(shop, alice, node):
    a_grant(alice, node, at=utc_now() - DAY)
    a_grant(alice, a_node("hk-1", group=a_group("hk")), at=utc_now() - 40 * DAY)

    page = dashboard(shop)

    assert re.findall(r'data-testid="group-(\w+)"', page) == ["sh", "hk"]


def test_what_was_used_is_drawn_with_its_table_and_names(shop, alice, node):
    a_grant(alice, node, at=utc_now())
    Instrument.objects.update_or_create(
        symbol="600519.SH",
        defaults={"name_zh": "贵州茅台", "name_en": "Kweichow Moutai", "board": "main", "kind": "stock", "currency": "CNY",
                  "lot": 100, "tick_table": "cent"},
    )  # fmt: skip
    this_hour = utc_now().replace(minute=0, second=0, microsecond=0)
    UsedHour.objects.create(customer=alice, group=node.group, hour_at=this_hour, bars={"600519.SH": 1234}, sent=1234)

    page = dashboard(shop)

    assert "1,234 bars of 1 symbol" in page
    assert "Kweichow Moutai" in page
    assert "贵州茅台" in dashboard(shop, "zh-hans")
    assert page.count("<td>1,234</td>") >= 3  # by symbol, and in both tables


def test_nothing_used_draws_nothing(shop, alice, node):
    a_grant(alice, node, at=utc_now())

    assert 'data-testid="use"' not in dashboard(shop)


def test_what_was_delivered_is_told_and_what_was_not_due_is_not(shop, alice, node):
    a_grant(alice, node, at=utc_now())
    assert "Delivered to you" not in dashboard(shop)
    Delivered.objects.create(
        customer=alice, group=node.group, node="sh-1", lane="CN", symbol="600519.SH", day_on=utc_now().date(), due=10000,
        sent=9999, late=1,
    )  # fmt: skip

    page = dashboard(shop)

    assert "99.99 %" in page
    assert "10,000 bars that were due" in page


def test_an_order_is_a_card_with_its_receipt(shop, alice, node):
    grant = a_grant(alice, node, at=utc_now())

    page = dashboard(shop)

    assert page.count('class="card order"') == 1
    assert f"/purchases/{grant.purchase.public_id}/receipt.pdf" in page
    assert "¥10" in page


def test_two_edges_of_one_minute_are_told_to_the_second(shop, alice, node):
    at = (utc_now() - DAY).replace(second=5, microsecond=0)
    a_grant(alice, node, at=at)
    a_grant(alice, node, at=at + timedelta(seconds=20))

    assert re.search(r"10 symbols until [\w ]+ \d\d:\d\d:05, then 5 symbols until [\w ]+ \d\d:\d\d:25", dashboard(shop))


def test_the_panels_name_for_this_machine_is_chinese_for_chinese_readers(shop, alice, node):
    group = node.group
    group.name, group.name_zh = "This machine", "本机"
    group.save()
    a_grant(alice, node, at=utc_now())

    assert ">This machine</h2>" in dashboard(shop)
    assert ">本机</h2>" in dashboard(shop, "zh-hans")


def english(page):
    """Return what reads like English on a page: three words in a row, outside of code and addresses."""
    text = re.sub(r"<(pre|code|script|style|head)\b.*?</\1>", " ", page, flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", "\n", text)
    return re.findall(r"[A-Za-z]{2,}(?: [a-z]{2,}){2,}", text)


def test_nothing_is_english_on_a_chinese_page(shop, alice, node):
    group = node.group
    group.name, group.name_zh = "This machine of ours", "本机"
    group.save()
    grant = a_grant(alice, node, at=utc_now())
    tokens.add_token(customer=alice, group=group, name="laptop", symbols=["600519.SH"], now=utc_now())
    tokens.rotate_token(customer=alice, group=group, now=utc_now())
    this_hour = utc_now().replace(minute=0, second=0, microsecond=0)
    UsedHour.objects.create(customer=alice, group=group, hour_at=this_hour, bars={"600519.SH": 1234}, sent=1234)
    Delivered.objects.create(
        customer=alice, group=group, node="sh-1", lane="CN", symbol="600519.SH", day_on=utc_now().date(), due=9, sent=9
    )

    def said(path):
        return english(shop.get(path, headers={"accept-language": "zh-hans"}).text)

    assert english(dashboard(shop)) != []
    for path in ("/dashboard/", "/connect/", f"/purchases/{grant.purchase.public_id}/"):
        assert said(path) == [], path
    Node.objects.update(state=Node.State.DRAINING)
    assert [said("/dashboard/"), said("/connect/")] == [[], []]
    tokens.revoke_tokens(customer=alice, group=group, now=utc_now())
    assert [said("/dashboard/"), said("/connect/")] == [[], []]


def used(page):
    """What is said of the use of each token."""
    return [
        " ".join(one.split()) for one in re.findall(r'class="who">.*?<span class="fine">(.*?)</span>', page, re.DOTALL)
    ]


def test_a_use_between_two_reports_is_not_called_none(shop, alice, node):
    a_grant(alice, node, at=utc_now())
    assert used(dashboard(shop)) == ["never used"]
    this_hour = utc_now().replace(minute=0, second=0, microsecond=0)
    long_ago = UsedHour.objects.create(
        customer=alice, group=node.group, hour_at=this_hour - 3 * DAY, bars={"TEST.CN": 4}, sent=4
    )
    assert used(dashboard(shop)) == ["never used"]  # before there was this token

    UsedHour.objects.filter(pk=long_ago.pk).update(hour_at=this_hour)
    assert used(dashboard(shop)) == ["used briefly"]

    tokens.add_token(customer=alice, group=node.group, name="laptop", now=utc_now())
    assert used(dashboard(shop)) == ["used briefly at most"] * 2


def test_a_use_of_this_minute_is_just_now(shop, alice, node):
    a_grant(alice, node, at=utc_now())
    AccessToken.objects.update(last_used_at=utc_now())
    assert used(dashboard(shop)) == ["used just now"]

    AccessToken.objects.update(last_used_at=utc_now() - timedelta(minutes=3))
    assert used(dashboard(shop)) == ["used 3 minutes ago"]


def test_sockets_are_told_by_the_name_that_connect_has_for_their_language(shop, alice, node):
    a_grant(alice, node, at=utc_now())

    names = json.loads(unescape(re.search(r'data-languages="([^"]+)"', dashboard(shop))[1]))

    assert names["native"] == "Tickpack"
    assert names["realtime_hk"] == "Realtime HK"
