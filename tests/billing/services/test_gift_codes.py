"""Gift codes: as many as were made, redeemed once, void with a reason, useless when they are over."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import QuerySet

from billing import selectors
from billing.errors import BadPurchase, GiftRefused, NotThatGrant, TooFarAhead, TooManyGiftTries
from billing.models import GiftBatch, GiftCode, Grant, Plan
from billing.services import books, gift_codes, prepayments
from nodes.errors import NodeNotOffered
from tests.at_once import at_once
from tests.billing.balances import balance
from tests.factories import NOW, a_customer, a_grant, a_node, a_plan, pay

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def make(by, **changes) -> GiftBatch:
    usual = {
        "name": "spring", "plan": a_plan("pack-15"), "months": 2, "count": 3, "expires_at": NOW + timedelta(days=90),
        "reason": "fair", "by": by, "now": NOW,
    }  # fmt: skip
    return gift_codes.make_batch(**{**usual, **changes})


def redeem(customer, code, node, **changes) -> Grant:
    return gift_codes.redeem(customer=customer, code=code, node=node.slug, **{"now": NOW, **changes})


@pytest.fixture
def code(alice) -> str:
    make(a_customer("owner"), count=1)
    return GiftCode.objects.get().code


def test_a_batch_has_as_many_codes_as_were_asked_for_and_no_two_alike(alice):
    batch = make(alice, count=100)

    rows = list(gift_codes.rows_of(batch))
    assert len({row[0] for row in rows}) == 100
    assert rows[0][1:] == ("pack-15", 2, NOW + timedelta(days=90), "new")
    assert all(len(row[0]) == 16 for row in rows)


def test_a_code_gives_its_plan_once(keys_dir, alice, node, code):
    grant = redeem(alice, f" {code[:4].lower()}-{code[4:8]} {code[8:]} ", node)

    assert (grant.symbols, grant.starts_at, grant.purchase.kind, grant.purchase.due_fen) == (15, NOW, "gift", 0)
    assert redeem(alice, code, node) == grant  # pressed twice
    with pytest.raises(GiftRefused) as refused:
        redeem(a_customer("bob"), code, node)
    assert refused.value.fields["reason"] == "redeemed"
    assert books.differences(now=NOW) == []


def test_what_was_sold_then_is_what_it_gives(keys_dir, alice, node, code):
    Plan.objects.filter(slug="pack-15").update(symbols=1, on_sale=False)

    assert redeem(alice, code, node).symbols == 15


def test_it_extends_a_chain_of_its_plan(keys_dir, alice, node, code):
    held = a_grant(alice, node, plan="pack-15")

    grant = redeem(alice, code, node, extends=held.pk)

    assert grant.starts_at == held.ends_at
    assert selectors.entitlement(alice, node.group, NOW).max_subs == 15


def test_it_extends_nothing_of_another_plan_or_of_somebody_else(keys_dir, alice, node, code):
    other = a_grant(alice, node)
    with pytest.raises(NotThatGrant):
        redeem(alice, code, node, extends=other.pk)
    with pytest.raises(NotThatGrant):
        redeem(a_customer("bob"), code, node, extends=a_grant(alice, node, plan="pack-15").pk)
    assert GiftCode.objects.get().state == "new"


def test_a_node_that_is_not_offered_keeps_the_code(alice, node, code):
    with pytest.raises(NodeNotOffered):
        redeem(alice, code, a_node("full", capacity=0))
    assert GiftCode.objects.get().state == "new"


def test_nothing_reaches_beyond_two_years(keys_dir, alice, node, code):
    held = a_grant(alice, node, plan="pack-15", months=12)
    a_grant(alice, node, plan="pack-15", months=11, kind="extend", extends=held.pk)

    with pytest.raises(TooFarAhead):
        redeem(alice, code, node, extends=held.pk)


@pytest.mark.parametrize(("what", "reason"), [("nobody's", "unknown"), ("void", "void"), ("over", "expired")])
def test_a_code_that_gives_nothing_says_why(alice, node, code, what, reason):
    at = NOW
    if what == "void":
        assert gift_codes.void(codes=[GiftCode.objects.get().pk], why="lost", now=NOW) == 1
    elif what == "over":
        at = NOW + timedelta(days=90)
        node.last_seen_at = at
        node.save()

    with pytest.raises(GiftRefused) as refused:
        redeem(alice, "NOBODYS" if what == "nobody's" else code, node, now=at)

    assert refused.value.fields["reason"] == reason


def test_what_was_redeemed_or_bought_is_not_voided(keys_dir, alice, node, code):
    redeem(alice, code, node)
    pay(prepayments.place_gift(customer=alice, plan="pack-5", months=1, idempotency_key="g", now=NOW))

    assert gift_codes.void(codes=[one.pk for one in GiftCode.objects.all()], why="x", now=NOW) == 0
    with pytest.raises(BadPurchase, match="reason"):
        gift_codes.void(codes=[], why=" ", now=NOW)


def test_what_a_code_was_bought_with_is_booked_for_the_time_that_it_gives(keys_dir, alice, node):
    a_plan()
    pay(prepayments.place_gift(customer=alice, plan="pack-5", months=1, idempotency_key="g", now=NOW))

    redeem(a_customer("bob"), GiftCode.objects.get().code, node)

    assert (balance("gift_codes"), balance("deferred")) == (0, -1000)
    assert books.differences(now=NOW) == []


@pytest.mark.parametrize(
    "changes",
    [{"name": " "}, {"reason": ""}, {"count": 0}, {"count": gift_codes.MOST_CODES + 1}, {"expires_at": NOW}],
)
def test_a_batch_that_makes_no_sense_is_refused(alice, changes):
    with pytest.raises(BadPurchase):
        make(alice, **changes)
    make(alice)
    with pytest.raises(BadPurchase, match="already"):
        make(alice)


def _two_at_once(monkeypatch) -> list:
    import threading
    from contextlib import suppress

    node, people = a_node(), [a_customer("one"), a_customer("two")]
    make(people[0], count=1)
    code = GiftCode.objects.get().code
    barrier, real = threading.Barrier(2), gift_codes.offered_node

    def look_then_wait(*args):
        found = real(*args)
        with suppress(threading.BrokenBarrierError):
            barrier.wait(timeout=1)
        return found

    monkeypatch.setattr(gift_codes, "offered_node", look_then_wait)
    return at_once([lambda person=person: redeem(person, code, node).symbols for person in people])


@pytest.mark.django_db(transaction=True)
def test_two_who_redeem_one_code_at_once_get_it_once(monkeypatch, keys_dir):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no row locks")

    assert sorted(map(str, _two_at_once(monkeypatch))) == ["15", "GiftRefused"]


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_both_get_it(monkeypatch, keys_dir):
    """The twin: it is the lock that protects."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no row locks")
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, *args, **kwargs: self.all())

    assert _two_at_once(monkeypatch) == [15, 15]


def test_ten_tries_of_what_does_not_exist_end_guessing_for_an_hour(keys_dir, alice, node, code):
    for nth in range(gift_codes.TRIES_AN_HOUR):
        with pytest.raises(GiftRefused) as refused:
            redeem(alice, f"WRONG{nth}", node)
        assert refused.value.fields["reason"] == "unknown"

    with pytest.raises(TooManyGiftTries) as refused:
        redeem(alice, code, node)

    assert refused.value.fields == {"reason": "too_many_tries", "retry_after_seconds": 3600}
    assert isinstance(refused.value, GiftRefused)  # pages say so too
    redeem(a_customer("bob"), code, node)  # another's tries are their own


def test_what_exists_is_no_try(keys_dir, alice, node, code):
    bob = a_customer("bob")
    redeem(bob, code, node)
    for _ in range(gift_codes.TRIES_AN_HOUR + 2):
        assert redeem(bob, code, node) is not None
        with pytest.raises(GiftRefused) as refused:
            redeem(alice, code, node)
        assert refused.value.fields["reason"] == "redeemed"


@pytest.mark.django_db(transaction=True)
def test_tries_at_once_are_counted_one_by_one(keys_dir, alice, node):
    works = [lambda nth=nth: redeem(alice, f"WRONG{nth}", node) for nth in range(16)]

    got = at_once(works)

    assert sorted(got) == ["GiftRefused"] * gift_codes.TRIES_AN_HOUR + ["TooManyGiftTries"] * 6
