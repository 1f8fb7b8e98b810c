"""The subscription page: three things that can be bought, each with its price, its timeline and what is wrong with it."""

import re
from datetime import timedelta

import pytest

from billing.models import Coupon, Plan, Purchase, TermDiscount, TrialOffer
from billing.services.plans import version_of
from kernel.clock import utc_now
from nodes.models import Node
from tests.factories import a_customer, a_node, a_paid, a_plan, a_purchase, topped_up

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def shop(client, alice, keys_dir, settings):
    """alice has Pack 5 on a node since half a month."""
    settings.PAYMENT_GATEWAYS = ["sandbox"]
    now = utc_now()
    node = a_node(last_seen_at=now, realtime=True, reports_realtime=True)
    a_paid(alice, node, at=now - timedelta(days=15))
    type(node).objects.update(last_seen_at=now)
    client.force_login(alice)
    return client


def look(client, **chosen):
    return client.get("/subscribe/choice", {"plan": "pack-15", "node": "sh-1", "months": 1, **chosen}).text


def buy(client, text, kind, **more):
    """Send the form as the page has filled it in."""
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text))
    form = {"plan": "pack-15", "node": "sh-1", "months": 1, "kind": kind, "key": "9f0a1a5e-7c0a-4a3e-8f0e-0d8a1b2c3d4e"}
    return client.post("/subscribe/", {**form, **hidden, **more})


def test_an_upgrade_is_offered_with_what_it_costs_and_bought_at_that_price(shop):
    version_of(Plan.objects.get(slug="pack-15"), utc_now())  # as the admin stores it
    text = look(shop, kind="upgrade")
    assert 'data-testid="buy-kind-upgrade"' in text
    shown = text.split('data-testid="due">¥')[1].split("<")[0]
    Plan.objects.filter(slug="pack-15").update(price_fen=99_900)  # the page has the price pinned

    answer = buy(shop, text, "upgrade")

    order = Purchase.objects.latest("pk")
    assert answer.status_code == 302
    assert (order.kind, f"{order.due_fen / 100:.2f}".rstrip("0").rstrip(".")) == ("upgrade", shown)


@pytest.mark.parametrize(
    ("chosen", "can_pay"),
    [
        ({"kind": "extend"}, False),
        ({"kind": "upgrade", "plan": "pack-5"}, False),
        ({}, False),
        ({"kind": "stack"}, True),
    ],
)
def test_a_kind_that_this_pack_does_not_have_leaves_nothing_chosen_and_nothing_to_pay(shop, chosen, can_pay):
    text = look(shop, **chosen)

    assert len(re.findall(r'name="kind"[^>]* checked', text)) == can_pay
    assert ('data-testid="due"' in text) == can_pay
    assert ('data-testid="pay" disabled' not in text) == can_pay
    assert ("Choose one of these to see what it costs." not in text) == can_pay


def test_a_visitor_is_asked_to_sign_up_or_log_in(shop, client):
    client.logout()

    text = client.get(
        "/subscribe/choice",
        {"plan": "pack-15", "node": "sh-1", "kind": "extend"},
        headers={"accept-language": "zh-hans"},
    ).text

    assert "注册或登录后付款" in text
    assert re.search(r'id="kind-stack"[^>]* checked', text)  # the only thing that a visitor can have
    assert 'data-testid="pay" disabled' not in text


def test_there_is_no_upgrade_to_what_is_no_larger_and_for_who_has_nothing(shop, client):
    assert 'data-testid="buy-kind-upgrade"' not in look(shop, plan="pack-5")
    client.logout()
    assert 'data-testid="buy-kind-upgrade"' not in look(client)


def test_what_extends_it_can_be_upgraded_with_it(shop, alice):
    node = alice.grants.get().purchase.node
    assert 'data-testid="with-later"' not in look(shop)
    a_paid(alice, node, at=utc_now(), kind="extend", extends=alice.grants.get().pk)

    alone, together = look(shop, kind="upgrade"), look(shop, kind="upgrade", with_later="1")

    assert 'data-testid="with-later"' in alone
    assert alone.split('data-testid="due">')[1][:8] != together.split('data-testid="due">')[1][:8]


def test_a_coupon_shows_what_it_takes_off_or_why_not(shop):
    Coupon.objects.create(code="TENTH", percent=10)
    Coupon.objects.create(code="OVER", percent=10, ends_at=utc_now())

    good, over, unknown = (look(shop, kind="stack", coupon=code) for code in ("tenth", "OVER", "nothing"))

    assert "−¥2" in good
    assert 'data-testid="due">¥18<' in good
    assert "This coupon has ended." in over
    assert "There is no such coupon." in unknown
    assert 'data-testid="due">¥20<' in unknown
    assert buy(shop, good, "stack", coupon="tenth").status_code == 302
    assert Purchase.objects.latest("pk").due_fen == 1800


def test_longer_terms_cost_less(shop):
    TermDiscount.objects.create(months=6, percent=10)

    assert 'data-testid="due">¥108<' in look(shop, months=6, kind="stack")


def test_the_balance_pays_as_far_as_it_goes(shop, alice):
    assert 'data-testid="use-balance"' not in look(shop, kind="stack")
    topped_up(alice, 1500, at=utc_now())

    text = look(shop, kind="stack", use_balance="1")

    assert "¥5 are left to pay." in text
    buy(shop, text, "stack", use_balance="1")
    order = Purchase.objects.latest("pk")
    assert (order.balance_fen, order.cash_fen) == (1500, 500)


def test_a_price_that_changed_after_its_fifteen_minutes_is_said(shop, monkeypatch):
    from billing.services import quotes

    text = look(shop, kind="stack")
    Plan.objects.filter(slug="pack-15").update(price_fen=3000)
    monkeypatch.setattr(quotes, "HOLDS", timedelta(0))

    answer = buy(shop, text, "stack")

    assert answer.status_code == 422
    assert "it is ¥30 now" in answer.text


def test_a_trial_is_offered_once(shop, alice):
    TrialOffer.objects.create(plan=a_plan("pack-50"), days=7)
    assert 'data-testid="try"' not in look(shop)
    text = look(shop, plan="pack-50")
    assert "Try it for 7 days, ¥1" in text

    answer = shop.post(
        "/subscribe/trial", {"plan": "pack-50", "node": "sh-1", "key": "9f0a1a5e-7c0a-4a3e-8f0e-0d8a1b2c3d4e"}
    )

    order = Purchase.objects.latest("pk")
    assert answer["Location"] == f"/purchases/{order.public_id}/"
    assert (order.kind, order.due_fen) == ("trial", 100)
    assert 'data-testid="try"' not in look(shop, plan="pack-50")
    again = shop.post(
        "/subscribe/trial", {"plan": "pack-50", "node": "sh-1", "key": "1f0a1a5e-7c0a-4a3e-8f0e-0d8a1b2c3d4e"}
    )
    assert (again.status_code, "You have had a trial" in again.text) == (422, True)


@pytest.mark.parametrize("state", ["failed", "expired", "cancelled"])
@pytest.mark.parametrize("kind", ["stack", "extend", "upgrade"])
def test_ordering_again_chooses_all_that_was_chosen(shop, alice, kind, state):
    grant = alice.grants.get()
    named = {"stack": {}, "extend": {"extends": grant.pk}, "upgrade": {"replaces": grant.pk, "months": 0}}[kind]
    plan = "pack-15" if kind == "upgrade" else "pack-5"
    order = a_purchase(alice, grant.purchase.node, plan=plan, at=utc_now(), **{"months": 3, "kind": kind, **named})
    Purchase.objects.filter(pk=order.pk).update(state=state)
    page = shop.get(f"/purchases/{order.public_id}/").text
    again = re.search(r'href="([^"]+)" data-testid="order-again"', page)[1].replace("&amp;", "&")

    chosen = shop.get(again).text

    assert re.search(rf'value="{plan}" required data-changes checked', chosen)
    assert re.search(rf'id="kind-{kind}"[^>]* checked', chosen)
    assert re.search(r'id="node-sh-1"[^>]*\s+checked', chosen)
    if kind != "upgrade":
        assert re.search(r'<option value="3" selected', chosen)


def test_the_only_thing_that_can_be_chosen_stands_chosen(shop):
    text = look(shop, plan="pack-5")
    assert not re.search(r'name="kind"[^>]* checked', text)  # more, or longer: the buyer says
    bob = a_customer("bob")
    a_paid(bob, Node.objects.get(), plan="pack-15", at=utc_now())
    shop.force_login(bob)

    alone = look(shop, plan="pack-5")

    assert re.search(r'id="kind-stack"[^>]* checked', alone)
    assert 'data-testid="due"' in alone
    assert 'data-testid="pay" disabled' not in alone
