"""A fapiao is on what was spent and not paid back, an order on one of them, and a refund asks for a red letter."""

import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.db import close_old_connections, connection
from django.db.models import QuerySet

from billing.errors import AlreadyDecided, AlreadyOnFapiao, BadFapiao
from billing.models import BuyerTitle, FapiaoFile, FapiaoLine, FapiaoRequest
from billing.services import fapiao, gifts, refunds
from kernel.clock import utc_now
from outbox.services.sending import deliver_outbox
from tests.factories import NOW, a_customer, a_node, a_paid, a_plan, a_purchase

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
TAX = "91350100M000100Y43"


@pytest.fixture(autouse=True)
def shop(keys_dir, settings):
    settings.ONE_PERSON_SHOP = True


@pytest.fixture
def root(db):
    return a_customer("root")


def ask(customer, *facts, **changes):
    usual = {"kind": "company", "title": "滴答（上海）有限公司", "tax_number": TAX, "mail": "", "now": NOW}
    orders = [fact.purchase.public_id for fact in facts]
    return fapiao.ask_fapiao(customer=customer, **{"orders": orders, **usual, **changes})


def pay_back(fact, fen, by):
    return refunds.ask_refund(
        payment_id=fact.pk, amount_fen=fen, reason="r", fault="seller", effect="keep", by=by, now=NOW
    )


def issue(request, by, number="25117000000000000001", **changes):
    usual = {"link": "https://dppt.example/1", "file": None, "now": NOW}
    return fapiao.issue_fapiao(request_id=request.pk, fapiao_number=number, by=by, **{**usual, **changes})


class TestAsking:
    def test_several_small_orders_stand_on_one_and_the_title_is_remembered(self, alice, node):
        facts = [a_paid(alice, node), a_paid(alice, node, months=2)]

        request = ask(alice, *facts, tax_number=" 9135-0100m000100y43", title="  滴答（上海） 有限公司 ")

        assert (request.state, request.amount_fen, request.lines.count()) == ("asked", 3000, 2)
        assert (request.tax_number, request.title) == (TAX, "滴答（上海） 有限公司")
        assert BuyerTitle.objects.get().tax_number == TAX
        assert fapiao.billable(alice) == []

    def test_it_is_on_what_was_spent_and_not_paid_back(self, alice, node, root):
        fact = a_paid(alice, node)
        pay_back(fact, 321, root)

        assert [one.amount for one in fapiao.billable(alice)] == ["6.79"]
        assert ask(alice, fact).amount_fen == 679

    def test_what_was_given_waits_or_was_paid_back_wholly_is_on_none(self, alice, node, root):
        gone = a_paid(alice, node)
        pay_back(gone, 1000, root)
        waiting = a_purchase(alice, node, months=2)
        given = gifts.grant_by_hand(
            customer=alice, plan=a_plan(), node=node, ends_at=NOW.replace(year=2027), reason="r", by=root, now=NOW
        )

        assert fapiao.billable(alice) == []
        for one in (gone.purchase, waiting, given.purchase):
            with pytest.raises(BadFapiao, match="nothing was spent"):
                ask(alice, orders=[one.public_id])

    def test_an_order_is_on_one_request_at_most(self, alice, node):
        fact = a_paid(alice, node)
        ask(alice, fact)

        with pytest.raises(AlreadyOnFapiao):
            ask(alice, fact)

    def test_nobody_asks_for_somebody_elses_order(self, alice, node):
        fact = a_paid(alice, node)

        with pytest.raises(BadFapiao, match="nothing was spent"):
            ask(a_customer("mallory"), fact)

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"title": " "}, "title"),
            ({"title": "x" * 101}, "title"),
            ({"tax_number": "91350100M000100Y44"}, "tax_number"),
            ({"tax_number": ""}, "tax_number"),
            ({"kind": "robot"}, "kind"),
            ({"mail": "nobody"}, "mail"),
            ({"orders": []}, "orders"),
        ],
    )
    def test_what_is_wrong_is_named(self, alice, node, changes, field):
        fact = a_paid(alice, node)

        with pytest.raises(BadFapiao) as refused:
            ask(alice, fact, **changes)
        assert refused.value.fields["field"] == field
        assert not FapiaoRequest.objects.exists()

    def test_a_person_needs_no_tax_number(self, alice, node):
        assert ask(alice, a_paid(alice, node), kind="person", title="王喆", tax_number="").tax_number == ""

    def test_a_withdrawn_request_sets_its_orders_free(self, alice, node):
        fact = a_paid(alice, node)
        request = ask(alice, fact)
        for _ in range(2):
            fapiao.withdraw_fapiao(request_id=request.pk, why="", now=NOW)

        assert ask(alice, fact).state == "asked"


class TestIssuing:
    def test_it_is_sent_with_its_number_link_and_file(self, alice, node, root):
        request = issue(ask(alice, a_paid(alice, node), mail="cfo@example.com"), root, file=("x.PDF", b"%PDF-1"))
        deliver_outbox(now=utc_now())

        sent = mail.outbox[-1]
        assert (request.state, request.issued_by) == ("issued", root)
        assert (sent.to, sent.subject) == (["cfo@example.com"], "Your fapiao of 10.00 CNY")
        for said in ("25117000000000000001", "https://dppt.example/1", TAX, "10.00 CNY"):
            assert said in sent.body
        assert [one.filename for one in sent.attachments] == ["fapiao.pdf"]
        assert bytes(FapiaoFile.objects.get().body) == b"%PDF-1"

    def test_what_was_paid_back_since_it_was_asked_for_is_not_on_it(self, alice, node, root):
        one, other = a_paid(alice, node), a_paid(alice, node, months=2)
        request = ask(alice, one, other)
        pay_back(one, 1000, root)
        pay_back(other, 1, root)

        assert issue(request, root).amount_fen == 1999
        assert list(request.lines.values_list("amount_fen", "live")) == [(0, False), (1999, True)]
        assert fapiao.needs_red_fen(FapiaoRequest.objects.get()) == 0

    def test_where_everything_was_paid_back_there_is_nothing_to_issue(self, alice, node, root):
        fact = a_paid(alice, node)
        request = ask(alice, fact)
        pay_back(fact, 1000, root)

        with pytest.raises(BadFapiao, match="nothing to issue"):
            issue(request, root)

    @pytest.mark.parametrize(
        "changes",
        [
            {"number": "no number!"},
            {"link": ""},
            {"link": "http://plain.example"},
            {"link": "javascript:alert(1)"},
            {"file": ("x.html", b"<script>")},
            {"file": ("x.pdf", b"x" * 1_000_001)},
            {"file": ("x.pdf", b"")},
        ],
    )
    def test_what_is_no_fapiao_is_refused(self, alice, node, root, changes):
        request = ask(alice, a_paid(alice, node))

        with pytest.raises(BadFapiao):
            issue(request, root, **changes)

    def test_once_and_under_one_number(self, alice, node, root):
        first, second = ask(alice, a_paid(alice, node)), ask(alice, a_paid(alice, node, months=2))
        issue(first, root)

        with pytest.raises(AlreadyDecided):
            issue(first, root)
        with pytest.raises(BadFapiao, match="another request"):
            issue(second, root)
        with pytest.raises(AlreadyDecided):
            fapiao.withdraw_fapiao(request_id=first.pk, why="", now=NOW)


class TestRedLetters:
    @pytest.fixture
    def issued(self, alice, node, root):
        fact = a_paid(alice, node)
        return issue(ask(alice, fact), root), fact

    def reverse(self, request, fen, by, number="RED1"):
        return fapiao.reverse_fapiao(request_id=request.pk, red_number=number, amount_fen=fen, by=by, now=NOW)

    def test_a_refund_asks_for_one_of_its_amount(self, issued, root):
        request, fact = issued
        assert fapiao.needs_red_fen(request) == 0

        pay_back(fact, 321, root)
        assert fapiao.needs_red_fen(request) == 321
        request = self.reverse(request, 321, root)

        assert (request.state, fapiao.needs_red_fen(request)) == ("issued", 0)
        deliver_outbox(now=utc_now())
        assert mail.outbox[-1].subject == "A red-letter fapiao of 3.21 CNY"
        assert "RED1" in mail.outbox[-1].body

    def test_wholly_cancelled_its_orders_can_be_asked_for_again(self, issued, alice, root):
        request, fact = issued

        assert self.reverse(request, 1000, root).state == "reversed"
        assert ask(alice, fact).amount_fen == 1000

    def test_never_more_than_is_left_and_each_number_once(self, issued, root):
        request, _ = issued
        self.reverse(request, 900, root)

        with pytest.raises(BadFapiao, match=r"¥1\.00 are left"):
            self.reverse(request, 101, root, "RED2")
        with pytest.raises(BadFapiao, match="entered already"):
            self.reverse(request, 50, root)
        assert self.reverse(request, 100, root, "RED2").state == "reversed"
        with pytest.raises(AlreadyDecided):
            self.reverse(request, 1, root, "RED3")


@pytest.fixture
def committed(transactional_db, keys_dir):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    alice = a_customer("alice")
    return alice, a_paid(alice, a_node())


def ask_at_once(alice, fact, monkeypatch) -> tuple[int, list[str]]:
    """Ask twice for one order, such that both have seen that it is on none; return how many lines live, and refusals."""
    met, refused, seen = threading.Barrier(2), [], fapiao.new_number

    def meeting(*arguments):
        try:
            met.wait(2)
        except threading.BrokenBarrierError:
            pass
        return seen(*arguments)

    monkeypatch.setattr(fapiao, "new_number", meeting)

    def work():
        close_old_connections()
        try:
            ask(alice, fact)
        except AlreadyOnFapiao as error:
            refused.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return FapiaoLine.objects.filter(live=True).count(), refused


def test_an_order_in_two_requests_at_once_is_in_one(committed, monkeypatch):
    assert ask_at_once(*committed, monkeypatch) == (1, ["already_on_fapiao"])


def test_also_where_both_have_looked_before_the_other_wrote(committed, monkeypatch):
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, *args, **kwargs: self.all())

    assert ask_at_once(*committed, monkeypatch) == (1, ["already_on_fapiao"])


def test_without_lock_and_constraint_it_is_in_two(committed, monkeypatch):
    """The twin: shows that the tests above can fail, and what protects."""
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, *args, **kwargs: self.all())
    constraint = next(one for one in FapiaoLine._meta.constraints if one.name == "one_live_fapiao_an_order")
    with connection.schema_editor() as editor:
        editor.remove_constraint(FapiaoLine, constraint)
    try:
        assert ask_at_once(*committed, monkeypatch) == (2, [])
    finally:
        FapiaoLine.objects.all().delete()
        with connection.schema_editor() as editor:
            editor.add_constraint(FapiaoLine, constraint)


def test_forty_orders_are_offered_with_as_many_questions_as_two(alice, node, django_assert_max_num_queries):
    for _ in range(2):
        a_paid(alice, node)
    with django_assert_max_num_queries(2):
        assert len(fapiao.billable(alice)) == 2
    type(node).objects.update(capacity=1000)
    for hour in range(38):
        a_paid(alice, node, at=NOW + timedelta(hours=hour))
    with django_assert_max_num_queries(2):
        assert len(fapiao.billable(alice)) == 40
