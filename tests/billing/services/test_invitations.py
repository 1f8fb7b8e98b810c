"""Invitations: a part of what the invited pay, in the inviter's balance once it stays paid; none for oneself."""

from datetime import timedelta

import pytest

from billing import selectors
from billing.errors import InviteRefused
from billing.models import Commission, Coupon, InviteCode
from billing.services import books, invitations, refunds
from tests.billing.balances import balance
from tests.factories import NOW, a_customer, a_paid, a_plan, a_purchase, topped_up

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
DUE = NOW + timedelta(days=7)


@pytest.fixture(autouse=True)
def tenth(settings):
    settings.INVITE_PERCENT, settings.REFUND_WINDOW_DAYS, settings.ONE_PERSON_SHOP = 10, 7, True


@pytest.fixture
def bob(alice):
    """Somebody whom alice has invited."""
    bob = a_customer("bob")
    invitations.accept(customer=bob, code=invitations.code_of(alice), now=NOW)
    return bob


def test_a_commission_is_held_until_refunds_are_over(keys_dir, alice, bob, node):
    a_paid(bob, node, plan="pack-15")
    assert (balance("commissions"), balance("commission_due"), selectors.balance_fen(alice)) == (200, -200, 0)
    assert invitations.pay_commissions(now=DUE - timedelta(seconds=1)) == 0

    assert invitations.pay_commissions(now=DUE) == 1
    assert invitations.pay_commissions(now=DUE) == 0

    assert (balance("commission_due"), selectors.balance_fen(alice)) == (0, 200)
    assert Commission.objects.get().state == "paid"
    assert books.differences(now=DUE) == []


@pytest.mark.parametrize(("back", "paid", "state"), [(2000, 0, "void"), (500, 150, "paid")])
def test_what_went_back_earns_nothing(keys_dir, alice, bob, node, back, paid, state):
    payment = a_paid(bob, node, plan="pack-15")
    refunds.ask_refund(
        payment_id=payment.pk, amount_fen=back, reason="no", fault="buyer", effect="keep", by=None, now=NOW
    )

    invitations.pay_commissions(now=DUE)

    assert (selectors.balance_fen(alice), Commission.objects.get().state) == (paid, state)
    assert (balance("commissions"), balance("commission_due")) == (paid, 0)
    assert [one for one in books.differences(now=DUE) if " since " not in one] == []


def test_what_is_paid_from_the_balance_earns_as_well_and_what_was_given_away_nothing(keys_dir, alice, bob, node):
    topped_up(bob, 1000)
    a_purchase(bob, node, use_balance=True)
    Coupon.objects.create(code="ALL", percent=100)
    a_purchase(bob, node, coupon="ALL")

    assert list(Commission.objects.values_list("amount_fen", flat=True)) == [100]


def test_after_a_year_and_without_a_percentage_nothing_is_earned(keys_dir, alice, bob, node, settings):
    a_paid(bob, node, at=NOW + timedelta(days=365))
    settings.INVITE_PERCENT = 0
    a_paid(bob, node)

    assert Commission.objects.count() == 0


def test_who_is_deactivated_is_paid_nothing(keys_dir, alice, bob, node):
    a_paid(bob, node)
    alice.is_active = False
    alice.save()

    invitations.pay_commissions(now=DUE)

    assert (Commission.objects.get().state, balance("commission_due"), balance("commissions")) == ("void", 0, 0)


def test_nobody_invites_themselves_not_by_a_second_account_with_their_phone_either(alice, monkeypatch):
    twin = a_customer("twin")
    monkeypatch.setattr(invitations, "verified_phone", lambda customer: "+8613800138000")
    for customer in (alice, twin):
        with pytest.raises(InviteRefused) as refused:
            invitations.accept(customer=customer, code=invitations.code_of(alice), now=NOW)
        assert refused.value.fields["reason"] == "own"


def test_two_do_not_invite_each_other(alice, bob):
    with pytest.raises(InviteRefused, match="each other"):
        invitations.accept(customer=alice, code=invitations.code_of(bob), now=NOW)


def test_an_invitation_counts_once_and_before_the_first_purchase(keys_dir, alice, bob, node):
    carol = a_customer("carol")
    assert invitations.accept(customer=bob, code=invitations.code_of(alice).lower(), now=NOW).inviter == alice
    a_paid(carol, node)
    for customer, by, reason in ((bob, carol, "invited"), (carol, alice, "too_late")):
        with pytest.raises(InviteRefused) as refused:
            invitations.accept(customer=customer, code=invitations.code_of(by), now=NOW)
        assert refused.value.fields["reason"] == reason


@pytest.mark.parametrize("code", ["", "nobody's", "' OR 1=1"])
def test_a_code_of_nobody_is_refused(alice, code):
    with pytest.raises(InviteRefused, match="nobody has"):
        invitations.accept(customer=alice, code=code, now=NOW)


def test_a_customer_has_one_code(alice):
    a_plan()
    assert invitations.code_of(alice) == invitations.code_of(alice) == InviteCode.objects.get().code
