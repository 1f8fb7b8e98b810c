"""What the shop keeps about a customer: taken along as rows, or left without a name when the account is deleted.

Rows of money and rights stay, since tax and bookkeeping law keep them for years; they name a customer whose row names
nobody. What says who somebody was is removed: titles and addresses on papers that were not issued, where an order came
from, what papers are sent to.
"""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Q
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Customer
from accounts.services.personal import Leaving, Row, Tables, known_addresses
from billing import announcements, selectors
from billing.domain import ledger as rules
from billing.domain.pricing import exact_yuan
from billing.models import (
    AccessToken,
    AutoRenewal,
    BuyerTitle,
    Departure,
    Dispute,
    FapiaoRequest,
    FormerTrial,
    GiftCode,
    Grant,
    InviteCode,
    LedgerLine,
    PaymentAttempt,
    PaymentFact,
    Prepayment,
    Purchase,
    Refund,
    Suspense,
    Trial,
)
from billing.services import balances, customers, ledger, prepayments, purchases, trials
from billing.services.entitlements import close_grant

_CHUNK = 500
_NOBODY = "–"


def tables(customer: Customer) -> Tables:
    """Return orders, payments, papers and tokens of a customer, without the secrets among them."""
    return {
        "orders": _orders(customer),
        "prepayments": _prepayments(customer),
        "payments": _payments(customer),
        "balance": _balance(customer),
        "packs": _packs(customer),
        "tokens": _tokens(customer),
        "fapiao": _fapiao(customer),
    }


def leaving(customer: Customer, now: datetime) -> Leaving:
    """Say what has to be settled before a customer can leave, and what they lose, in the active language."""
    # Waiting orders are cancelled on the way out, and what they had reserved is in the balance again.
    waiting = Purchase.objects.filter(customer=customer, state=Purchase.State.PENDING)
    reserved = sum(one.balance_fen for one in waiting if balances.reserved(one))
    return Leaving(
        obstacles=list(_obstacles(customer)),
        losses=list(_losses(customer, now)),
        balance_fen=selectors.balance_fen(customer) + reserved,
    )


def forget(customer: Customer, now: datetime) -> None:
    """End what a customer has, and take what says who they were out of the shop's rows.

    The caller holds the customer's lock, has asked `leaving`, and has been told that the balance is given up.
    """
    digests = [
        trials.digest(one) for one in (*known_addresses(customer), *([customer.phone] if customer.phone else []))
    ]
    for order in Purchase.objects.filter(customer=customer, state=Purchase.State.PENDING):
        purchases.cancel_purchase(purchase_id=order.pk, by=customer, now=now)
    for prepaid in Prepayment.objects.filter(customer=customer, state=Prepayment.State.PENDING):
        prepayments.cancel_prepayment(prepayment_id=prepaid.pk, now=now)
    AutoRenewal.objects.filter(customer=customer, on=True).update(on=False, changed_at=now)
    for token in _working(customer):
        token.revoked_at = now
        token.save(update_fields=["revoked_at"])
        announcements.token_ends(token, now)
    # The last of a chain first: one that is continued cannot be ended.
    ending = sorted(_unended(customer, now), key=lambda one: one.starts_at, reverse=True)
    for grant in ending:
        close_grant(grant_id=grant.pk, reason="account deleted", now=now)
    # What waiting orders had reserved is in the balance again by now.
    given_up = selectors.balance_fen(customer)
    if given_up:
        lines = rules.given_up(customer.public_id, given_up)
        ledger.post(kind="given up", source=f"customer:{customer.public_id}", lines=lines, now=now)
    _forget_papers(customer)
    AccessToken.objects.filter(customer=customer).exclude(revoked_at=None).update(name="", symbols=[])
    Purchase.objects.filter(customer=customer).exclude(placed_from=None).update(placed_from=None)
    PaymentAttempt.objects.filter(Q(purchase__customer=customer) | Q(prepayment__customer=customer)).update(shown=None)
    InviteCode.objects.filter(customer=customer).delete()
    if Trial.objects.filter(customer=customer).exists():
        for digest in digests:
            FormerTrial.objects.get_or_create(digest=digest, defaults={"at": now})
    Departure.objects.create(customer=customer, at=now, given_up_fen=given_up, grants_ended=len(ending))
    customers.set_active(customer=customer, active=False, now=now)


def _forget_papers(customer: Customer) -> None:
    BuyerTitle.objects.filter(customer=customer).delete()
    papers = FapiaoRequest.objects.filter(customer=customer)
    papers.update(mail="")
    # An issued one is a voucher of the shop's books and stays as the tax office has it.
    papers.filter(state=FapiaoRequest.State.WITHDRAWN).update(
        kind=BuyerTitle.Kind.PERSON, title=_NOBODY, tax_number="", why=""
    )


def _obstacles(customer: Customer) -> Iterator[str]:
    mine = (
        Q(purchase__customer=customer)
        | Q(payment__purchase__customer=customer)
        | Q(payment__prepayment__customer=customer)
    )
    if Refund.objects.filter(mine, state__in=["asked", "decided", "sent", "failed"]).exists():
        yield _("A refund to you is under way. Wait until it has arrived: without an account we could not ask you.")
    if Dispute.objects.filter(mine, state=Dispute.State.OPEN).exists():
        yield _("A payment of yours is disputed at the bank. Wait until that is decided.")
    suspended = Q(fact__purchase__customer=customer) | Q(fact__prepayment__customer=customer)
    if Suspense.objects.filter(suspended, state__in=["open", "refunding"]).exists():
        yield _("Money of yours matched no order and is being looked at. Wait until it is paid back or used.")
    if FapiaoRequest.objects.filter(customer=customer, state=FapiaoRequest.State.ASKED).exists():
        yield _("A fapiao that you asked for is not issued yet. Withdraw the request, or wait for it.")


def _losses(customer: Customer, now: datetime) -> Iterator[str]:
    for grant in _unended(customer, now):
        ends = grant.as_value().until_at
        left = max((ends - max(now, grant.starts_at)).days, 0)
        yield ngettext(
            "%(pack)s until %(end)s: %(days)d day is left. It ends at once and is not paid back.",
            "%(pack)s until %(end)s: %(days)d days are left. It ends at once and is not paid back.",
            left,
        ) % {
            "pack": grant.purchase.plan.name,
            "end": date_format(localtime(ends), "DATE_FORMAT"),
            "days": left,
        }
    waiting = Purchase.objects.filter(customer=customer, state=Purchase.State.PENDING).count()
    waiting += Prepayment.objects.filter(customer=customer, state=Prepayment.State.PENDING).count()
    if waiting:
        yield ngettext(
            "%(count)d order that waits for payment is cancelled. Do not pay it any more.",
            "%(count)d orders that wait for payment are cancelled. Do not pay them any more.",
            waiting,
        ) % {"count": waiting}
    if codes := GiftCode.objects.filter(bought_with__customer=customer, state=GiftCode.State.NEW).count():
        yield ngettext(
            "%(count)d gift code that nobody has redeemed goes on to work, but you cannot look it up again.",
            "%(count)d gift codes that nobody has redeemed go on to work, but you cannot look them up again.",
            codes,
        ) % {"count": codes}
    if held := selectors.commission_held_fen(customer):
        yield _("Commission of ¥%(amount)s that is still held is lost.") % {"amount": exact_yuan(held)}


def _unended(customer: Customer, now: datetime) -> list[Grant]:
    rows = Grant.objects.filter(customer=customer, ends_at__gt=now).select_related("closure", "purchase__plan")
    return [one for one in rows.prefetch_related("freezes") if one.as_value().until_at > now]


def _working(customer: Customer) -> list[AccessToken]:
    return list(AccessToken.objects.filter(customer=customer, revoked_at=None).select_related("customer", "group"))


def _orders(customer: Customer) -> Iterator[Row]:
    rows = Purchase.objects.filter(customer=customer).select_related("plan", "node").order_by("pk")
    for one in rows.iterator(chunk_size=_CHUNK):
        yield {
            "order": one.public_id, "kind": one.kind, "plan": one.plan.slug, "node": one.node.slug,
            "months": one.months, "due_fen": one.due_fen, "balance_fen": one.balance_fen, "currency": one.currency,
            "state": one.state, "placed_at": one.placed_at, "settled_at": one.settled_at,
            "placed_from": one.placed_from,
        }  # fmt: skip


def _prepayments(customer: Customer) -> Iterator[Row]:
    rows = Prepayment.objects.filter(customer=customer).order_by("pk")
    for one in rows.iterator(chunk_size=_CHUNK):
        yield {
            "order": one.public_id, "kind": one.kind, "due_fen": one.due_fen, "state": one.state,
            "placed_at": one.placed_at, "settled_at": one.settled_at,
        }  # fmt: skip


def _payments(customer: Customer) -> Iterator[Row]:
    rows = PaymentFact.objects.filter(Q(purchase__customer=customer) | Q(prepayment__customer=customer)).order_by("pk")
    for one in rows.select_related("purchase", "prepayment").iterator(chunk_size=_CHUNK):
        order = one.purchase or one.prepayment
        yield {
            "order": order.public_id if order is not None else "", "provider": one.provider, "kind": one.kind,
            "amount_fen": one.amount_fen, "currency": one.currency, "transaction": one.transaction_id, "at": one.at,
        }  # fmt: skip


def _balance(customer: Customer) -> Iterator[Row]:
    lines: Iterator[LedgerLine] = selectors.balance_lines(customer).iterator(chunk_size=_CHUNK)
    for one in lines:
        # What the shop owes stands on the credit side: what comes in is negative there.
        yield {"at": one.entry.posted_at, "kind": one.entry.kind, "amount_fen": -one.amount_fen}


def _packs(customer: Customer) -> Iterator[Row]:
    rows = Grant.objects.filter(customer=customer).select_related("purchase", "group", "closure").order_by("pk")
    for one in rows.iterator(chunk_size=_CHUNK):
        closure = getattr(one, "closure", None)
        yield {
            "order": one.purchase.public_id, "node_group": one.group.slug, "symbols": one.symbols,
            "starts_at": one.starts_at, "ends_at": one.ends_at, "closed_at": closure.closed_at if closure else None,
        }  # fmt: skip


def _tokens(customer: Customer) -> Iterator[Row]:
    rows = AccessToken.objects.filter(customer=customer).select_related("group").order_by("pk")
    for one in rows.iterator(chunk_size=_CHUNK):
        yield {
            "token": one.jti, "name": one.name, "symbols": " ".join(one.symbols), "node_group": one.group.slug,
            "issued_at": one.issued_at, "last_used_at": one.last_used_at, "expires_at": one.expires_at,
            "revoked_at": one.revoked_at,
        }  # fmt: skip


def _fapiao(customer: Customer) -> Iterator[Row]:
    rows = FapiaoRequest.objects.filter(customer=customer).order_by("pk")
    for one in rows.iterator(chunk_size=_CHUNK):
        yield {
            "request": one.number, "kind": one.kind, "title": one.title, "tax_number": one.tax_number, "mail": one.mail,
            "amount_fen": one.amount_fen, "state": one.state, "asked_at": one.asked_at,
            "fapiao": one.fapiao_number,
        }  # fmt: skip
