"""Top-ups, gift codes and renewals, as staff see them."""

import pytest

from billing import selectors
from billing.models import AutoRenewal, GiftBatch, GiftCode, Prepayment, Refund
from billing.services import prepayments, renewals
from kernel.clock import utc_now
from tests.factories import a_grant, a_plan, topped_up

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def make(desk, **form):
    usual = {
        "name": "fair", "plan": a_plan("pack-15").pk, "months": "2", "count": "3", "expires_at": "2099-01-01T00:00",
        "reason": "a fair",
    }  # fmt: skip
    return desk.do(GiftBatch, "make", **{**usual, **form})


def test_a_batch_is_made_taken_away_and_voided(desk_of):
    desk = desk_of("boss", "view_giftbatch", "make_gifts", "view_giftcode")
    assert "5000" in make(desk, count="5001").text
    assert make(desk).status_code == 302
    batch = GiftBatch.objects.get()
    assert (batch.made_by, batch.codes.count()) == (desk.person, 3)

    answer = desk.do(GiftBatch, "file", batch)
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert [line.split(",")[0] for line in text.splitlines()[1:]] == [code.code for code in batch.codes.order_by("pk")]

    assert desk.do(GiftBatch, "void", batch, reason="stolen").status_code == 302
    assert set(GiftCode.objects.values_list("state", "why")) == {("void", "stolen")}


def test_what_is_said_of_a_new_batch_leads_to_its_codes(desk_of):
    desk = desk_of("boss", "view_giftbatch", "make_gifts")

    page = desk.client.get(make(desk).url).text

    batch = GiftBatch.objects.get()
    assert f'3 codes were made. <a class="underline" href="{desk.address(GiftBatch, "file", batch)}">' in page


def test_codes_are_money_and_stand_on_no_page(desk_of):
    make(desk_of("boss", "view_giftbatch", "make_gifts"))
    code = GiftCode.objects.first()
    support = desk_of("support", "view_giftcode")

    pages = support.page(GiftCode).text + support.page(GiftCode, code).text

    assert code.code not in pages
    assert code.code[-4:] in pages
    assert support.do(GiftBatch, "file", code.batch).status_code == 403
    assert support.do(GiftCode, "void", code, reason="x").status_code == 403


def test_one_code_is_voided(desk_of):
    desk = desk_of("boss", "view_giftbatch", "make_gifts", "view_giftcode")
    make(desk)
    code = GiftCode.objects.first()

    assert desk.do(GiftCode, "void", code, reason="lost").status_code == 302

    code.refresh_from_db()
    assert (code.state, code.why, GiftCode.objects.filter(state="new").count()) == ("void", "lost", 2)


def test_a_top_up_is_paid_back_and_a_waiting_one_cancelled(desk_of, alice, settings):
    settings.ONE_PERSON_SHOP = True
    now = utc_now()
    payment = topped_up(alice, 5000, at=now)
    waiting = prepayments.place_top_up(customer=alice, amount_fen=1000, idempotency_key="w", now=now)
    desk = desk_of("boss", "view_prepayment", "ask_refund", "cancel_purchase", "view_paymentfact")

    page = desk.page(Prepayment, payment.prepayment).text
    assert payment.reference in page
    form = {"amount": "20.00", "reason": "asked for it", "fault": "buyer", "effect": "keep"}
    assert desk.do(Prepayment, "refund", payment.prepayment, **form, sure="yes").status_code == 302
    assert (Refund.objects.get().amount_fen, selectors.balance_fen(alice)) == (2000, 3000)

    assert desk.do(Prepayment, "cancel", waiting).status_code == 302
    waiting.refresh_from_db()
    assert waiting.state == "cancelled"


def test_a_renewal_shows_its_steps(desk_of, keys_dir, alice, node):
    grant = a_grant(alice, node, at=utc_now())
    renewal = renewals.switch(customer=alice, grant=grant.pk, on=True, now=utc_now())

    assert alice.email in desk_of("support", "view_autorenewal").page(AutoRenewal, renewal).text
