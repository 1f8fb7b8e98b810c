"""A buyer takes receipts, asks for fapiao and gets a list of orders as a file, in both languages."""

import csv
import io

import pytest

from billing.models import BuyerTitle, FapiaoRequest, Plan
from billing.services import fapiao
from kernel.clock import utc_now
from tests.billing.documents.test_receipt import text_of
from tests.factories import a_customer, a_paid, a_purchase

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
TAX = "91350100M000100Y43"


@pytest.fixture
def fact(client, alice, node, keys_dir):
    type(node).objects.update(last_seen_at=utc_now())
    client.force_login(alice)
    return a_paid(alice, node, at=utc_now())


def ask(client, fact, **changes):
    form = {"order": [fact.purchase.public_id], "kind": "company", "title": "滴答", "tax_number": TAX, "mail": ""}
    return client.post("/fapiao/ask", {**form, **changes})


class TestReceipt:
    def test_it_is_a_pdf_in_the_language_of_the_page_with_the_name_that_was_chosen(self, client, fact):
        client.post("/fapiao/title", {"title": "喆龘😀"})

        answer = client.get(f"/purchases/{fact.purchase.public_id}/receipt.pdf", headers={"accept-language": "zh-CN"})

        assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
        assert "no-store" in answer["Cache-Control"]
        assert "抬头喆龘[U+1F600]" in text_of(answer.content)

    def test_nobody_else_gets_it_and_an_unpaid_order_has_none(self, client, fact, alice, node):
        waiting = a_purchase(alice, node, at=utc_now(), months=2)

        assert client.get(f"/purchases/{waiting.public_id}/receipt.pdf").status_code == 404
        client.force_login(a_customer("mallory"))
        assert client.get(f"/purchases/{fact.purchase.public_id}/receipt.pdf").status_code == 404

    def test_the_dashboard_and_the_orders_page_lead_to_it(self, client, fact):
        address = f"/purchases/{fact.purchase.public_id}/receipt.pdf"

        assert address in client.get("/dashboard/").text
        assert address in client.get(f"/purchases/{fact.purchase.public_id}/").text


class TestFapiao:
    def test_ticked_orders_are_asked_for_and_the_title_is_there_next_time(self, client, fact, alice, node):
        assert "¥10.00" in client.get("/fapiao/").text

        assert ask(client, fact).status_code == 302

        shown = client.get("/fapiao/").text
        assert 'data-testid="fapiao-asked"' in shown
        a_paid(alice, node, at=utc_now(), months=2)
        assert f'value="{TAX}"' in client.get("/fapiao/").text

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"tax_number": "91350100M000100Y44"}, "This is no tax number"),
            ({"title": ""}, "This field is required"),
            ({"order": []}, "Tick at least one order"),
        ],
    )
    def test_a_wrong_form_keeps_what_was_typed_and_says_what_is_wrong(self, client, fact, changes, said):
        answer = ask(client, fact, **{"title": "滴答", **changes})

        assert answer.status_code == 422
        assert said in answer.text
        assert not FapiaoRequest.objects.exists()

    def test_an_order_that_is_on_another_one_is_said(self, client, fact):
        ask(client, fact)

        assert "on another fapiao already" in ask(client, fact).text

    def test_a_request_is_withdrawn_until_it_is_issued(self, client, fact, alice):
        ask(client, fact)
        request = FapiaoRequest.objects.get()
        client.post(f"/fapiao/{request.number}/withdraw")
        assert FapiaoRequest.objects.get().state == "withdrawn"

        ask(client, fact)
        second = FapiaoRequest.objects.get(state="asked")
        fapiao.issue_fapiao(
            request_id=second.pk, fapiao_number="1", link="", file=("f.xml", b"<x/>"), by=alice, now=utc_now()
        )
        assert "has been issued already" in client.post(f"/fapiao/{second.number}/withdraw", follow=True).text

    def test_the_file_is_taken_away_by_its_owner_alone_and_never_shown_as_a_page(self, client, fact, alice):
        ask(client, fact)
        request = FapiaoRequest.objects.get()
        assert client.get(f"/fapiao/{request.number}/file").status_code == 404
        fapiao.issue_fapiao(
            request_id=request.pk, fapiao_number="1", link="", file=("f.xml", b"<x/>"), by=alice, now=utc_now()
        )

        answer = client.get(f"/fapiao/{request.number}/file")
        assert (answer.content, answer["Content-Disposition"]) == (b"<x/>", 'attachment; filename="1.xml"')
        client.force_login(a_customer("mallory"))
        assert client.get(f"/fapiao/{request.number}/file").status_code == 404
        assert client.post(f"/fapiao/{request.number}/withdraw").status_code == 404

    def test_a_name_for_receipts_asks_for_no_tax_number(self, client, fact):
        client.post("/fapiao/title", {"title": " A  B "})

        assert BuyerTitle.objects.get().title == "A B"


class TestOrdersAsAFile:
    def rows(self, answer, codec):
        return list(csv.reader(io.StringIO(answer.content.decode(codec))))

    def test_in_utf_8_with_its_mark(self, client, fact):
        answer = client.get("/purchases.csv")

        assert answer.content.startswith(b"\xef\xbb\xbf")
        head, row = self.rows(answer, "utf-8-sig")
        assert (head[0], row[0]) == ("Order number", fact.purchase.public_id)
        assert row[7] == "10.00"

    def test_in_gb18030_with_chinese_heads(self, client, fact):
        answer = client.get("/purchases.csv?encoding=GB18030", headers={"accept-language": "zh-CN"})

        assert answer["Content-Type"] == "text/csv; charset=gb18030"
        head, row = self.rows(answer, "gb18030")
        assert (head[0], row[2]) == ("订单编号", "5 只套餐")

    def test_a_name_that_is_a_formula_is_a_text(self, client, fact):
        Plan.objects.update(name_en="=1+1")

        assert self.rows(client.get("/purchases.csv"), "utf-8-sig")[1][2] == "'=1+1"

    def test_another_encoding_is_named_with_those_that_there_are(self, client, fact):
        answer = client.get("/purchases.csv?encoding=big5")

        assert answer.status_code == 400
        assert "There is no encoding big5 here; write encoding=utf-8 or encoding=gb18030." in answer.text
