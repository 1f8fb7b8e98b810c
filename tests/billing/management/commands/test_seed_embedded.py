"""What `./dev up` needs is made once and kept right at each start."""

import json

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command

from accounts.models import Customer
from billing import selectors
from billing.models import Grant, GrantClosure, Plan
from config.checks import sandbox_is_only_for_trying_out
from kernel import keyspace, tokens
from kernel.clock import utc_now
from nodes.models import Node
from outbox.models import Outbox

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def seed(keys_dir, monkeypatch, capsys):
    for name in ("DEMO", "ADMIN"):
        monkeypatch.setenv(f"TICKPACK_{name}_EMAIL", f"{name.lower()}@tickpack.local")
        monkeypatch.setenv(f"TICKPACK_{name}_PASSWORD", f"{name.lower()}-password")

    def run(port=8000):
        base = f"127.0.0.1:{port}"
        call_command("seed_embedded", ws_url=f"ws://{base}/ws/stock", health_url=f"http://{base}/healthz")
        [line] = capsys.readouterr().out.splitlines()
        return json.loads(line)["buyer_token"]

    return run


def test_the_first_start_sells_the_demo_buyer_a_pack_5(seed, data_redis):
    token = seed()

    buyer = Customer.objects.get(email="demo@tickpack.local")
    node = Node.objects.get(slug=django_settings.NODE_ID)
    assert tokens.key_id(token)
    assert buyer.check_password("demo-password")
    assert selectors.entitlement(buyer, node.group, utc_now()).max_subs == 5
    assert Customer.objects.get(email="admin@tickpack.local").is_superuser
    assert sorted(Plan.objects.values_list("slug", "symbols", "price_fen", "max_connections")) == [
        ("pack-15", 15, 2000, 3),
        ("pack-5", 5, 1000, 2),
        ("pack-50", 50, 5000, 5),
    ]
    # Mails wait for the worker: the first run of all is not to draw a PDF.
    assert set(Outbox.objects.filter(delivered_at=None).values_list("kind", flat=True)) == {"order", "receipt"}
    assert data_redis.exists(keyspace.entitlement(buyer.public_id, node.group.slug))


def test_the_second_start_keeps_everything_but_the_nodes_address(seed):
    seed(8000)
    Plan.objects.filter(slug="pack-5").update(price_fen=1)

    seed(9000)

    assert Node.objects.get().ws_url == "ws://127.0.0.1:9000/ws/stock"
    assert Grant.objects.count() == 1
    assert Plan.objects.get(slug="pack-5").price_fen == 1


def test_a_demo_pack_that_has_ended_is_bought_again(seed):
    seed()
    GrantClosure.objects.create(grant=Grant.objects.get(), closed_at=utc_now(), reason="test")

    seed()

    assert Grant.objects.count() == 2


def test_demo_accounts_are_not_made_where_money_is_real(seed, settings):
    settings.EMBEDDED = settings.DEBUG = False

    with pytest.raises(CommandError, match="demo accounts"):
        seed()


@pytest.mark.parametrize(
    ("gateways", "embedded", "debug", "found"),
    [
        (["sandbox"], True, False, []),
        (["sandbox"], False, True, []),
        (["alipay", "sandbox"], False, False, ["config.E001"]),
        ([], False, False, []),
    ],
)
def test_the_sandbox_gateway_is_refused_where_money_is_real(settings, gateways, embedded, debug, found):
    settings.PAYMENT_GATEWAYS, settings.EMBEDDED, settings.DEBUG = gateways, embedded, debug

    assert [message.id for message in sandbox_is_only_for_trying_out(None)] == found
