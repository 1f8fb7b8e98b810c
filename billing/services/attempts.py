"""Begins payments: an attempt with a number of its own is stored before a gateway is asked for anything."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from billing import announcements, selectors
from billing.domain.asking import next_ask
from billing.errors import BadPurchase, GatewayRefused, GatewayUnavailable, PaymentsOff
from billing.gateways import gateway, names
from billing.gateways.protocol import Bridge, Device, Form, Instructions, Method, Order, Qr, Redirect, Start
from billing.models import PaymentAttempt, Prepayment, Purchase
from billing.services.refunds import new_number
from billing.services.steps import lock_prepayment, lock_purchase

EARLIER = timedelta(minutes=1)  # a gateway's end is before ours, so that late money is rare
WAITING_AT_ONCE = 6  # requests of a process that wait for one gateway; it has sixteen for all its pages
_SHORT_LIVED = (Method.BRIDGE, Method.PAGE)  # a page's address may live for five minutes, or be another device's
_guard = threading.Lock()
_waiting: Counter[str] = Counter()
_KINDS = {"redirect": Redirect, "form": Form, "qr": Qr, "bridge": Bridge, "instructions": Instructions}


def ways_to_pay(device: Device) -> list[tuple[str, Method]]:
    """Return the gateways and methods that fit a device, in the shop's order."""
    return [(name, method) for name in names() for method in gateway(name).methods(device)]


def first_way(gateway_name: str = "", device: Device = Device.COMPUTER) -> tuple[str, Method]:
    """Return a gateway and its best method for a device: the one asked for, else the shop's first.

    Raises:
        PaymentsOff: none is set up, or it cannot be used there.
    """
    for name, method in ways_to_pay(device):
        if gateway_name in ("", name):
            return name, method
    raise PaymentsOff(gateway=gateway_name[:20])


def start_attempt(
    *,
    order: Purchase | Prepayment,
    gateway_name: str,
    method: str,
    now: datetime,
    client_ip: str = "",
    open_id: str = "",
    device: Device = Device.COMPUTER,
) -> tuple[PaymentAttempt, Start]:
    """Return the attempt to pay an order through a gateway, and what the browser is given.

    An open attempt of the same way is continued: back and pay again makes no second one. What lives shorter than the
    attempt is asked for again under its number; where the gateway refuses that, what it gave first still counts.

    Raises:
        BadPurchase: it no longer waits for payment, or nobody pays so.
        PaymentsOff: the gateway is not set up here.
        GatewayRefused, GatewayUnavailable: it could not be begun; the attempt stays, and is asked for.
    """
    at = gateway(gateway_name)
    if method not in [str(one) for device in Device for one in at.methods(device)]:
        raise BadPurchase(f"{gateway_name} does not take payments by {method[:10]!r}", method=method[:10])
    attempt = _attempt(order, gateway_name, method, now)
    if attempt.shown is not None and method not in _SHORT_LIVED:
        return attempt, _as_start(attempt.shown)
    asked = _order(attempt, order, client_ip, open_id, device)
    try:
        with _asking(gateway_name):
            start = at.start(asked, Method(method), now)
    except GatewayRefused:
        if attempt.shown is None:
            raise
        return attempt, _as_start(attempt.shown)
    kept = start.kept if isinstance(start, Redirect) else ""
    with transaction.atomic():
        given = {"shown": _as_json(start), "kept": kept}
        first = PaymentAttempt.objects.filter(pk=attempt.pk, shown__isnull=True).update(**given)
        if not first:
            PaymentAttempt.objects.filter(pk=attempt.pk).update(**given)
        elif isinstance(start, Instructions):  # one mail, also of two tabs
            announcements.order_to_transfer(attempt)
    return attempt, start


@contextmanager
def _asking(gateway_name: str) -> Iterator[None]:
    """Let so many of this process wait for one gateway: one that hangs would else hold every page that there is.

    Raises:
        GatewayUnavailable: as many wait already.
    """
    with _guard:
        if _waiting[gateway_name] >= WAITING_AT_ONCE:
            raise GatewayUnavailable(provider=gateway_name, why=f"{WAITING_AT_ONCE} requests wait for it already")
        _waiting[gateway_name] += 1
    try:
        yield
    finally:
        with _guard:
            _waiting[gateway_name] -= 1


def shown(attempt: PaymentAttempt) -> Start | None:
    """Return what the browser was given for an attempt; None before its gateway has answered."""
    return _as_start(attempt.shown) if attempt.shown is not None else None


@transaction.atomic
def _attempt(order: Purchase | Prepayment, gateway_name: str, method: str, now: datetime) -> PaymentAttempt:
    # Locked: two tabs that press Pay at once get one attempt.
    locked = lock_purchase(order.pk) if isinstance(order, Purchase) else lock_prepayment(order.pk)
    if not can_be_paid(locked, now):
        raise BadPurchase("this order no longer waits for payment; start a new one", state=str(locked.state))
    open_ones = locked.attempts.filter(
        gateway=gateway_name, method=method, state=PaymentAttempt.State.OPEN, expires_at__gt=now
    )
    if (found := open_ones.first()) is not None:
        return found
    expires_at = max(locked.price_until_at - EARLIER, now + EARLIER)
    return PaymentAttempt.objects.create(
        purchase=locked if isinstance(locked, Purchase) else None,
        prepayment=locked if isinstance(locked, Prepayment) else None,
        gateway=gateway_name,
        method=method,
        order_no=new_number("P", now),
        due_fen=locked.cash_fen,
        currency=locked.currency,
        started_at=now,
        expires_at=expires_at,
        next_ask_at=next_ask(started_at=now, expires_at=expires_at, now=now),
    )


def can_be_paid(order: Purchase | Prepayment, now: datetime) -> bool:
    """Tell whether an order waits for a payment that would settle it."""
    if isinstance(order, Purchase):
        return selectors.can_be_paid(order, now)
    return order.state == Prepayment.State.PENDING and now < order.price_until_at


def page_of(order: Purchase | Prepayment) -> str:
    """Return the path of an order's page."""
    return f"/{'purchases' if isinstance(order, Purchase) else 'prepayments'}/{order.public_id}/"


def title_of(order: Purchase | Prepayment) -> str:
    """Return what an order is called, in the reader's language."""
    if isinstance(order, Prepayment):
        if order.plan_version is None:
            return _("Top-up of your balance")
        return _("Gift code: %(plan)s, %(months)s mo.") % {
            "plan": order.plan_version.plan.name, "months": order.months,
        }  # fmt: skip
    if order.kind == Purchase.Kind.UPGRADE:
        return _("Upgrade to %(plan)s") % {"plan": order.plan.name}
    if order.kind == Purchase.Kind.TRIAL:
        return _("%(plan)s, %(days)s days to try") % {"plan": order.plan.name, "days": order.days}
    return _("%(plan)s, %(months)s mo.") % {"plan": order.plan.name, "months": order.months}


def _order(
    attempt: PaymentAttempt, order: Purchase | Prepayment, client_ip: str, open_id: str, device: Device
) -> Order:
    return Order(
        order_no=attempt.order_no,
        due_fen=attempt.due_fen,
        currency=attempt.currency,
        title=title_of(order).translate({ord(one): " " for one in "/=&"}),
        return_url=f"{settings.PANEL_URL}{page_of(order)}",
        notify_url=f"{settings.PANEL_URL}/payments/{attempt.gateway}/notify",
        expires_at=attempt.expires_at,
        language=get_language() or "en",
        client_ip=client_ip,
        open_id=open_id,
        device=device,
    )


def _as_json(start: Start) -> dict[str, Any]:
    match start:
        case Redirect(url, _kept):
            return {"kind": "redirect", "url": url}
        case Form(url, fields):
            return {"kind": "form", "url": url, "fields": dict(fields)}
        case Qr(text):
            return {"kind": "qr", "text": text}
        case Bridge(parameters):
            return {"kind": "bridge", "parameters": dict(parameters)}
        case Instructions(lines, purpose):
            return {"kind": "instructions", "lines": [list(line) for line in lines], "purpose": purpose}


def _as_start(stored: dict[str, Any]) -> Start:
    values = {name: value for name, value in stored.items() if name != "kind"}
    if stored["kind"] == "instructions":
        values["lines"] = tuple((label, value) for label, value in values["lines"])
    made: Start = _KINDS[stored["kind"]](**values)
    return made
