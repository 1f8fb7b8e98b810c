"""Which Redis is whose."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from nodes import selectors, store
from nodes.errors import NoSuchGroup, UnknownTransport
from nodes.models import DataLicence, Delivered, FeedSetting, Instrument, MarketLine
from outbox.transports.redis import RedisLink
from tests.factories import a_customer, a_group

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
TODAY = date(2026, 11, 27)
ELSEWHERE = "redis://hk.example:6379/0"


def at(slug, address):
    group = a_group(slug)
    group.address = address
    group.full_clean()
    group.save()
    return group


def test_a_group_without_an_address_uses_the_panels_own():
    assert selectors.link_to(a_group("sh")) == RedisLink() == selectors.link_named(selectors.OWN)


def test_a_group_with_one_is_reached_there():
    at("hk", ELSEWHERE)

    assert selectors.link_named("hk") == RedisLink(ELSEWHERE)


def test_a_group_that_is_not_there_is_refused():
    with pytest.raises(NoSuchGroup):
        selectors.link_named("atlantis")


def test_every_redis_is_named_once():
    a_group("sh")
    at("hk", ELSEWHERE)
    at("hk-2", ELSEWHERE)

    assert selectors.destinations() == [selectors.OWN, "hk"]


def test_a_transport_of_another_version_is_refused_and_keeps_its_place():
    group = a_group("far")
    group.transport = "pigeon"
    group.save()

    with pytest.raises(UnknownTransport):
        selectors.link_to(group)
    assert selectors.destinations() == [selectors.OWN, "far"]


@pytest.mark.parametrize("address", ["hk.example:6379", "http://hk.example", "redis://", "redis://a b"])
def test_an_address_that_is_none_is_refused_where_it_is_typed(address):
    from django.core.exceptions import ValidationError

    with pytest.raises(ValidationError):
        at("hk", address)


# -- what may be sold ----------------------------------------------------------------------------------------------


def live_with(*sources, lane="CN", feed="live"):
    setting = FeedSetting.objects.create(lane=lane, feed=feed)
    for source in sources:
        MarketLine.objects.create(setting=setting, name=source, source=source)
    return setting


def licensed(provider, lane="CN", **more):
    return DataLicence.objects.create(
        **{"lane": lane, "provider": provider, "contract": "C", "starts_on": TODAY - timedelta(days=1), **more}
    )


def names(day=None):
    return [f"{line.setting.lane} {line.name}" for line in selectors.unlicensed_lines(day or TODAY)]


def test_a_live_market_is_sold_while_each_of_its_providers_is_licensed():
    live_with("push", "sina", "itick")
    assert (names(), selectors.markets_not_sold(TODAY)) == (["CN itick", "CN sina"], {"CN"})

    licensed("itick")
    assert names() == ["CN sina"]

    licensed("sina", contract="", insisted="We answer for it.")
    assert (names(), selectors.markets_not_sold(TODAY)) == ([], frozenset())


def test_a_licence_of_another_market_provider_or_time_is_none():
    live_with("sina")
    licensed("sina", lane="HK")
    licensed("itick")
    licensed("sina", starts_on=TODAY + timedelta(days=1))
    licensed("sina", ends_on=TODAY - timedelta(days=1))

    assert names() == ["CN sina"]
    assert names(TODAY + timedelta(days=1)) == []


@pytest.mark.parametrize("feed", ["simulated", "replay", "none"])
def test_what_is_made_up_replayed_or_pushed_needs_no_licence(feed):
    live_with("sina", feed=feed)
    live_with("push", lane="HK")
    live_with("sina", lane="TEST")

    assert names() == []


def test_a_customer_s_used_days_add_up_all_symbols_and_nodes():
    alice, bob = a_customer("alice"), a_customer("bob")
    for who, node, symbol, back, due in (
        (alice, "a", "600519.SH", 0, 10), (alice, "b", "600519.SH", 0, 1), (alice, "a", "700.HK", 0, 5),
        (alice, "a", "700.HK", 1, 3), (alice, "a", "700.HK", 9, 3), (bob, "a", "000001.SZ", 0, 7),
    ):  # fmt: skip
        Delivered.objects.create(
            customer=who, group=a_group(), node=node, lane="CN", symbol=symbol, day_on=TODAY - timedelta(days=back),
            due=due, sent=due - 1, late=1,
        )  # fmt: skip

    found = selectors.used_days(alice.pk, TODAY - timedelta(days=7), TODAY)

    assert [(one.day, one.symbols, one.due, one.sent, one.late) for one in found] == [
        (TODAY, 2, 16, 13, 3),
        (TODAY - timedelta(days=1), 1, 3, 2, 1),
    ]


def worker(**said):
    return {"reported_ms": "1", "clock_ms": "1764550800000", **said}


def line(name, state, **more):
    told = {"lag_ms": 1, "lag_p99_ms": 1, "rows_per_s": 1.0, "symbols": 1, "first": 1.0, "reasons": {}}
    return {"name": name, "state": state, **told, **more}


def test_feeds_and_lines_in_trouble_are_told_with_the_end_of_the_newest_window(monkeypatch):
    for lane, feed in (("CN", "live"), ("HK", "live"), ("TEST", "none")):
        FeedSetting.objects.create(lane=lane, feed=feed)
    lines = [
        line("a", "leading"), line("b", "mute"), line("c", "following", connection={"problem": "401"}),
        line("d", "drained"),
    ]  # fmt: skip
    said = {"CN": worker(problem="no rows", lines=json.dumps(lines)), "HK": {}, "TEST": {}}
    monkeypatch.setattr(store, "feed_state", lambda link, lane: said[lane])

    found = selectors.feeds_in_trouble()

    assert [(one.market, one.line, one.problem) for one in found] == [
        ("CN", "", "no rows"), ("HK", "", ""), ("CN", "b", "mute"), ("CN", "c", "401"),
    ]  # fmt: skip
    assert found[0].since == datetime(2025, 12, 1, 1, 0, tzinfo=UTC)


def test_a_redis_that_is_away_is_asked_once_and_a_replay_that_ended_is_no_trouble(monkeypatch):
    FeedSetting.objects.create(lane="CN", feed="live")
    asked = []
    monkeypatch.setattr(store, "feed_state", lambda link, lane: asked.append(lane) or {"problem": "refused"})
    assert [one.problem for one in selectors.feeds_in_trouble()] == ["refused"]
    assert asked == ["CN"]

    monkeypatch.setattr(store, "feed_state", lambda link, lane: worker(problem="finished"))

    assert selectors.feeds_in_trouble() == []


def test_names_come_from_the_list_that_is_kept_else_from_the_one_that_came_along():
    assert selectors.names_of(["600519.SH", "999999.SH"]) == {"600519.SH": "Kweichow Moutai"}

    Instrument.objects.create(
        symbol="600000.SH", name_zh="浦发银行", name_en="SPD Bank", board="main", kind="stock", currency="CNY", lot=100,
        tick_table="0.01",
    )  # fmt: skip

    assert selectors.names_of(["600519.SH", "600000.SH"]) == {"600000.SH": "SPD Bank"}
