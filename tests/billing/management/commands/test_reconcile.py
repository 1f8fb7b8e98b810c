"""The command lists every difference and ends with 1 where there is one."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.factories import NOW, a_fact, a_paid, a_purchase, an_attempt

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def shop(keys_dir, settings):
    settings.PAYMENT_GATEWAYS = ["sandbox"]


def reconcile(*args):
    out = StringIO()
    try:
        call_command("reconcile", *args, stdout=out)
    except CommandError as error:
        return str(error), out.getvalue()
    return None, out.getvalue()


def test_books_that_agree(alice, node):
    a_paid(alice, node)

    error, said = reconcile()

    assert error is None
    assert said.splitlines()[0] == "books: 1 entries, 0 differences"
    assert len(said.splitlines()) == 1  # the sandbox has no bills


def test_each_difference_is_listed(alice, node):
    from billing.services.facts import record
    from billing.services.settling import settle_purchase

    settle_purchase(purchase_id=a_purchase(alice, node).pk, paid_fen=1000, now=NOW)
    record(a_fact(an_attempt(a_purchase(alice, node)), order_no="nobody's"), source="notice", now=NOW)

    error, said = reconcile("--no-bills")

    assert error == "2 differences; each is above"  # the second one: it waits since days
    assert "is settled and was paid 0 fen" in said


def test_a_day_that_is_none_is_refused():
    error, _ = reconcile("--day", "yesterday")

    assert error == "--day 'yesterday' is no day; write it as 2026-11-28"
