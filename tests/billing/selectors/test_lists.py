"""Lists page by page: in the order of keys downwards, complete, and each customer's own."""

import pytest

from billing import selectors
from billing.models import LedgerLine, Plan, Prepayment, TermDiscount
from billing.selectors import lists
from billing.services import renewals
from tests.factories import NOW, a_customer, a_grant, a_paid, a_plan, a_purchase, topped_up

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def walk(rows, most):
    """Read a list page by page."""
    before, pages = None, []
    while True:
        found = lists.page(rows, before=before, most=most)
        pages.append([row.pk for row in found.rows])
        if found.before is None:
            return pages
        before = found.before


@pytest.mark.parametrize("most", [1, 2, 3, 5, 6])
def test_pages_are_the_list(alice, node, most):
    made = [a_purchase(alice, node).pk for _ in range(5)]
    a_purchase(a_customer("bob"), node)

    pages = walk(lists.purchases(alice), most)

    assert [pk for page in pages for pk in page] == made[::-1]
    assert all(len(page) == most for page in pages[:-1])


def test_what_is_added_meanwhile_moves_nothing(alice, node):
    made = [a_purchase(alice, node).pk for _ in range(3)]
    first = lists.page(lists.purchases(alice), before=None, most=2)
    a_purchase(alice, node)

    second = lists.page(lists.purchases(alice), before=first.before, most=2)

    assert [row.pk for row in [*first.rows, *second.rows]] == made[::-1]


def test_receipts_are_of_what_money_was_paid_for(keys_dir, alice, node):
    paid = a_paid(alice, node).purchase
    a_purchase(alice, node)

    assert list(lists.paid_purchases(alice)) == [paid]


def test_lines_of_a_balance_know_their_orders(keys_dir, alice, node):
    top_up = topped_up(alice, 3000).prepayment
    topped_up(a_customer("bob"), 3000)
    waiting = a_purchase(alice, node, use_balance=True)

    lines = list(lists.balance_lines(alice).order_by("pk"))

    assert [line.amount_fen for line in lines] == [-3000, 1000]
    assert list(lists.orders_of_lines(lines).values()) == [waiting.public_id, top_up.public_id]
    assert lists.orders_of_lines([]) == {}
    assert LedgerLine.objects.count() > len(lines)


def test_prepayments_are_of_their_kind(keys_dir, alice):
    order = topped_up(alice, 3000).prepayment

    assert list(lists.prepayments(alice, Prepayment.Kind.BALANCE)) == [order]
    assert list(lists.prepayments(alice, Prepayment.Kind.GIFT)) == []


def test_present_grants_are_those_that_give_something_now_or_later(keys_dir, alice, node):
    old = a_grant(alice, node)
    later = a_grant(alice, node, kind="extend", extends=old.pk)
    a_grant(a_customer("bob"), node)

    assert lists.present_grants(alice, NOW) == [old, later]
    assert lists.present_grants(alice, old.ends_at) == [later]
    assert lists.present_grants(alice, later.ends_at) == []


def test_a_chain_s_end_knows_what_was_chosen_for_it(keys_dir, alice, node):
    first, alone = a_grant(alice, node), a_grant(alice, node)
    last = a_grant(alice, node, kind="extend", extends=first.pk)
    chosen = renewals.switch(customer=alice, grant=first.pk, on=True, now=NOW)

    found = {one.tail: one for one in lists.chain_ends(alice, selectors.chain_tails(alice, now=NOW))}

    assert found[last].renewal == chosen
    assert (found[alone].renewal, found[last].ends_at) == (None, last.ends_at)


def test_a_discount_that_a_shorter_term_has_too_is_not_told():
    plan = a_plan()
    for months, percent, of in ((3, 5, None), (6, 10, plan), (9, 8, None), (12, 10, None), (12, 20, plan)):
        TermDiscount.objects.create(months=months, percent=percent, plan=of)

    assert lists.term_discounts(plan) == [(3, 5), (6, 10), (12, 20)]
    assert lists.term_discounts(Plan.objects.get(slug="pack-15")) == [(3, 5), (9, 8), (12, 10)]
    for months, percent in lists.term_discounts(plan):
        assert selectors.term_discount(plan, months) == percent
