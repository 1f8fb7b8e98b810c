"""Pays money back: who may, how much, and what it does to the grant. Gateways are asked by billing.services.asking."""

import logging
import secrets
from datetime import datetime
from math import ceil

from django.conf import settings
from django.db import transaction
from django.db.models import Q, Sum

from accounts.models import Customer
from billing import announcements, selectors
from billing.domain import ledger as rules
from billing.domain.asking import number
from billing.domain.months import SHANGHAI, shanghai
from billing.domain.pricing import money
from billing.domain.upgrades import PaidTime
from billing.errors import AlreadyDecided, RefundRefused, SecondPersonNeeded
from billing.gateways.protocol import FactKind
from billing.models import Dispute, GiftCode, Grant, PaymentFact, Prepayment, Purchase, Refund, Suspense
from billing.services import balances, entitlements, gifts, ledger, upgrades
from billing.services.steps import lock_prepayment, lock_purchase

log = logging.getLogger(__name__)


@transaction.atomic
def ask_refund(
    *,
    payment_id: int,
    amount_fen: int,
    reason: str,
    fault: str,
    effect: str,
    by: Customer | None,
    now: datetime,
    shorten_to: datetime | None = None,
    with_extensions: bool = False,
) -> Refund:
    """Note that a payment, or a part of it, shall go back; a second person decides, unless the shop is one person's.

    Raises:
        RefundRefused: it is more than is left of the payment, disputed, or what it shall do to the grant is impossible.
    """
    payment = _locked(payment_id)
    _check(payment, amount_fen, effect, shorten_to, reason, with_extensions, now)
    refund = Refund.objects.create(
        refund_no=new_number("R", now),
        payment=payment,
        purchase=_bought_with(payment) or payment.purchase,
        amount_fen=amount_fen,
        currency=payment.currency,
        fault=fault,
        effect=effect,
        shorten_to_at=shorten_to,
        with_extensions=with_extensions,
        reason=reason[:200],
        asked_at=now,
        asked_by=by,
    )
    if settings.ONE_PERSON_SHOP or by is None:
        return _decide(refund, by, now)
    return refund


@transaction.atomic
def decide_refund(*, refund_id: int, by: Customer, now: datetime) -> Refund:
    """Confirm a refund that somebody else asked for; it is booked, and sent from then on. Twice is once.

    Raises:
        SecondPersonNeeded: the same person asked for it.
        AlreadyDecided: it was withdrawn.
        RefundRefused: what was possible when it was asked for no longer is.
    """
    payment = _locked(Refund.objects.values_list("payment_id", flat=True).get(pk=refund_id))
    refund = Refund.objects.select_related("purchase").get(pk=refund_id)
    if refund.state == Refund.State.WITHDRAWN:
        raise AlreadyDecided(state=refund.state)
    if refund.state != Refund.State.ASKED:
        return refund
    if refund.asked_by_id == by.pk and not settings.ONE_PERSON_SHOP:
        raise SecondPersonNeeded(refund=refund.refund_no)
    _refuse_disputed(payment)
    _check_prepayment(payment, refund.amount_fen)  # spent or redeemed meanwhile?
    return _decide(refund, by, now)


@transaction.atomic
def withdraw_refund(*, refund_id: int, by: Customer, now: datetime) -> Refund:
    """Take back a refund that nobody has decided.

    Raises:
        AlreadyDecided: it was decided.
    """
    _locked(Refund.objects.values_list("payment_id", flat=True).get(pk=refund_id))
    refund = Refund.objects.get(pk=refund_id)
    if refund.state not in (Refund.State.ASKED, Refund.State.WITHDRAWN):
        raise AlreadyDecided(state=refund.state)
    refund.state, refund.decided_at, refund.decided_by = Refund.State.WITHDRAWN, now, by
    refund.save(update_fields=["state", "decided_at", "decided_by"])
    return refund


@transaction.atomic
def pay_by_hand(*, refund_id: int, reference: str, by: Customer, now: datetime) -> Refund:
    """Book a refund that the gateway cannot pay (its time is over, the card is dead) and a person has transferred.

    Raises:
        RefundRefused: it is not decided, or is paid back already.
    """
    _locked(Refund.objects.values_list("payment_id", flat=True).get(pk=refund_id))
    refund = Refund.objects.get(pk=refund_id)
    if refund.state not in (Refund.State.DECIDED, Refund.State.FAILED) or not reference.strip():
        raise RefundRefused(
            "only a refund that is decided and not with the gateway is paid by hand, with the bank's reference",
            state=refund.state,
        )
    refund.by_hand = reference.strip()[:80]
    refund.decided_by = refund.decided_by or by
    finish(refund, now, refund_id="")
    return refund


def refund_by_rule(suspense: Suspense, *, now: datetime) -> Refund | None:
    """Pay back what settles nothing. Whose order is not known waits for a person: so does what has no amount."""
    fact = suspense.fact
    left, unknown = left_of(fact), suspense.reason == Suspense.Reason.UNKNOWN_ORDER
    of_nobody = fact.purchase_id is None and fact.prepayment_id is None
    if unknown or of_nobody or left <= 0 or _is_disputed(fact):
        return None
    refund = ask_refund(
        payment_id=fact.pk,
        amount_fen=left,
        reason=str(Suspense.Reason(suspense.reason).value),
        fault=Refund.Fault.RULE,
        effect=Refund.Effect.KEEP,
        by=None,
        now=now,
    )
    suspense.refresh_from_db()
    return refund


@transaction.atomic
def retry_refund(*, refund_id: int, by: Customer, now: datetime) -> Refund:
    """Send a refund that failed again, under a new number: the gateway has closed the old one.

    Raises:
        RefundRefused: it did not fail, or is disputed.
    """
    payment = _locked(Refund.objects.values_list("payment_id", flat=True).get(pk=refund_id))
    failed = Refund.objects.get(pk=refund_id)
    if failed.state != Refund.State.FAILED:
        raise RefundRefused("only a refund that failed is sent again", state=failed.state)
    _refuse_disputed(payment)
    failed.state, failed.why = Refund.State.WITHDRAWN, f"sent again: {failed.why}"[:200]
    failed.save(update_fields=["state", "why"])
    return Refund.objects.create(
        refund_no=new_number("R", now),
        payment=payment,
        purchase=failed.purchase,
        amount_fen=failed.amount_fen,  # owed already: nothing is booked
        currency=failed.currency,
        fault=failed.fault,
        reason=failed.reason,
        state=Refund.State.DECIDED,
        asked_at=now,
        asked_by=by,
        decided_at=now,
        decided_by=by,
        next_try_at=now,
    )


def left_of(payment: PaymentFact) -> int:
    """Return what of a payment has not been paid back or promised, in fen. Lock its purchase to rely on it."""
    back = Refund.objects.filter(payment=payment).exclude(state=Refund.State.WITHDRAWN)
    return payment.amount_fen - (back.aggregate(total=Sum("amount_fen"))["total"] or 0)


def new_number(prefix: str, now: datetime) -> str:
    """Return a new order or refund number."""
    return number(prefix, now.astimezone(SHANGHAI), secrets.randbits(96))


def _locked(payment_id: int) -> PaymentFact:
    """Lock what a payment belongs to: two refunds of it must not both see what is left."""
    payment = PaymentFact.objects.select_related("prepayment").get(pk=payment_id)
    if payment.prepayment_id is not None:
        lock_prepayment(payment.prepayment_id)
        return payment
    # Customer and purchase first, as everywhere: what was bought with it is closed below.
    bought = _bought_with(payment)
    if (purchase_id := payment.purchase_id or (bought.pk if bought is not None else None)) is not None:
        lock_purchase(purchase_id)
    if payment.purchase_id is None:
        Suspense.objects.select_for_update(of=("self",)).get(fact=payment)
    return payment


def _check(
    payment: PaymentFact,
    amount_fen: int,
    effect: str,
    shorten_to: datetime | None,
    reason: str,
    with_extensions: bool,
    now: datetime,
) -> None:
    if payment.kind != FactKind.PAID:
        raise RefundRefused("only a payment can be paid back", payment=str(payment))
    if not reason.strip():
        raise RefundRefused("a refund has a reason")
    left = left_of(payment)
    if not 0 < amount_fen <= left:
        said = (
            f"{money(amount_fen, payment.currency)} cannot be paid back: "
            f"{money(left, payment.currency)} are left of this payment"
        )
        raise RefundRefused(said, left_fen=left)
    _refuse_disputed(payment)
    _check_prepayment(payment, amount_fen)
    own = _grant_of(payment)
    if effect == Refund.Effect.KEEP:
        return
    if own is None:
        raise RefundRefused("this payment bought nothing that could end: choose that the buyer keeps everything")
    grant = selectors.live_grant(own)
    if effect == Refund.Effect.SHORTEN and grant != own:
        raise RefundRefused(f"this pack was upgraded: shorten order {grant.purchase.public_id}, which replaced it")
    if effect == Refund.Effect.SHORTEN and not (shorten_to and now < shorten_to < grant.ends_at):
        raise RefundRefused(f"a shorter end lies between now and {shanghai(grant.ends_at)}")
    if not with_extensions and (grant != own or upgrades.later_links(grant, now)):
        raise RefundRefused(
            "a later grant continues this one, or an upgrade replaced it: refund it together with what stands on it"
        )


def _check_prepayment(payment: PaymentFact, amount_fen: int) -> None:
    """A top-up goes back as far as it is still in the balance; a gift code's payment while nobody has redeemed it."""
    order = payment.prepayment
    if order is None or payment.outcome != PaymentFact.Outcome.SETTLED:
        return
    if order.kind == Prepayment.Kind.BALANCE:
        if amount_fen > (has := selectors.balance_fen(order.customer)):
            raise RefundRefused(
                f"{money(amount_fen)} cannot be paid back: {money(has)} are left in the customer's balance",
                left_fen=has,
            )
    elif order.gift.state != GiftCode.State.NEW or amount_fen != payment.amount_fen:
        raise RefundRefused("a gift code is paid back as a whole, and only while nobody has redeemed it")


def _decide(refund: Refund, by: Customer | None, now: datetime) -> Refund:
    payment, purchase = refund.payment, refund.purchase
    refund.state, refund.decided_at, refund.decided_by = Refund.State.DECIDED, now, by
    refund.next_try_at = now
    refund.save(update_fields=["state", "decided_at", "decided_by", "next_try_at"])
    book_decision(payment, refund.amount_fen, refund.refund_no, now)
    void_gift(payment, f"refund {refund.refund_no}", now)
    if left_of(payment) <= 0:  # of a part the rest still waits for a decision
        suspense = Suspense.objects.filter(fact=payment, state=Suspense.State.OPEN)
        suspense.update(state=Suspense.State.REFUNDING, decided_at=now, decided_by=by, why=refund.reason)
    if purchase is not None and refund.effect != Refund.Effect.KEEP:
        _end_grant(refund, purchase, by, now)
    announcements.refund_decided(refund)
    if payment.provider == balances.PROVIDER:  # no gateway to wait for
        finish(refund, now, refund_id="")
    return refund


def void_gift(payment: PaymentFact, why: str, now: datetime) -> None:
    """Make a code useless whose payment went back, if that bought one that nobody has redeemed."""
    if payment.outcome == PaymentFact.Outcome.SETTLED and payment.prepayment_id is not None:
        code = GiftCode.objects.filter(bought_with=payment.prepayment_id, state=GiftCode.State.NEW)
        code.update(state=GiftCode.State.VOID, ended_at=now, why=why[:200])


def book_decision(payment: PaymentFact, fen: int, source: str, now: datetime) -> None:
    """Post that a part of a payment is owed to who paid it."""
    lines = rules.refund_decided(_origins(payment, fen), payment.currency)
    ledger.post(kind="refund_decided", source=source, lines=lines, now=now)


def _origins(payment: PaymentFact, fen: int) -> dict[str, int]:
    """Return the accounts in which a payment stands now, and how much is taken out of each."""
    in_suspense = payment.outcome == PaymentFact.Outcome.SUSPENSE
    if in_suspense and not Suspense.objects.filter(fact=payment, state=Suspense.State.USED).exists():
        return {rules.account("suspense", payment.provider): fen}
    order = payment.prepayment
    if order is None:
        return {"deferred": fen}
    if order.kind == Prepayment.Kind.GIFT:
        return {"gift_codes" if order.gift.state == GiftCode.State.NEW else "deferred": fen}
    # A gateway's console may pay back what was spent here meanwhile: that part is lost.
    has = min(fen, selectors.balance_fen(order.customer))
    parts = {rules.account("balance", order.customer.public_id): has, "dispute_loss": fen - has}
    return {code: part for code, part in parts.items() if part}


def _end_grant(refund: Refund, purchase: Purchase, by: Customer | None, now: datetime) -> None:
    own = purchase.grant
    grant = selectors.live_grant(own)
    for later in reversed(upgrades.later_links(grant, now)):
        entitlements.close_grant(grant_id=later.pk, reason=f"refund {refund.refund_no}", now=now)
        _refund_with(refund, later, by, now)
    until = refund.shorten_to_at if refund.effect == Refund.Effect.SHORTEN else now
    entitlements.close_grant(grant_id=grant.pk, reason=f"refund {refund.refund_no}", now=now, closed_at=until)
    if refund.effect != Refund.Effect.CLOSE:
        return
    for one in upgrades.lineage(grant):
        # Upgrades that stand on what is paid back, without which nothing is left of them.
        if one != own and one.purchase.kind == Purchase.Kind.UPGRADE and own in upgrades.lineage(one):
            _refund_with(refund, one, by, now)
    if purchase.kind == Purchase.Kind.UPGRADE and grant == own:
        gifts.give_back(purchase, reason=f"refund {refund.refund_no}", by=by, now=now)


def _refund_with(refund: Refund, grant: Grant, by: Customer | None, now: datetime) -> None:
    """Pay back what was paid for the rest of a grant that ends with a refunded one."""
    for payment in _paid_for(grant.purchase):
        if (left := left_of(payment)) <= 0 or _is_disputed(payment):
            continue
        unused = PaidTime(left, grant.starts_at, grant.ends_at, upgrades.day_of(grant)).unused_fen(now)
        if unused <= 0:
            continue
        own = Refund.objects.create(
            refund_no=new_number("R", now),
            payment=payment,
            purchase=grant.purchase,
            amount_fen=min(left, ceil(unused)),
            currency=payment.currency,
            fault=refund.fault,
            effect=Refund.Effect.KEEP,  # the caller has closed it
            reason=f"stands on what {refund.refund_no} ends"[:200],
            asked_at=now,
            asked_by=refund.asked_by,
        )
        _decide(own, by, now)


def _paid_for(purchase: Purchase) -> list[PaymentFact]:
    """Return what settled a purchase: its gateway's payment, the part from the balance, money out of suspense."""
    paid = PaymentFact.objects.filter(kind=FactKind.PAID)
    own = Q(purchase=purchase, outcome=PaymentFact.Outcome.SETTLED)
    return list(paid.filter(own | Q(suspense__used_for=purchase)).order_by("pk"))


def _grant_of(payment: PaymentFact) -> Grant | None:
    bought = _bought_with(payment)
    return Grant.objects.filter(purchase=bought).first() if bought is not None else None


def _bought_with(payment: PaymentFact) -> Purchase | None:
    """Return what a payment settled: its own order, or the one that a person used it for."""
    if payment.outcome == PaymentFact.Outcome.SETTLED:
        return payment.purchase
    used = Suspense.objects.filter(fact=payment, state=Suspense.State.USED).select_related("used_for").first()
    return used.used_for if used is not None else None


def _is_disputed(payment: PaymentFact) -> bool:
    return Dispute.objects.filter(payment=payment).exclude(state=Dispute.State.WON).exists()


def _refuse_disputed(payment: PaymentFact) -> None:
    if _is_disputed(payment):
        raise RefundRefused("this payment is disputed: the bank decides, and a refund would be paid a second time")


def finish(refund: Refund, now: datetime, *, refund_id: str) -> None:
    """Book that a refund has been paid, and tell the buyer."""
    refund.state, refund.done_at, refund.next_try_at = Refund.State.DONE, now, None
    refund.refund_id = refund_id[:255] or refund.refund_id
    refund.save(update_fields=["state", "done_at", "next_try_at", "refund_id", "by_hand", "decided_by"])
    payment = refund.payment
    lines = rules.refund_done(payment.provider, refund.amount_fen, refund.currency, by_hand=bool(refund.by_hand))
    if payment.provider == balances.PROVIDER:
        assert payment.purchase is not None  # a balance pays for purchases alone
        lines = rules.refund_to_balance(payment.purchase.customer.public_id, refund.amount_fen)
    # One that failed after it was done, and was then paid by hand, has left twice and come back once.
    source = f"{refund.refund_no}:{'by hand' if refund.by_hand else 'done'}"
    ledger.post(kind="refund_done", source=source, lines=lines, now=now)
    unfinished = Refund.objects.filter(payment=payment).exclude(state__in=[Refund.State.DONE, Refund.State.WITHDRAWN])
    if left_of(payment) == 0 and not unfinished.exists():
        suspense = Suspense.objects.filter(fact=payment, state=Suspense.State.REFUNDING)
        suspense.update(state=Suspense.State.REFUNDED)
    if refund.purchase is not None:
        announcements.refund_done(refund)
