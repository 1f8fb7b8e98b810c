"""Finance issues a fapiao with its file, sees what needs a red letter, and refuses with a reason."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from billing.models import FapiaoFile, FapiaoRequest
from billing.services import fapiao, refunds
from kernel.clock import utc_now
from tests.factories import a_paid

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def asked(alice, node, keys_dir, settings):
    settings.ONE_PERSON_SHOP = True
    fact = a_paid(alice, node, at=utc_now())
    request = fapiao.ask_fapiao(
        customer=alice, orders=[fact.purchase.public_id], kind="company", title="滴答", tax_number="91350100M000100Y43",
        mail="", now=utc_now(),
    )  # fmt: skip
    return request, fact


@pytest.fixture
def desk(desk_of):
    return desk_of("finance", "view_fapiaorequest", "view_purchase", "issue_fapiao")


def test_a_fapiao_is_issued_with_a_file_and_then_needs_a_red_letter_after_a_refund(asked, desk, alice):
    request, fact = asked
    opened = desk.client.get(desk.address(FapiaoRequest, "issue", request))
    assert 'enctype="multipart/form-data"' in opened.text
    assert "10.00 CNY for 1 orders" in opened.text

    file = SimpleUploadedFile("f.pdf", b"%PDF-1", "application/pdf")
    assert desk.do(FapiaoRequest, "issue", request, fapiao_number="251170001", link="", file=file).status_code == 302

    assert bytes(FapiaoFile.objects.get().body) == b"%PDF-1"
    assert "needs a red letter" not in desk.page(FapiaoRequest).text
    refunds.ask_refund(
        payment_id=fact.pk, amount_fen=321, reason="r", fault="seller", effect="keep", by=alice, now=utc_now()
    )
    assert "needs a red letter: 3.21" in desk.page(FapiaoRequest).text
    assert 'value="3.21"' in desk.client.get(desk.address(FapiaoRequest, "red", request)).text

    assert desk.do(FapiaoRequest, "red", request, red_number="R251", amount="3.21").status_code == 302
    assert "needs a red letter" not in desk.page(FapiaoRequest).text
    assert "R251" in desk.page(FapiaoRequest, request).text


def test_what_is_wrong_stands_above_the_form(asked, desk):
    request, _ = asked

    answer = desk.do(FapiaoRequest, "issue", request, fapiao_number="251170001", link="")

    assert "This fapiao is not possible. give the link or the file" in answer.text
    request.refresh_from_db()
    assert request.state == "asked"


def test_a_request_is_refused_with_a_reason_that_the_buyer_reads(asked, desk, client, alice):
    request, _ = asked

    assert desk.do(FapiaoRequest, "refuse", request, reason="The title is not registered").status_code == 302

    client.force_login(alice)
    assert "The title is not registered" in client.get("/fapiao/").text
