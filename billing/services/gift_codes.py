"""Gift codes: made in batches by the shop or bought singly, redeemed once, voided with a reason."""

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.core.cache import cache
from django.db import transaction

from accounts.models import Customer
from accounts.services import count_once_more
from billing import selectors
from billing.domain import ledger as rules
from billing.domain.asking import DIGITS
from billing.domain.months import add_months, shanghai
from billing.errors import BadPurchase, GiftRefused, MarketNotSold, TooFarAhead, TooManyGiftTries
from billing.models import GiftBatch, GiftCode, Grant, Plan, Prepayment, Purchase
from billing.models.catalogue import TERMS
from billing.services import ledger, plans, quotes, settling
from billing.services.purchases import MOST_MONTHS_AHEAD, PRICE_HOLDS, offered_node
from billing.services.steps import note

MOST_CODES = 5000  # of a batch
TRIES_AN_HOUR = 10  # of a customer, of codes that do not exist: one has 81 bits, guessing is refused all the same
_HOUR_SECONDS = 3600


@transaction.atomic
def make_batch(
    *,
    name: str,
    plan: Plan,
    months: int,
    count: int,
    expires_at: datetime,
    reason: str,
    by: Customer,
    now: datetime,
) -> GiftBatch:
    """Make so many codes for the present version of a plan.

    Raises:
        BadPurchase: no name or reason, one that was used, no codes or too many, or an end that is over.
    """
    if not name.strip() or not reason.strip():
        raise BadPurchase("a batch of gift codes has a name and a reason")
    if GiftBatch.objects.filter(name=name.strip()[:80]).exists():
        raise BadPurchase(f"there is a batch {name.strip()[:80]!r} already; choose another name")
    if not 1 <= count <= MOST_CODES:
        raise BadPurchase(f"a batch has 1 to {MOST_CODES} codes, not {count}")
    if expires_at <= now:
        raise BadPurchase(f"the codes would have ended already: {shanghai(expires_at)}")
    terms = plans.version_of(plan, now)
    batch = GiftBatch.objects.create(
        name=name.strip()[:80], plan_version=terms, months=months, count=count, expires_at=expires_at,
        reason=reason.strip()[:200], made_at=now, made_by=by,
    )  # fmt: skip
    GiftCode.objects.bulk_create(
        GiftCode(code=_new_code(), batch=batch, plan_version=terms, months=months, expires_at=expires_at)
        for _ in range(count)
    )
    return batch


def make_bought(order: Prepayment, *, now: datetime) -> GiftCode:
    """Make the code that a prepayment has paid for."""
    assert order.plan_version is not None  # kind gift has one
    return GiftCode.objects.create(
        code=_new_code(),
        bought_with=order,
        plan_version=order.plan_version,
        months=order.months,
        expires_at=now + timedelta(days=settings.GIFT_CODE_DAYS),
    )


@transaction.atomic
def void(*, codes: list[int], why: str, now: datetime) -> int:
    """Make codes of batches useless, by their keys; return how many were. One that was bought is refunded instead.

    Raises:
        BadPurchase: no reason.
    """
    if not why.strip():
        raise BadPurchase("codes are voided with a reason")
    rows = GiftCode.objects.select_for_update().filter(pk__in=codes, state=GiftCode.State.NEW, bought_with=None)
    return GiftCode.objects.filter(pk__in=[row.pk for row in rows]).update(
        state=GiftCode.State.VOID, ended_at=now, why=why.strip()[:200]
    )


def rows_of(batch: GiftBatch) -> Iterator[tuple[str, str, int, datetime, str]]:
    """Yield code, plan, months, end and state of each code of a batch, for a file."""
    codes = GiftCode.objects.filter(batch=batch).select_related("plan_version__plan").order_by("pk")
    for code in codes.iterator(chunk_size=1000):
        yield code.code, code.plan_version.plan.slug, code.months, code.expires_at, code.state


@transaction.atomic
def redeem(*, customer: Customer, code: str, node: str, now: datetime, extends: int | None = None) -> Grant:
    """Turn a code into a grant: from now on, or behind a chain of the same terms. The same buyer again gets the same.

    Raises:
        GiftRefused: no such code, used, void or over.
        TooManyGiftTries: the customer has tried TRIES_AN_HOUR codes that do not exist within an hour.
        NodeNotOffered, NotThatGrant, MarketNotSold, TooFarAhead.
    """
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    # Behind the lock, so that tries at once are counted one after the other; in the cache, since what is refused
    # leaves nothing in the database.
    tries = f"gift-tries:{customer.pk}"
    if (cache.get(tries) or 0) >= TRIES_AN_HOUR:
        raise TooManyGiftTries(reason="too_many_tries", retry_after_seconds=_HOUR_SECONDS)
    text = "".join(one for one in code.upper() if one.isalnum())[:24]
    rows = GiftCode.objects.select_for_update(of=("self",)).select_related("plan_version__plan", "bought_with")
    gift = rows.filter(code=text).first()
    if gift is None:
        count_once_more(tries, seconds=_HOUR_SECONDS)
        raise GiftRefused("there is no such gift code; check it letter by letter", reason="unknown")
    if gift.redeemed_with is not None and gift.redeemed_with.customer_id == customer.pk:
        return gift.redeemed_with.grant
    if gift.state != GiftCode.State.NEW:
        raise GiftRefused(f"this gift code is {gift.get_state_display()}", reason=str(gift.state))
    if now >= gift.expires_at:
        raise GiftRefused(f"this gift code has ended on {gift.expires_at:%Y-%m-%d}", reason="expired")
    purchase = _purchase(customer, gift, node, extends, now)
    gift.state, gift.redeemed_with, gift.ended_at = GiftCode.State.REDEEMED, purchase, now
    gift.save(update_fields=["state", "redeemed_with", "ended_at"])
    if gift.bought_with is not None:
        # A part may have gone back in the gateway's console: the rest is for what the code gives.
        paid = sum(map(selectors.kept_fen, gift.bought_with.facts.filter(kind="paid", outcome="settled")))
        ledger.post(kind="gift_redeemed", source=purchase.public_id, lines=rules.gift_redeemed(paid), now=now)
    return settling.settle_purchase(purchase_id=purchase.pk, paid_fen=0, gateway="gift", now=now)


def _purchase(customer: Customer, gift: GiftCode, node: str, extends: int | None, now: datetime) -> Purchase:
    terms = gift.plan_version
    chosen = offered_node(customer, terms, node, now)
    grant = quotes.own_grant(customer, extends, terms.plan) if extends is not None else None
    if not_sold := selectors.not_sold_at_present(terms.markets, now):
        raise MarketNotSold(markets=not_sold)
    _, ends_at = selectors.period_behind(selectors.chain_of(grant), months=gift.months, now=now)
    if ends_at > add_months(now, MOST_MONTHS_AHEAD):
        raise TooFarAhead(until=ends_at.isoformat())
    purchase = Purchase.objects.create(
        customer=customer,
        idempotency_key=f"gift:{gift.pk}",
        body_hash="",
        kind=Purchase.Kind.GIFT,
        plan=terms.plan,
        plan_version=terms,
        node=chosen,
        group=chosen.group,
        extends=grant,
        months=gift.months,
        **{name: getattr(terms, name) for name in TERMS},
        price_fen=terms.price_fen,
        discount_fen=terms.price_fen * gift.months,
        due_fen=0,
        placed_at=now,
        price_until_at=now + PRICE_HOLDS,
    )
    note(purchase, "", now, by=customer, why=f"gift code …{gift.code[-4:]}")
    return purchase


def _new_code() -> str:
    return "".join(secrets.choice(DIGITS) for _ in range(16))  # 81 bits
