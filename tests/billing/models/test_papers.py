"""What the database itself keeps of papers: an order on one living fapiao, a reminder said once, nothing rewritten."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from billing.models import EndNotice, FapiaoLine, FapiaoRequest
from tests.factories import NOW, a_grant

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def grant(alice, node, keys_dir):
    return a_grant(alice, node)


def a_request(customer, number="F1", **changes):
    usual = {"kind": "person", "title": "Alice", "amount_fen": 1000, "asked_at": NOW}
    return FapiaoRequest.objects.create(number=number, customer=customer, **{**usual, **changes})


def refused(make, name):
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        make()


def test_an_order_is_on_one_living_fapiao(alice, grant):
    lines = [
        FapiaoLine(request=a_request(alice, number), purchase=grant.purchase, amount_fen=1000)
        for number in ("F1", "F2")
    ]
    lines[0].save()
    refused(lines[1].save, "one_live_fapiao_an_order")

    FapiaoLine.objects.update(live=False)

    lines[1].save()


def test_a_company_has_a_tax_number_and_an_issued_fapiao_a_number(alice):
    refused(lambda: a_request(alice, kind="company"), "fapiao_of_a_company_has_a_tax_number")
    refused(lambda: a_request(alice, state="issued", issued_at=NOW), "fapiao_that_was_issued_has_a_number")
    refused(lambda: a_request(alice, amount_fen=0), "fapiao_is_on_something")


def test_a_reminder_is_said_once_and_never_rewritten(grant):
    said = {"grant": grant, "ends_at": grant.ends_at, "step": "week", "at": NOW}
    row = EndNotice.objects.create(**said)

    refused(lambda: EndNotice.objects.create(**said), "one_notice_of_an_end")
    refused(
        lambda: EndNotice.objects.create(**{**said, "step": "today", "at": grant.ends_at + timedelta(hours=1)}),
        "notice_is_before_the_end_or_after",
    )
    with pytest.raises(TypeError, match="append-only"):
        row.save()
