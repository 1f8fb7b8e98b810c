"""The panel over Django's client: who sees what, what a form may do, and what the browser is allowed to run."""

import re
import uuid
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.urls import reverse

from billing import selectors
from billing.models import Grant, PaymentAttempt, Purchase
from billing.services.settling import settle_purchase
from kernel.clock import utc_now
from nodes.models import Node
from tests.factories import NOW, PASSWORD, a_customer, a_grant, a_group, a_node, a_plan, a_purchase

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def sandbox(settings, keys_dir):
    settings.PAYMENT_GATEWAYS = ["sandbox"]
    settings.SANDBOX_KEY = "key"


@pytest.fixture
def node(node):
    """A node that was seen just now: pages read the clock."""
    Node.objects.update(last_seen_at=utc_now())
    return node


@pytest.fixture
def shop(client, alice, node):
    a_plan()
    client.force_login(alice)
    return client


def order(**changes):
    usual = {"plan": "pack-5", "months": "1", "node": "sh-1", "kind": "stack", "key": str(uuid.uuid4())}
    return {**usual, **changes}


@pytest.mark.parametrize("name", ["home", "subscribe", "account_login", "account_signup", "account_reset_password"])
def test_a_stranger_sees_the_shop_window(client, name):
    a_plan()

    assert client.get(reverse(name)).status_code == 200


@pytest.mark.parametrize("name", ["dashboard", "account_email", "account_change_password"])
def test_a_stranger_is_asked_to_log_in(client, name):
    answer = client.get(reverse(name))

    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")


def test_ordering_leads_to_the_pay_page(shop):
    answer = shop.post("/subscribe/", order())

    assert answer.status_code == 302
    # Over a page of ours: a form may not lead to another host, and a real gateway is one.
    to_pay = shop.get(answer["Location"])["Location"]
    assert to_pay.startswith("/sandbox/pay/")
    assert "10" in shop.get(to_pay).text


def test_sending_the_form_twice_makes_one_purchase(shop):
    form = order()

    first, second = shop.post("/subscribe/", form), shop.post("/subscribe/", form)

    assert first["Location"] == second["Location"]
    assert Purchase.objects.count() == PaymentAttempt.objects.count() == 1


def test_going_back_and_paying_again_goes_on_with_the_same_order(shop):
    first, second = shop.post("/subscribe/", order()), shop.post("/subscribe/", {**order(), "key": uuid.uuid4().hex})

    assert first["Location"] == second["Location"]
    assert Purchase.objects.count() == 1


def test_an_order_that_waits_is_shown_paid_again_or_given_up(shop, alice, node):
    purchase = a_purchase(alice, node, at=utc_now())

    assert f'href="/purchases/{purchase.public_id}/" data-testid="pay-waiting"' in shop.get("/dashboard/").text
    assert shop.post(f"/purchases/{purchase.public_id}/cancel").status_code == 302
    assert 'data-state="cancelled"' in shop.get(f"/purchases/{purchase.public_id}/").text
    assert 'data-testid="pay-waiting"' not in shop.get("/dashboard/").text


@pytest.mark.parametrize(
    "change", [{"kind": ""}, {"plan": ""}, {"node": "nowhere"}, {"months": "13"}, {"key": "x"}, {"plan": "pack-6"}]
)
def test_an_incomplete_order_is_asked_again_and_keeps_the_rest(shop, change):
    answer = shop.post("/subscribe/", order(**change))

    assert answer.status_code == 422
    assert 'class="note error"' in answer.text
    assert not Purchase.objects.exists()


def test_a_stranger_who_orders_logs_in_first_and_keeps_the_choice(client, node):
    a_plan()

    answer = client.post("/subscribe/", order())

    assert answer["Location"].startswith("/accounts/login/?next=")
    assert "pack-5" in answer["Location"]
    assert not Purchase.objects.exists()


def test_the_choice_shows_both_kinds_and_preselects_none(shop, alice, node):
    a_grant(alice, node, at=utc_now())

    page = shop.get("/subscribe/choice", {"plan": "pack-5", "months": "2"}).text

    assert 'data-testid="buy-kind-stack"' in page
    assert 'data-testid="buy-kind-extend"' in page
    kinds = re.findall(r'<input type="radio" name="kind"[^>]*>', page)
    assert len(kinds) == 2
    assert not any("checked" in one or "disabled" in one for one in kinds)
    assert "5 symbols until" in page
    assert "10 symbols until" in page


def test_the_buyers_present_node_is_preselected(shop, alice, node):
    a_node("aa-1", group=a_group("aa"), last_seen_at=utc_now())
    a_grant(alice, node, at=utc_now())

    page = shop.get("/subscribe/choice", {"plan": "pack-5"}).text

    [checked] = [one for one in re.findall(r'<input type="radio" name="node".*?>', page, re.S) if "checked" in one]
    assert 'value="sh-1"' in checked


def test_of_two_groups_the_page_says_that_they_do_not_add(shop, alice, node):
    a_node("hk-1", group=a_group("hk"), last_seen_at=utc_now())
    a_grant(alice, node, at=utc_now())

    assert "do not add up" in shop.get("/subscribe/choice", {"plan": "pack-5", "node": "hk-1"}).text
    assert "do not add up" not in shop.get("/subscribe/choice", {"plan": "pack-5", "node": "sh-1"}).text


def test_a_node_that_was_not_seen_cannot_be_chosen(shop, node):
    Node.objects.update(last_seen_at=NOW.replace(year=2020))

    page = shop.get("/subscribe/choice", {"plan": "pack-5"}).text

    assert "disabled" in page
    assert 'data-testid="pay"' not in page


@pytest.mark.parametrize(
    "query", ["plan=%01", "months=x&plan=pack-5", "extends=-1&plan=pack-5", "node=%F0%9F%98%80", ""]
)
def test_nothing_in_the_query_breaks_the_page(shop, query):
    assert shop.get(f"/subscribe/?{query}").status_code == 200


def test_coming_back_from_the_pay_page_changes_nothing(shop, alice, node):
    purchase = a_purchase(alice, node, at=utc_now())

    page = shop.get(f"/purchases/{purchase.public_id}/").text

    assert 'data-state="pending"' in page
    assert not Grant.objects.exists()


def test_a_settled_purchase_shows_what_to_copy(shop, alice, node):
    purchase = a_grant(alice, node, at=utc_now()).purchase

    page = shop.get(f"/purchases/{purchase.public_id}/")

    token = re.search(r'data-testid="token">([^<]+)<', page.text)[1]
    assert f'export STOCK_RT_TOKEN="{token}"'.replace('"', "&quot;") in page.text or f'"{token}"' in page.text
    assert 'export STOCK_RT_WS_URL="wss://sh-1.example:8443/ws/stock"' in page.text
    assert "no-store" in page["Cache-Control"]


def test_looking_at_a_purchase_does_not_bring_a_revoked_token_back(shop, alice, node):
    purchase = a_grant(alice, node, at=utc_now()).purchase
    shop.post("/tokens/sh/revoke")

    page = shop.get(f"/purchases/{purchase.public_id}/").text

    assert 'data-testid="token"' not in page
    assert selectors.current_token(alice, node.group) is None


def test_the_dashboard_rotates_revokes_and_makes_tokens(shop, alice, node):
    a_grant(alice, node, at=utc_now())
    first = selectors.current_token(alice, node.group)

    shop.post("/tokens/sh/rotate")
    second = selectors.current_token(alice, node.group)
    shop.post("/tokens/sh/revoke")
    assert selectors.working_tokens(alice, node.group, utc_now()) == []
    shop.post("/tokens/sh/create")

    assert len({first, second, selectors.current_token(alice, node.group)}) == 3
    assert 'data-testid="max-subs">5<' in shop.get("/dashboard/").text


def test_a_sixth_working_token_is_refused_with_a_sentence(shop, alice, node):
    a_grant(alice, node, at=utc_now())
    for _ in range(4):
        shop.post("/tokens/sh/rotate")
    fifth = selectors.current_token(alice, node.group)

    answered = shop.post("/tokens/sh/rotate", follow=True)

    assert "Five tokens of this node group work already." in answered.text
    assert selectors.current_token(alice, node.group) == fifth


def test_nobody_sees_or_moves_what_is_anothers(client, alice, node):
    purchase = a_purchase(alice, node, at=utc_now())
    settle_purchase(purchase_id=purchase.pk, paid_fen=1000, now=utc_now())
    client.force_login(a_customer("mallory"))

    for path in ("", "state"):
        assert client.get(f"/purchases/{purchase.public_id}/{path}").status_code == 404
    for path in (f"/purchases/{purchase.public_id}/pay", "/tokens/sh/rotate", "/tokens/sh/revoke", "/tokens/sh/create"):
        assert client.post(path).status_code == 404
    assert len(selectors.working_tokens(alice, node.group, utc_now())) == 1


@pytest.mark.parametrize("path", ["/tokens/sh/rotate", "/tokens/sh/revoke", "/tokens/sh/create", "/purchases/x/pay"])
def test_a_link_cannot_change_anything(shop, path):
    assert shop.get(path).status_code == 405


def test_a_forged_form_is_refused(alice, node):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)

    refused = strict.post("/subscribe/", order())
    assert refused.status_code == 403
    assert "This form has expired" in refused.text
    assert strict.post("/tokens/sh/revoke").status_code == 403


def test_what_is_not_there_is_said_in_the_panels_own_page(client):
    answer = client.get("/purchases-of-nobody/")

    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


def test_no_template_of_the_panel_holds_inline_code_or_foreign_addresses():
    templates = Path(django_settings.BASE_DIR) / "templates"
    # Mails have styles inline: mail programs read no others. They have nothing that runs or is fetched.
    mails = [file.read_text() for file in (templates / "mail").rglob("*.html")]
    assert not any(re.search(r"<style|<script|<img|<link|\son\w+=|javascript:", text) for text in mails)
    files = [file for file in templates.rglob("*.html") if not {"admin", "mail"} & set(file.parts)]

    assert len(files) > 10
    for file in files:
        text = file.read_text()
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text), file
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), file
        assert not re.search(r"src=.https?://|<link[^>]*href=.https?://", text), file


def test_the_language_can_be_chosen(client):
    a_plan()

    client.post("/i18n/setlang/", {"language": "zh-hans", "next": "/"})

    page = client.get("/").text
    assert '<html lang="zh-hans">' in page
    assert "5 只套餐" in page


@pytest.mark.parametrize(("chosen", "kept"), [("zh-hans", "zh-hans"), ("en", "en"), ("tlh", "en")])
def test_who_is_logged_in_is_written_to_in_the_language_they_choose(shop, alice, chosen, kept):
    shop.post("/i18n/setlang/", {"language": chosen, "next": "/"})

    alice.refresh_from_db()
    assert alice.language == kept


def test_signing_up_and_in_works_with_the_email_address_alone(client, mailoutbox):
    form = {"email": "New@Example.com", "password1": PASSWORD}

    assert client.post("/accounts/signup/", form).status_code == 302
    client.logout()
    assert client.post("/accounts/login/", {"login": "new@example.com", "password": PASSWORD}).status_code == 302
    assert client.get("/dashboard/").status_code == 200


def test_a_forgotten_password_is_set_again_by_mail(client, mailoutbox):
    a_customer("alice")

    client.post("/accounts/password/reset/", {"email": "alice@example.com"})

    link = re.search(r"https?://\S+(/accounts/password/reset/key/\S+)", mailoutbox[0].body)[1]
    form_page = client.get(link, follow=True)
    answer = client.post(
        form_page.request["PATH_INFO"], {"password1": "another good one 1", "password2": "another good one 1"}
    )
    assert answer.status_code == 302
    assert client.login(email="alice@example.com", password="another good one 1")


def test_what_is_shown_of_a_node_below_a_path_keeps_the_path(shop, alice, node):
    Node.objects.filter(pk=node.pk).update(ws_url="wss://quant.example/n1/ws/stock")
    a_grant(alice, node, at=utc_now())

    dashboard = shop.get("/dashboard/").text
    choice = shop.get("/subscribe/?plan=pack-5").text
    snippets = shop.get("/connect/tickdb/").text + shop.get("/connect/native/").text

    assert 'data-usage="https://quant.example/n1/v1/usage"' in dashboard
    assert 'data-latency-of="https://quant.example/n1"' in choice
    assert "https://quant.example/n1/v1/market/ticker" in snippets
    assert "wss://quant.example/n1/v1/realtime" in snippets
    assert "wss://quant.example/n1/ws/stock" in snippets
