"""What the shop says of somebody who leaves. The whole of leaving is looked at in tests/accounts/services."""

import pytest

from accounts.services import personal
from billing.models import AccessToken, AutoRenewal, Purchase
from billing.services import leaving, renewals, tokens
from nodes.models import UsedHour
from tests.factories import NOW, a_customer, a_grant, a_node, a_purchase, topped_up

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_somebody_new_loses_nothing_and_nothing_stands_in_the_way():
    said = leaving.leaving(a_customer("alice"), NOW)

    assert (said.obstacles, said.losses, said.balance_fen) == ([], [], 0)


def test_what_a_waiting_order_has_reserved_is_money_to_give_up_too(keys_dir):
    alice, node = a_customer("alice"), a_node()
    topped_up(alice, 1000)
    waiting = a_purchase(alice, node, months=3, use_balance=True)
    assert waiting.balance_fen == 1000

    assert leaving.leaving(alice, NOW).balance_fen == 1000


def test_nothing_renews_by_itself_for_who_has_left(keys_dir):
    alice = a_customer("alice")
    grant = a_grant(alice, a_node())
    renewals.switch(customer=alice, grant=grant.pk, on=True, now=NOW)

    leaving.forget(alice, NOW)

    assert not AutoRenewal.objects.get().on
    assert Purchase.objects.get().state == "settled"


def test_names_of_tokens_and_hours_of_use_go_with_their_owner(keys_dir):
    alice, node = a_customer("alice"), a_node()
    a_grant(alice, node)
    tokens.add_token(customer=alice, group=node.group, name="alice's laptop", symbols=["600519.SH"], now=NOW)
    UsedHour.objects.create(customer=alice, group=node.group, hour_at=NOW, bars={"600519.SH": 1}, sent=1)
    taken = [(row["name"], row["symbols"]) for row in leaving.tables(alice)["tokens"]]

    personal.delete_account(customer=alice, give_up_balance=False, now=NOW)

    assert taken == [("", ""), ("alice's laptop", "600519.SH")]
    assert [(one.name, one.symbols) for one in AccessToken.objects.all()] == [("", []), ("", [])]
    assert not UsedHour.objects.exists()
