"""The sandbox's pay page takes orders that the shop signed, and does what the visitor wants to try."""

from datetime import timedelta

import pytest

from billing.gateways.protocol import Method
from billing.gateways.sandbox.gateway import SandboxGateway
from kernel.clock import utc_now
from outbox.models import Outbox
from tests.billing.gateways.orders import an_order

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def pay_url(settings):
    settings.PAYMENT_GATEWAYS, settings.SANDBOX_KEY = ["sandbox"], "key"
    return SandboxGateway(key="key").start(an_order(), Method.PAGE, utc_now()).url


def test_the_pay_page_takes_only_orders_that_the_shop_signed(client, settings):
    assert client.get("/sandbox/pay/made-up").status_code == 404
    settings.PAYMENT_GATEWAYS = []
    assert client.get("/sandbox/pay/made-up").status_code == 404


def test_it_shows_what_is_due(client, pay_url):
    assert "10" in client.get(pay_url).text


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("pay", [(1000, "paid", False)]),
        ("twice", [(1000, "paid", False)] * 2),
        ("second", [(1000, "paid", False)] * 2),
        ("other_amount", [(900, "paid", False)]),
        ("forged", [(1000, "paid", True)]),
        ("decline", [(1000, "declined", False)]),
        ("late", [(1000, "paid", False)]),
    ],
)
def test_each_button_posts_its_notice_and_sends_the_browser_back(client, pay_url, action, expected):
    answer = client.post(pay_url, {"action": action})

    assert answer["Location"] == "/purchases/order/"
    rows = list(Outbox.objects.filter(kind="sandbox_notice"))
    posted = [
        (row.payload["message"]["amount_fen"], row.payload["message"]["status"], row.payload["forged"]) for row in rows
    ]
    assert posted == expected
    assert len({row.payload["message"]["transaction_id"] for row in rows}) == (2 if action == "second" else 1)
    late = timedelta(seconds=30)
    assert all(row.due_at - row.created_at == late if action == "late" else row.due_at < utc_now() for row in rows)


def test_another_button_does_nothing(client, pay_url):
    assert client.post(pay_url, {"action": "steal"}).status_code == 404
    assert not Outbox.objects.exists()
