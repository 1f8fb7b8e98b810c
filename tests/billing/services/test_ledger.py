"""An entry is posted once a source, and only where it balances."""

import pytest

from billing.errors import LedgerRefused
from billing.models import LedgerAccount, LedgerBalance, LedgerEntry, LedgerLine
from billing.services.ledger import post
from tests.at_once import at_once
from tests.factories import NOW

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
LINES = {"gateway:alipay": 10, "deferred": -10}


def test_the_same_source_again_posts_nothing():
    first = post(kind="payment", source="alipay:1", lines=LINES, now=NOW)

    assert post(kind="payment", source="alipay:1", lines=LINES, now=NOW) == first
    assert post(kind="refund", source="alipay:1", lines=LINES, now=NOW) != first
    assert LedgerLine.objects.count() == 4


@pytest.mark.parametrize("lines", [{}, {"deferred": 1}, {"deferred": 1, "fees": 1}, {"pocket": 1, "deferred": -1}])
def test_what_does_not_balance_is_refused_and_leaves_nothing(lines):
    with pytest.raises(LedgerRefused):
        post(kind="payment", source="alipay:1", lines=lines, now=NOW)
    assert not LedgerEntry.objects.exists()


def test_accounts_are_made_with_their_side_and_a_customers_with_a_balance():
    post(kind="top_up", source="alipay:1", lines={"gateway:alipay": 10, "balance:7": -10}, now=NOW)

    sides = dict(LedgerAccount.objects.values_list("code", "normal"))
    assert sides == {"gateway:alipay": 1, "balance:7": -1}
    assert LedgerBalance.objects.get().balance_fen == 10


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_spend_no_more_than_there_is():
    post(kind="top_up", source="alipay:1", lines={"gateway:alipay": 50, "balance:7": -50}, now=NOW)

    def spend(nth):
        return lambda: post(kind="spend", source=str(nth), lines={"balance:7": 10, "deferred": -10}, now=NOW).pk

    got = at_once([spend(nth) for nth in range(20)])

    assert sum(isinstance(one, int) for one in got) == 5
    assert LedgerBalance.objects.get().balance_fen == 0
