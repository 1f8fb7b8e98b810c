"""Coupons and what leads people to packs, as staff see them."""

import pytest
from django.urls import reverse

from billing.models import Coupon, Invitation, TermDiscount, TrialOffer
from billing.services import invitations
from kernel.clock import utc_now
from tests.factories import a_customer, a_paid, a_plan, a_purchase

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
FORM = {"code": "double11", "percent": "20", "per_customer": "1", "active": "on"}


def add(desk, model, **form):
    return desk.client.post(reverse(f"admin:billing_{model._meta.model_name}_add"), form)


def test_a_coupon_is_made_in_capitals_and_says_what_is_wrong(desk_of):
    desk = desk_of("boss", "view_coupon", "add_coupon", "change_coupon")

    assert "fill in one of them" in add(desk, Coupon, **{**FORM, "off_fen": "100"}).text
    dates = {"starts_at_0": "2026-12-02", "starts_at_1": "00:00", "ends_at_0": "2026-12-01", "ends_at_1": "00:00"}
    assert "end before it starts" in add(desk, Coupon, **FORM, **dates).text
    assert add(desk, Coupon, **FORM).status_code == 302

    assert Coupon.objects.get().code == "DOUBLE11"
    assert "DOUBLE11" in desk.page(Coupon).text


def test_what_people_were_told_of_a_coupon_stays(desk_of, alice, node):
    a_plan()
    coupon = Coupon.objects.create(code="ONCE", percent=20)
    a_purchase(alice, node, coupon="ONCE", at=utc_now())
    desk = desk_of("boss", "view_coupon", "change_coupon", "delete_coupon")
    address = reverse("admin:billing_coupon_change", args=[coupon.pk])

    desk.client.post(address, {"code": "OTHER", "percent": "99", "per_customer": "5", "active": "on"})
    answer = desk.client.post(reverse("admin:billing_coupon_delete", args=[coupon.pk]), {"post": "yes"})

    coupon.refresh_from_db()
    assert (coupon.code, coupon.percent, coupon.per_customer, answer.status_code) == ("ONCE", 20, 5, 403)


def test_discounts_and_trials_are_made(desk_of):
    desk = desk_of("boss", "view_termdiscount", "add_termdiscount", "view_trialoffer", "add_trialoffer")

    assert add(desk, TermDiscount, months="6", percent="10").status_code == 302
    assert add(desk, TrialOffer, plan=a_plan().pk, days="7", price_fen="100", active="on").status_code == 302
    assert "between" in add(desk, TermDiscount, months="1", percent="10").text or TermDiscount.objects.count() == 1


def test_an_invitation_shows_what_it_earned(desk_of, keys_dir, alice, node, settings):
    settings.INVITE_PERCENT = 10
    bob, now = a_customer("bob"), utc_now()
    invitations.accept(customer=bob, code=invitations.code_of(alice), now=now)
    a_paid(bob, node, at=now)

    page = desk_of("support", "view_invitation", "view_commission").page(Invitation, Invitation.objects.get())

    assert "held until refunds are over" in page.text
