"""A price that was shown holds for 15 minutes, whatever becomes of the plan; then the new one is brought."""

from datetime import timedelta

import pytest

from billing.errors import BadPurchase, PlanNotOnSale, PriceChanged
from billing.models import Plan, PlanVersion, TermDiscount
from billing.services import quotes
from billing.services.quotes import Wanted
from tests.factories import NOW, a_customer, a_node, a_paid, a_plan, a_purchase

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
WANTED = Wanted("pack-5", 3, "stack")


@pytest.fixture
def pinned(alice, node) -> str:
    """Three months of Pack 5 at 30 yuan, as it was shown to alice at NOW."""
    a_plan()
    return quotes.pin(alice, quotes.quote(alice, WANTED, now=NOW, lock=True))


def order(alice, node, pinned, *, at=NOW, **changes):
    node.last_seen_at = at
    node.save(update_fields=["last_seen_at"])
    return a_purchase(alice, node, at=at, **{"months": 3, "quote": pinned, **changes})


def test_t18_within_the_pin_the_old_price_and_content_count(alice, node, pinned):
    Plan.objects.filter(slug="pack-5").update(price_fen=9900, symbols=4)

    placed = order(alice, node, pinned, at=NOW + timedelta(minutes=14, seconds=59))

    assert (placed.due_fen, placed.symbols, placed.priced_at) == (3000, 5, NOW)


def test_t18_after_it_the_order_is_refused_with_the_new_price_which_can_be_ordered(alice, node, pinned):
    Plan.objects.filter(slug="pack-5").update(price_fen=1200)
    later = NOW + timedelta(minutes=15)

    with pytest.raises(PriceChanged) as refused:
        order(alice, node, pinned, at=later)

    assert (refused.value.http_status, refused.value.fields["due_fen"]) == (409, 3600)
    assert order(alice, node, refused.value.fields["quote"], at=later).due_fen == 3600


@pytest.mark.parametrize("change", [{"months": 2}, {"plan": "pack-15"}, {"coupon": "X"}, {"quote": "no quote"}])
def test_a_quote_of_something_else_is_refused(alice, node, pinned, change):
    with pytest.raises(BadPurchase, match="quote"):
        order(alice, node, pinned, **change)


def test_a_quote_of_somebody_else_is_refused(node, pinned):
    with pytest.raises(BadPurchase, match="something else"):
        order(a_customer("mallory"), node, pinned)


def test_a_quote_from_the_future_is_over(alice, pinned):
    assert quotes.pinned(alice, WANTED, pinned, now=NOW - timedelta(minutes=1)) is None


def test_longer_terms_cost_less_and_the_largest_discount_that_fits_counts(alice, node):
    plan = a_plan()
    TermDiscount.objects.create(months=3, percent=5)
    TermDiscount.objects.create(months=6, percent=10, plan=plan)

    dues = [quotes.quote(alice, Wanted("pack-5", months, "stack"), now=NOW).price.due_fen for months in (2, 3, 6, 12)]

    assert dues == [2000, 2850, 5400, 10800]


def test_looking_at_a_price_stores_nothing(alice):
    a_plan()

    found = quotes.quote(alice, WANTED, now=NOW)

    assert (found.price.due_fen, PlanVersion.objects.count()) == (3000, 0)


def test_a_price_of_terms_that_nobody_has_stored_is_never_silently_another_one(alice, node):
    a_plan()
    shown = quotes.pin(alice, quotes.quote(alice, WANTED, now=NOW))
    assert order(alice, node, shown).due_fen == 3000
    again = quotes.pin(alice, quotes.quote(alice, Wanted("pack-15", 3, "stack"), now=NOW))
    Plan.objects.filter(slug="pack-15").update(symbols=14)

    with pytest.raises(PriceChanged):
        order(alice, node, again, plan="pack-15")


def test_a_plan_off_sale_has_no_price(alice):
    a_plan()
    Plan.objects.update(on_sale=False)

    with pytest.raises(PlanNotOnSale):
        quotes.quote(alice, WANTED, now=NOW)


def test_an_upgrade_is_priced_for_the_instant_at_which_it_was_shown(keys_dir, alice):
    node = a_node()
    pack = a_paid(alice, node).purchase.grant
    at = NOW + timedelta(days=15)
    wanted = Wanted("pack-15", 0, "upgrade", pack.pk)
    shown = quotes.quote(alice, wanted, now=at, lock=True)

    placed = order(
        alice, node, quotes.pin(alice, shown), at=at + timedelta(minutes=10), plan="pack-15", months=0, kind="upgrade",
        replaces=pack.pk,
    )  # fmt: skip

    assert (shown.price.due_fen, placed.due_fen, placed.priced_at) == (500, 500, at)
