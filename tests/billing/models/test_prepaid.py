"""The database itself refuses prepayments, gift codes and renewals that make no sense."""

import pytest
from django.db import IntegrityError, transaction

from billing.models import AutoRenewal, GiftCode, Prepayment, RenewalStep
from billing.services import prepayments
from tests.factories import NOW, a_grant, a_plan, pay

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def code(alice) -> GiftCode:
    a_plan()
    order = prepayments.place_gift(customer=alice, plan="pack-5", months=1, idempotency_key="g", now=NOW)
    pay(order)
    return GiftCode.objects.get()


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"due_fen": 0}, "prepayment_brings_something"),
        ({"state": "settled"}, "prepayment_state_is_known"),
        ({"state": "paid"}, "prepayment_state_is_known"),
        ({"kind": "gift"}, "prepayment_of_a_known_kind"),
        ({"months": 3}, "prepayment_of_a_known_kind"),
    ],
)
def test_a_prepayment(alice, change, constraint):
    prepayments.place_top_up(customer=alice, amount_fen=1000, idempotency_key="k", now=NOW)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Prepayment.objects.update(**change)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"state": "redeemed"}, "gift_code_state_is_known"),
        ({"state": "void"}, "gift_code_state_is_known"),
        ({"bought_with": None}, "gift_code_was_made_or_bought"),
    ],
)
def test_a_gift_code(code, change, constraint):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        GiftCode.objects.update(**change)


def test_a_gift_code_shows_its_end_alone(code):
    assert str(code) == f"…{code.code[-4:]} not redeemed"


def test_a_chain_renews_once_and_each_step_of_an_end_is_taken_once(keys_dir, alice, node):
    grant = a_grant(alice, node)
    renewal = AutoRenewal.objects.create(customer=alice, root=grant, changed_at=NOW)
    RenewalStep.objects.create(renewal=renewal, ends_at=grant.ends_at, step="ahead", at=NOW)

    for make in (
        lambda: AutoRenewal.objects.create(customer=alice, root=grant, changed_at=NOW),
        lambda: RenewalStep.objects.create(renewal=renewal, ends_at=grant.ends_at, step="ahead", at=NOW),
        lambda: AutoRenewal.objects.update(months=13),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            make()
