"""How a customer stands: each state has a sentence and a button of its own, and what ended is bought again in one click."""

import time
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from billing import selectors
from billing.models import GrantFreeze
from billing.services import tokens
from billing.services.customers import set_active
from billing.services.entitlements import close_grant
from nodes.models import Node
from panel.standing import State, of_page, standings
from tests.factories import NOW, a_customer, a_grant, a_group, a_node, a_plan

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def shop(keys_dir):
    a_plan()


def stands(customer, now=NOW):
    customer.refresh_from_db()
    return of_page(customer, standings(customer, now), now)


def chosen(address):
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def test_who_never_bought_is_shown_the_packs_and_nobody_else_is(alice, node):
    mallory = a_customer("mallory")
    a_grant(alice, node)

    assert stands(mallory).state == State.NEVER_HAD
    assert stands(mallory).button == ("See the packs", "/subscribe/")
    for at in (NOW, NOW + 40 * DAY):
        assert stands(alice, at).state != State.NEVER_HAD


def test_a_pack_is_active_then_ending_then_ended(alice, node):
    grant = a_grant(alice, node)

    states = {days: stands(alice, grant.ends_at - timedelta(days=days)).state for days in (20, 8, 6, 1, 0, -1, -400)}

    assert states == {
        20: State.ACTIVE, 8: State.ACTIVE, 6: State.ENDING, 1: State.ENDING,
        0: State.ENDED, -1: State.ENDED, -400: State.ENDED,
    }  # fmt: skip
    assert [stands(alice, grant.ends_at - days * DAY).follows for days in (20, 1, 0)] == [True, True, False]


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (6 * DAY, "Your pack ends in 6 days, on 21 Dec 2026 09:00."),
        (DAY, "Your pack ends tomorrow, on 21 Dec 2026 09:00."),
        (timedelta(hours=1), "Your pack ends today, on 21 Dec 2026 09:00."),
        (timedelta(), "Your pack ended on 21 Dec 2026 09:00."),
        (-60 * DAY, "Your pack ended on 21 Dec 2026 09:00."),
    ],
)
def test_the_end_is_said_before_on_the_day_and_after(alice, node, before, said):
    grant = a_grant(alice, node)

    assert stands(alice, grant.ends_at - before).sentence == said


def test_before_the_end_one_click_makes_the_same_pack_last_longer(alice, node):
    grant = a_grant(alice, node, plan="pack-15", months=3)

    label, address = stands(alice, grant.ends_at - DAY).button

    assert label == "Renew"
    assert chosen(address) == {
        "plan": "pack-15", "months": "3", "node": "sh-1", "kind": "extend", "extends": str(grant.pk),
    }  # fmt: skip


def test_after_the_end_one_click_buys_the_same_pack_anew(alice, node):
    grant = a_grant(alice, node, plan="pack-15", months=3)

    label, address = stands(alice, grant.ends_at + 3 * DAY).button

    assert label == "Renew"
    assert chosen(address) == {"plan": "pack-15", "months": "3", "node": "sh-1", "kind": "stack"}


def test_what_ended_long_before_the_rest_is_not_offered_again(alice, node):
    a_grant(alice, node, plan="pack-50", at=NOW - 200 * DAY)
    last = a_grant(alice, node, plan="pack-5")

    [renewal] = stands(alice, last.ends_at + DAY).renewals

    assert renewal.grant == last


def test_two_packs_are_renewed_each_by_itself_the_soonest_end_first(alice, node):
    later, sooner = a_grant(alice, node, plan="pack-15", months=2), a_grant(alice, node)

    assert [one.grant for one in stands(alice).renewals] == [sooner, later]


def test_a_plan_that_is_sold_no_more_leads_to_the_packs_after_its_end(alice, node):
    grant = a_grant(alice, node)
    plan = grant.purchase.plan
    plan.on_sale = False
    plan.save()

    assert stands(alice, grant.ends_at).button == ("Renew", "/subscribe/")


def test_a_renewal_of_a_retired_node_names_one_that_serves(alice, node):
    grant = a_grant(alice, node)
    Node.objects.update(state=Node.State.RETIRED)
    a_node("sh-2", last_seen_at=NOW)

    assert chosen(stands(alice, grant.ends_at).button[1])["node"] == "sh-2"


def test_a_stopped_token_is_no_missing_pack(alice, node):
    a_grant(alice, node)
    tokens.revoke_tokens(customer=alice, group=node.group, now=NOW)

    found = stands(alice)

    assert (found.state, found.follows) == (State.REVOKED, False)
    assert found.button == ("Make a new token", "/dashboard/#tokens-sh")


def test_a_group_whose_nodes_all_drain_says_so(alice, node):
    a_grant(alice, node)
    Node.objects.update(state=Node.State.DRAINING)

    assert (stands(alice).state, stands(alice).follows) == (State.DRAINING, False)
    a_node("sh-2")
    assert stands(alice).state == State.ACTIVE


def test_a_disputed_pack_is_paused_and_has_not_ended(alice, node):
    grant = a_grant(alice, node)
    GrantFreeze.objects.create(grant=grant, frozen_at=NOW, reason="dispute")

    assert stands(alice).state == State.PAUSED
    assert stands(alice, grant.ends_at).state == State.ENDED


def test_a_pack_that_was_closed_early_ended_then(alice, node):
    grant = a_grant(alice, node)
    close_grant(grant_id=grant.pk, reason="refund", now=NOW + DAY)

    found = stands(alice, NOW + 2 * DAY)

    assert (found.state, found.ends_at) == (State.ENDED, NOW + DAY)


def test_a_deactivated_account_says_that_and_not_that_there_is_no_pack(alice, node):
    a_grant(alice, node)
    mallory = a_customer("mallory")
    for one in (alice, mallory):
        set_active(customer=one, active=False, now=NOW)

    assert stands(alice).state == stands(mallory).state == State.DEACTIVATED


def test_of_several_groups_the_one_that_can_be_followed_counts(alice, node):
    other = a_node("hk-1", group=a_group("hk"), last_seen_at=NOW)
    a_grant(alice, node, months=3)
    a_grant(alice, other)
    at = NOW + 40 * DAY

    assert [one.state for one in standings(alice, at)] == [State.ENDED, State.ACTIVE]
    assert stands(alice, at).held.group == node.group


def test_every_state_has_its_own_sentence_in_both_languages(alice, node):
    grant = a_grant(alice, node)
    said = {}
    for language in ("en", "zh-hans"):
        with translation.override(language):
            said[language] = {
                stands(a_customer(f"m-{language}")).sentence,
                *(stands(alice, grant.ends_at - days * DAY).sentence for days in (20, 6, 1, 0)),
            }

    assert len(said["en"]) == len(said["zh-hans"]) == 5
    assert not said["en"] & said["zh-hans"]
    assert "套餐已于 2026年12月21日 09:00 到期。" in said["zh-hans"]


@pytest.fixture(params=["UTC", "America/New_York"])
def server_zone(request, monkeypatch):
    """The zone of the machine; the shop's own is the exchange's all the same."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def test_t20_the_end_that_is_shown_is_the_real_one_wherever_the_server_stands(server_zone, alice, node):
    """An end at midnight is no day more and no day less than what is written."""
    midnight = datetime(2026, 11, 1, tzinfo=ZoneInfo("Asia/Shanghai"))
    grant = a_grant(alice, node, at=midnight)
    end = datetime(2026, 12, 1, tzinfo=ZoneInfo("Asia/Shanghai"))

    assert grant.ends_at == end
    assert stands(alice, end - timedelta(minutes=1)).sentence == "Your pack ends tomorrow, on 1 Dec 2026 00:00."
    for before, follows in ((timedelta(seconds=1), True), (timedelta(), False)):
        assert stands(alice, end - before).follows is follows
        assert bool(selectors.entitlement(alice, node.group, end - before).max_subs) is follows
    assert stands(alice, end).sentence == "Your pack ended on 1 Dec 2026 00:00."
