"""Looking at a page locks nothing and writes nothing, and asks as much of a full account as of a new one."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver

from accounts import services as people
from accounts.models import WatchList
from billing.models import InviteCode, PaymentAttempt, Prepayment, Purchase
from billing.services import invitations
from billing.services.prepayments import place_gift
from kernel.clock import utc_now
from outbox.models import MailRecord
from support.models import Ticket
from support.services import tickets
from tests.factories import a_grant, a_group, a_node, a_purchase, an_attempt, topped_up

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
# What Django keeps of who came, and what is not a page to look at: forms that are posted, and the sandbox's button.
MACHINERY = ('"django_session"', 'SET "last_login"', '"accounts_browsersession"')
POSTED = {
    "set_language", "purchase-pay", "purchase-ask", "purchase-cancel", "token-rotate", "token-create", "token-revoke",
    "gateway-notify", "api-key-revoke", "shop-preview", "shop-cancel", "shop-trials", "shop-redeem",
    "shop-token-rotate", "shop-token-revoke", "shop-token-create", "shop-renewal",
    "trial", "top-up", "buy-gift", "redeem", "renewal", "make-invite", "prepayment-pay",
    "prepayment-ask", "prepayment-cancel",
    "account-browsers-end", "account-browser-end", "help-reply", "help-close",
    "fapiao-ask", "fapiao-withdraw", "receipt-title", "mails-reminders",
    "watch-list", "watch-list-remove", "shared-list-add",
}  # fmt: skip

QUERIES = {"viewer-token": "?group=sh"}


@pytest.fixture
def account(client, alice, keys_dir, settings):
    """alice with a grant, an order that waits, and an attempt to pay it."""
    settings.PAYMENT_GATEWAYS = ["sandbox"]
    node = a_node(last_seen_at=utc_now(), realtime=True, reports_realtime=True)
    a_grant(alice, node, at=utc_now())
    waiting = a_purchase(alice, node, at=utc_now(), months=2)
    an_attempt(waiting, at=utc_now(), method="qr", shown={"kind": "qr", "text": "https://pay.example/1"})
    settings.INVITE_PERCENT = 10
    invitations.code_of(alice)
    topped_up(alice, 5000, at=utc_now())
    prepaid = place_gift(customer=alice, plan="pack-5", months=1, idempotency_key="g", now=utc_now())
    an_attempt(prepaid, at=utc_now(), method="qr", shown={"kind": "qr", "text": "https://pay.example/2"})
    tickets.open_ticket(customer=alice, subject="s", text="t", now=utc_now())
    watched = people.create_watch_list(customer=alice, name="Banks", symbols=["600036.SH"], now=utc_now())
    people.change_watch_list(pk=watched.pk, asked={"shared": True}, now=utc_now())
    client.force_login(alice)
    return client


def asked(client, address):
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address)
    assert answer.status_code < 500, address
    return answer, [one["sql"] for one in queries if not any(part in one["sql"] for part in MACHINERY)]


def pages():
    """Every address of the shop's own pages and programs' calls with what it needs, by the resolver."""
    settled = Purchase.objects.get(state="settled").public_id
    attempt = PaymentAttempt.objects.get(purchase__isnull=False)
    by_qr = PaymentAttempt.objects.get(prepayment__state="pending")
    prepaid, topped = by_qr.prepayment.public_id, Prepayment.objects.get(state="settled")
    waiting = attempt.purchase.public_id
    arguments = {
        "purchase": [{"public_id": settled}, {"public_id": waiting}],
        "purchase-state": [{"public_id": settled}, {"public_id": waiting}],
        "purchase-attempt": [{"public_id": waiting, "order_no": attempt.order_no}],
        "purchase-code": [{"public_id": waiting, "order_no": attempt.order_no}],
        "manual": [{"name": "protocol"}, {"name": "shop-api"}, {"name": "skill"}],
        "connect": [{}, {"language": "native"}, {"language": "rt_receiver"}],
        "sandbox-pay": [{"order": attempt.order_no}],
        "purchase-wechat": [{"public_id": waiting}],
        "prepayment": [{"public_id": topped.public_id}, {"public_id": prepaid}],
        "prepayment-state": [{"public_id": topped.public_id}, {"public_id": prepaid}],
        "prepayment-attempt": [{"public_id": prepaid, "order_no": by_qr.order_no}],
        "prepayment-code": [{"public_id": prepaid, "order_no": by_qr.order_no}],
        "prepayment-wechat": [{"public_id": prepaid}],
        "invited": [{"code": InviteCode.objects.get().code}],
        "receipt": [{"public_id": settled}],
        "fapiao-file": [{"number": "F1"}],
        "shared-list": [{"share": WatchList.objects.get().share_code}],
        "mails-stop": [{"key": MailRecord.objects.first().key}],
        "help-ticket": [{"number": Ticket.objects.get().number}],
        "shop-purchase": [{"order_id": settled}, {"order_id": waiting}],
        "shop-receipt": [{"order_id": settled}],
        "shop-top-up": [{"order_id": topped.public_id}],
        "shop-gift-code": [{"order_id": prepaid}],
        "shop-nothing": [{"rest": "x"}],
    }
    found = {}
    for part in get_resolver().url_patterns:
        module = getattr(part, "urlconf_name", None)
        if getattr(module, "__name__", module) not in ("panel.urls", "billing.urls", "nodes.urls"):
            continue
        for one in part.url_patterns:
            if one.name is not None and one.name not in POSTED:
                found.setdefault(one.name, []).extend(arguments.get(one.name, [{}]))
    return found


def test_looking_at_any_page_locks_nothing_and_writes_nothing(account):
    from django.urls import reverse

    found, seen = pages(), set()
    assert {"dashboard", "live", "connect", "purchase", "subscribe", "home", "api-purchases"} <= set(found)
    for name, many in found.items():
        for arguments in many:
            answer, statements = asked(account, reverse(name, kwargs=arguments) + QUERIES.get(name, ""))
            seen.add((name, answer.status_code))
            loud = [sql for sql in statements if sql.split()[0] in ("INSERT", "UPDATE", "DELETE") or " FOR " in sql]
            assert loud == [], name
    assert {name for name, status in seen if status == 200} >= set(found) - {
        "purchase-attempt",
        "sandbox-pay",
        "purchase-code",
        "purchase-wechat",  # not set up here
        "prepayment-wechat",
        "prepayment-attempt",
        "prepayment-code",
        "invited",  # leads on
        "account-left",  # to who is logged in
        "fapiao-file",
        "wechat-return",
        "shop-nothing",
    }


def test_the_dashboard_of_forty_purchases_and_groups_asks_as_much_as_of_one(account, alice):
    asked(account, "/dashboard/")
    _, of_one = asked(account, "/dashboard/")
    now = utc_now()
    for nth in range(40):
        node = a_node(f"n{nth}", group=a_group(f"g{nth}"), last_seen_at=now)
        a_grant(alice, node, at=now - timedelta(hours=100 - 2 * nth))
        type(node).objects.update(last_seen_at=now)

    answer, of_all = asked(account, "/dashboard/")

    assert answer.text.count('data-testid="group-') == 41
    assert len(of_all) == len(of_one)
    assert len(of_one) <= 21
