"""What a purchase would cost and give: reckoned for an instant, and pinned for 15 minutes by a signature of ours."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core import signing

from accounts.models import Customer
from billing import selectors
from billing.domain.pricing import Price, priced, yuan
from billing.errors import BadPurchase, NotThatGrant, PlanNotOnSale, TermsEnded
from billing.models import Coupon, Grant, Plan, PlanVersion, Purchase
from billing.models.catalogue import TERMS
from billing.services import coupons, plans, upgrades
from billing.services.upgrades import Replaced

HOLDS = timedelta(minutes=15)
_SALT = "billing.quote"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a buyer wants: `grant` is what kind `extend` extends or `upgrade` replaces; `coupon` as it was typed."""

    plan: str
    months: int
    kind: str
    grant: int | None = None
    with_later: bool = False
    coupon: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return what of it was chosen beside plan, months and kind as well, for hashes and signatures."""
        chosen = {"grant": self.grant, "with_later": self.with_later, "coupon": self.coupon.strip().upper()}
        base = {"plan": self.plan, "months": self.months, "kind": self.kind}
        return {**base, **{name: value for name, value in chosen.items() if value}}


@dataclass(frozen=True, slots=True)
class Quote:
    """What it costs at an instant, in which version of the plan, and what it stands on."""

    wanted: Wanted
    terms: PlanVersion
    at: datetime
    price: Price
    credit_fen: int = 0  # unused cash of what is replaced
    grant: Grant | None = None  # that is extended
    replaced: Replaced | None = None
    coupon: Coupon | None = field(default=None)

    @property
    def due(self) -> str:
        """Return what is due in CNY, as people write it."""
        return yuan(self.price.due_fen)

    @property
    def until_at(self) -> datetime:
        """Return until when the price holds."""
        return self.at + HOLDS


def quote(customer: Customer | None, wanted: Wanted, *, now: datetime, lock: bool = False) -> Quote:
    """Return what a purchase costs now.

    Args:
        lock: the coupon, and the plan to make its version: for placing, in a transaction.

    Raises:
        PlanNotOnSale, TermsEnded, NotThatGrant, UpgradeRefused, CouponRefused, BadPurchase.
    """
    plan = Plan.objects.filter(slug=wanted.plan).first()
    if plan is None or (wanted.kind != Purchase.Kind.EXTEND and not plan.on_sale):
        raise PlanNotOnSale(plan=wanted.plan[:40])
    grant = own_grant(customer, wanted.grant, plan) if wanted.kind == Purchase.Kind.EXTEND else None
    terms = _renewed(grant, plan, now, lock) if grant is not None else _present(plan, now, lock)
    return _reckoned(customer, wanted, plan, terms, grant, at=now, now=now, lock=lock)


def pin(customer: Customer, found: Quote) -> str:
    """Return a text that brings a quote back within its 15 minutes, for who asked and what was asked.

    Terms that nobody has stored yet (looking stores nothing) hold as long as the plan stays as it is.
    """
    return signing.dumps(
        {
            "customer": customer.pk,
            "wanted": found.wanted.as_json(),
            "terms": found.terms.pk,
            "content": [getattr(found.terms, name) for name in TERMS],
            "at": found.at.timestamp(),
            "due": found.price.due_fen,
        },
        salt=_SALT,
    )


def pinned(customer: Customer, wanted: Wanted, text: str, *, now: datetime, lock: bool = False) -> Quote | None:
    """Return the quote that a text brings back: the price of then, whatever became of the plan since.

    Returns:
        None where it is over, or what was credited has changed since: the price of now has to be shown.

    Raises:
        BadPurchase: it is no quote of ours, or of something else.
        NotThatGrant, UpgradeRefused, CouponRefused: what it was for is gone.
    """
    try:
        said = signing.loads(text, salt=_SALT)
    except signing.BadSignature:
        raise BadPurchase("this is no quote of ours; ask for a new one") from None
    if (said["customer"], said["wanted"]) != (customer.pk, wanted.as_json()):
        raise BadPurchase("the quote is for something else than what is ordered; ask for a new one")
    at = datetime.fromtimestamp(said["at"], UTC)
    if not at <= now < at + HOLDS:
        return None
    plan = Plan.objects.get(slug=wanted.plan)
    if said["terms"] is not None:
        terms = PlanVersion.objects.select_related("plan").get(pk=said["terms"])
    else:
        terms = _present(plan, now, lock)
        if [getattr(terms, name) for name in TERMS] != said["content"]:
            return None
    grant = own_grant(customer, wanted.grant, terms.plan) if wanted.kind == Purchase.Kind.EXTEND else None
    found = _reckoned(customer, wanted, terms.plan, terms, grant, at=at, now=now, lock=lock)
    return found if found.price.due_fen == said["due"] else None


def _reckoned(
    customer: Customer | None,
    wanted: Wanted,
    plan: Plan,
    terms: PlanVersion,
    grant: Grant | None,
    *,
    at: datetime,
    now: datetime,
    lock: bool,
) -> Quote:
    coupon = None
    if wanted.coupon.strip():
        coupon = coupons.find(wanted.coupon, customer=customer, plan=plan, now=now, lock=lock)
    percents = [coupon.percent] if coupon is not None and coupon.percent else []
    off_fen = (coupon.off_fen or 0) if coupon is not None else 0
    if wanted.kind != Purchase.Kind.UPGRADE:
        term = selectors.term_discount(plan, wanted.months)
        price = priced(terms.price_fen * wanted.months, percents=[term, *percents], off_fen=off_fen)
        return Quote(wanted, terms, at, price, grant=grant, coupon=coupon)
    if customer is None or wanted.grant is None:
        raise NotThatGrant(grant=wanted.grant)
    replaced = upgrades.replaced_by(
        terms, customer=customer, grant_id=wanted.grant, with_later=wanted.with_later, now=now
    )
    cost = upgrades.cost(terms, replaced, at)
    price = priced(cost.exact_fen, percents=percents, off_fen=off_fen)
    return Quote(wanted, terms, at, price, credit_fen=int(cost.credit_fen), replaced=replaced, coupon=coupon)


def _present(plan: Plan, now: datetime, lock: bool) -> PlanVersion:
    return plans.version_of(plan, now) if lock else plans.present_terms(plan, now)


def own_grant(customer: Customer | None, extends: int | None, plan: Plan) -> Grant:
    """Return a customer's grant of a plan, to extend it.

    Raises:
        NotThatGrant: it is somebody else's, or of another plan.
    """
    rows = Grant.objects.select_related("purchase__plan_version", "closure")
    grant = rows.filter(pk=extends, customer=customer).first() if customer is not None and extends is not None else None
    if grant is None or grant.purchase.plan_id != plan.pk:
        raise NotThatGrant(grant=extends)
    return grant


def _renewed(grant: Grant, plan: Plan, now: datetime, lock: bool) -> PlanVersion:
    terms = grant.purchase.plan_version
    if lock:
        plans.version_of(plan, now)  # an edit ends what was sold before, also where nobody has bought the new terms
        terms.refresh_from_db()
    if not terms.renewable(now):
        raise TermsEnded(plan=plan.slug, until=terms.renewable_until_at.isoformat() if terms.renewable_until_at else "")
    return terms
