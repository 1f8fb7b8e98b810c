"""What waits for staff is one line each with a count, its beginning and a link to the list that shows just that."""

from datetime import timedelta

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import resolve
from django.utils import translation
from django.utils.timezone import localdate

from billing.models import FapiaoRequest
from content.models import ShopDetails
from content.services import announcing, texts
from kernel.clock import utc_now
from nodes import selectors as node_selectors
from nodes.models import DataLicence, FeedSetting, ProcessHealth
from nodes.selectors import FeedTrouble
from ops import selectors
from outbox.models import Outbox
from support.models import Ticket
from tests.factories import a_customer, a_fact, a_grant, a_group, a_node, a_paid, a_purchase, an_attempt

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
HOUR = timedelta(hours=1)


@pytest.fixture
def well(settings, monkeypatch):
    """A shop in which nothing waits: its texts are checked and its contact is known."""
    ShopDetails.objects.create(mail="help@shop.example")
    by, now = a_customer("writer", is_staff=True), utc_now()
    for page in ("terms", "privacy", "refunds", "contact", "questions"):
        texts.write(page=page, body_en="a", body_zh="b", checked=True, note="", by=by, now=now)
    monkeypatch.setattr(node_selectors, "ending_calendars", lambda today: {})
    monkeypatch.setattr(node_selectors, "feeds_in_trouble", list)
    settings.SUPPORT_EMAIL = settings.REPLY_TO_EMAIL = ""
    settings.ONE_PERSON_SHOP = False
    return by


def waiting(*permissions):
    """Return what waits by key, for who has these permissions; for who has all where none is named."""
    found = selectors.hands(utc_now(), lambda one: not permissions or one in permissions)
    return {hand.key: hand for hand in found}


def listed(client, hand):
    """Return how many rows the list behind a line shows."""
    client.force_login(a_customer(f"r{Ticket.objects.count()}{hand.key}", is_staff=True, is_superuser=True))
    return client.get(hand.url).context["cl"].result_count


def test_nothing_waits_in_a_shop_that_is_well(well):
    assert waiting() == {}


def test_a_question_is_counted_since_it_waits_and_listed_alone(well, client, alice):
    asked = utc_now() - 3 * HOUR
    for number, state in (("T1", "open"), ("T2", "open"), ("T3", "answered")):
        Ticket.objects.create(number=number, customer=alice, subject="s", state=state, opened_at=asked, moved_at=asked)

    hand = waiting()["questions"]

    assert (hand.count, hand.since, hand.text) == (2, asked, "questions of customers wait for an answer")
    assert listed(client, hand) == 2


def test_a_node_that_is_silent_is_grave_and_one_that_was_never_seen_counts(well, client):
    now = utc_now()
    a_node("sh-1", last_seen_at=now - HOUR)
    a_node("sh-2", last_seen_at=None)
    a_node("sh-3", last_seen_at=now)
    a_node("sh-4", last_seen_at=None, state="retired")

    hand = waiting()["nodes"]

    assert (hand.count, hand.since, hand.grave) == (2, now - HOUR, True)
    assert listed(client, hand) == 2


def test_money_refunds_and_fapiao_that_wait_are_listed_as_counted(well, client, alice, node):
    from billing.services import refunds
    from billing.services.facts import record

    now = utc_now()
    fact = a_paid(alice, node, at=now)
    record(
        a_fact(an_attempt(a_purchase(alice, node, at=now), at=now), order_no="WHO", at=now), source="notice", now=now
    )
    refunds.ask_refund(payment_id=fact.pk, amount_fen=1, fault="seller", effect="keep", by=well, now=now, reason="r")
    FapiaoRequest.objects.create(number="F1", title="A", customer=alice, kind="person", amount_fen=1, asked_at=now)

    found = waiting()

    for key in ("suspense", "refunds", "fapiao"):
        assert (found[key].count, found[key].since) == (1, now), key
        assert listed(client, found[key]) == 1, key


def test_messages_in_trouble_are_grave_and_those_of_unknown_kinds_are_named_apart(well, client):
    Outbox.objects.all().delete()
    told = {"payload": {}, "due_at": utc_now()}
    Outbox.objects.create(kind="entitlement", attempts=3, created_at=utc_now() - HOUR, **told)
    Outbox.objects.create(kind="entitlement", created_at=utc_now(), **told)
    Outbox.objects.create(kind="from_tomorrow", created_at=utc_now(), **told)

    found = waiting()

    assert (found["outbox"].count, found["outbox"].grave, found["outbox-unknown"].count) == (1, True, 1)
    assert listed(client, found["outbox"]) == 1


def test_feeds_are_told_with_what_their_workers_say(well, monkeypatch):
    since = utc_now() - HOUR
    troubles = [
        FeedTrouble("CN", "", "", "the provider refuses", since), FeedTrouble("HK", "hk", "pages", "mute"),
        FeedTrouble("HK", "", "", ""),
    ]  # fmt: skip
    monkeypatch.setattr(node_selectors, "feeds_in_trouble", lambda: troubles)

    found = [hand for hand in selectors.hands(utc_now(), lambda one: True) if hand.key == "feed"]

    assert [(hand.text, hand.grave, hand.since) for hand in found] == [
        ("CN: the feed says: the provider refuses", True, since),
        ("HK: no worker runs this market", True, None),
        ("HK (hk): line pages: tells nothing any more", False, None),
    ]
    assert found[0].url == "/admin/nodes/feedsetting/?lane__exact=CN"


def test_a_licence_that_ends_soon_is_told_with_its_day_unless_another_follows(well, client):
    today = localdate(utc_now())
    soon = today + timedelta(days=10)
    DataLicence.objects.create(lane="CN", provider="sina", contract="1", starts_on=today, ends_on=soon)
    hand = waiting()["licences"]
    assert (hand.count, hand.until) == (1, soon)
    assert listed(client, hand) == 1

    DataLicence.objects.create(lane="CN", provider="sina", contract="2", starts_on=soon)

    assert "licences" not in waiting()


def test_a_market_that_nobody_licensed_and_a_calendar_that_ends_are_told(well, monkeypatch):
    today = localdate(utc_now())
    monkeypatch.setattr(node_selectors, "ending_calendars", lambda today: {"HK": today})
    setting = FeedSetting.objects.create(lane="CN", feed="live")
    setting.lines.create(name="pages", source="sina")

    found = waiting()

    assert found["unlicensed"].text.startswith("CN is not sold: its line pages brings data of sina")
    assert found["unlicensed"].url == "/admin/nodes/datalicence/add/?lane=CN&provider=sina"
    assert (found["calendar"].until, found["calendar"].grave) == (today, False)


def test_a_group_that_reports_nothing_any_more_is_grave(well, client):
    a_health(a_group(), at=utc_now() - HOUR)

    hand = waiting()["processes"]

    assert (hand.count, hand.grave) == (1, True)
    assert listed(client, hand) == 1


def test_an_incident_waits_until_somebody_says_that_it_is_over(well, client):
    said = {"title_en": "t", "title_zh": "t", "text_en": "t", "text_zh": "t", "by": well}
    row = announcing.announce(kind="incident", now=utc_now(), **said).announcement
    announcing.announce(kind="info", now=utc_now(), **said)
    assert waiting()["incidents"].count == 1
    assert listed(client, waiting()["incidents"]) == 1

    announcing.update(announcement=row, text_en="o", text_zh="o", by=well, now=utc_now(), resolves=True)

    assert "incidents" not in waiting()


def test_texts_that_are_templates_and_a_contact_that_nobody_entered_wait(well, settings):
    for page in ("terms", "contact"):
        texts.write(page=page, body_en="new", body_zh="b", checked=False, note="", by=well, now=utc_now())
    ShopDetails.objects.update(mail="")
    found = waiting()
    assert found["texts"].count == 2
    assert found["contact"].url == "/admin/content/shopdetails/1/change/"

    settings.SUPPORT_EMAIL = "help@shop.example"

    assert "contact" not in waiting()


def test_who_may_not_see_rows_hears_nothing_of_them(well, alice):
    now = utc_now()
    Ticket.objects.create(number="T1", customer=alice, subject="s", opened_at=now, moved_at=now)
    a_node(last_seen_at=None)

    assert set(waiting("support.view_ticket")) == {"questions"}
    assert set(waiting("nodes.view_node")) == {"nodes"}
    assert waiting("billing.view_plan") == {}


def test_a_hundred_rows_ask_as_many_questions_as_one(well, alice):
    now = utc_now()

    def grow(first, last):
        for number in range(first, last):
            Ticket.objects.create(number=f"T{number}", customer=alice, subject="s", opened_at=now, moved_at=now)
            node = a_node(f"n-{number}", group=a_group(f"g{number}"), last_seen_at=None)
            a_health(node.group, at=now)

    def ask():
        ContentType.objects.clear_cache()
        with CaptureQueriesContext(connection) as asked:
            selectors.hands(now, lambda one: True)
            selectors.markets_now(now)
            selectors.node_standings(now)
            selectors.money(now)
            selectors.customers_now(now)
        return len(asked)

    grow(0, 2)
    few = ask()
    grow(2, 12)

    assert ask() == few


def a_health(group, *, at, **changes):
    usual = {
        "process": f"p-{group.slug}", "node": "n", "role": "ingest", "version": "1", "clock_offset_ms": 0, "sockets": 0,
        "lag_ms": {"CN": 800}, "markets": {"CN": "open"}, "feeds": {"CN": "live"}, "rss_bytes": 1, "reported_at": at,
    }  # fmt: skip
    return ProcessHealth.objects.create(group=group, **{**usual, **changes})


def test_a_market_says_how_old_its_newest_window_is_and_is_late_while_it_trades(db):
    now, group = utc_now(), a_group()
    a_health(group, at=now, lag_ms={"CN": 800, "HK": 45_000}, markets={"CN": "open", "HK": "open", "TEST": "closed"})

    found = {one.market: one for one in selectors.markets_now(now)}

    assert list(found) == ["CN", "HK", "TEST"]
    assert [(one.seconds, one.late, one.silent) for one in found.values()] == [
        ("0.8", False, False), ("45.0", True, False), ("", False, False),
    ]  # fmt: skip
    assert selectors.markets_now(now + HOUR)[0].silent


def test_money_is_of_today_and_of_seven_days_and_customers_are_those_with_something_in_force(alice, node):
    now = utc_now()
    a_grant(alice, node, at=now)
    a_grant(alice, node, at=now - timedelta(days=3))

    today, week = selectors.money(now)

    assert (today.left_fen, week.left_fen) == (1000, 2000)
    assert resolve(week.url.partition("?")[0]).url_name == "billing_purchase_revenue"
    people, symbols, url = selectors.customers_now(now)
    assert (people, symbols) == (1, 10)
    assert url == "/admin/billing/grant/?state=active"


def test_what_waits_is_said_in_the_reader_s_language(well, alice):
    now = utc_now()
    Ticket.objects.create(number="T1", customer=alice, subject="s", opened_at=now, moved_at=now)

    with translation.override("zh-hans"):
        assert waiting()["questions"].text == "条客户提问待回复"
