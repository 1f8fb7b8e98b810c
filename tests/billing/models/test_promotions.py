"""The database itself refuses coupons, discounts and invitations that make no sense."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from billing.models import Coupon, Invitation, TermDiscount, TrialOffer
from tests.factories import NOW, a_plan

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.mark.parametrize("off", [{}, {"percent": 10, "off_fen": 10}, {"percent": 0}, {"percent": 101}, {"off_fen": 0}])
def test_a_coupon_takes_a_percentage_or_an_amount_off(off):
    with pytest.raises(IntegrityError, match="coupon_takes"), transaction.atomic():
        Coupon.objects.create(code="X", **off)


@pytest.mark.parametrize("code", ["ab", "small", "WITH SPACE", "A" * 25, "NEWLINE\n"])
def test_a_code_is_capitals_and_digits(code):
    with pytest.raises(ValidationError):
        Coupon(code=code, percent=10).full_clean()


def test_what_a_coupon_takes_off_as_people_write_it():
    assert (Coupon(percent=15).off, Coupon(off_fen=1250).off) == ("15 %", "¥12.50")


def test_a_discount_of_every_plan_is_there_once_a_term():
    TermDiscount.objects.create(months=6, percent=5)
    TermDiscount.objects.create(months=6, percent=5, plan=a_plan())

    with pytest.raises(IntegrityError, match="one_term_discount"), transaction.atomic():
        TermDiscount.objects.create(months=6, percent=7)


@pytest.mark.parametrize("change", [{"months": 1}, {"months": 13}, {"percent": 0}, {"percent": 91}])
def test_a_discount_is_for_longer_terms_and_never_all_of_it(change):
    with pytest.raises(IntegrityError, match="term_discount"), transaction.atomic():
        TermDiscount.objects.create(**{"months": 6, "percent": 5, **change})


@pytest.mark.parametrize("change", [{"days": 0}, {"days": 32}, {"price_fen": 0}])
def test_a_trial_has_days_and_a_price_for_who_has_no_phone(change):
    with pytest.raises(IntegrityError, match="trial_in_range"), transaction.atomic():
        TrialOffer.objects.create(**{"plan": a_plan(), "days": 7, **change})


def test_nobody_invites_themselves(alice):
    with pytest.raises(IntegrityError, match="nobody_invites_themselves"), transaction.atomic():
        Invitation.objects.create(inviter=alice, invitee=alice, at=NOW)
