"""Money in advance: the balance and what it pays for by itself, top-ups, gift codes, invitations."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from billing import gateways, selectors
from billing.domain.pricing import MAX_MONTHS, MIN_MONTHS, exact_yuan, yuan
from billing.gateways.protocol import Device
from billing.models import AutoRenewal, Commission, InviteCode, Prepayment
from billing.services import attempts, gift_codes, invitations, prepayments, renewals
from kernel.clock import utc_now
from kernel.errors import PlatformError
from panel.forms import GiftForm, RedeemForm, RenewalForm, TopUpForm
from panel.pages import paying
from panel.pages.reasons import reason

LINES_SHOWN = 50


@login_required
@never_cache
@require_safe
def balance(request: HttpRequest) -> HttpResponse:
    """Show the balance with what moved it, what renews by itself, gift codes and the invitation."""
    return render(request, "panel/balance.html", _context(request))


@login_required
@require_POST
def top_up(request: HttpRequest) -> HttpResponse:
    """Order money for the balance, and go on to paying it."""
    form = TopUpForm(request.POST)
    if not form.is_valid():
        return _again(request, _("Please give an amount in yuan, like 50 or 50.50."))
    try:
        order = prepayments.place_top_up(
            customer=paying.customer_of(request),
            amount_fen=form.fen(),
            idempotency_key=str(form.cleaned_data["key"]),
            now=utc_now(),
        )
    except PlatformError as error:
        return _again(request, reason(error))
    return _to_pay(request, order)


@login_required
@require_POST
def buy_gift(request: HttpRequest) -> HttpResponse:
    """Order a gift code, and go on to paying it."""
    form = GiftForm(request.POST)
    if not form.is_valid():
        return _again(request, _("Please choose a pack and how many months you give."))
    try:
        order = prepayments.place_gift(
            customer=paying.customer_of(request),
            plan=form.cleaned_data["plan"],
            months=form.cleaned_data["months"],
            idempotency_key=str(form.cleaned_data["key"]),
            now=utc_now(),
        )
    except PlatformError as error:
        return _again(request, reason(error))
    return _to_pay(request, order)


@login_required
@require_POST
def redeem(request: HttpRequest) -> HttpResponse:
    """Turn a gift code into a pack, on the node that was chosen."""
    form = RedeemForm(request.POST)
    if not form.is_valid():
        return _again(request, _("Please type the code and choose a node."))
    try:
        grant = gift_codes.redeem(customer=paying.customer_of(request), now=utc_now(), **form.cleaned_data)
    except PlatformError as error:
        return _again(request, reason(error))
    return redirect("purchase", public_id=grant.purchase.public_id)


@login_required
@require_POST
def renewal(request: HttpRequest) -> HttpResponse:
    """Switch on or off that a pack renews by itself."""
    form = RenewalForm(request.POST)
    if not form.is_valid():
        return _again(request, _("Please choose for how many months the pack shall be renewed."))
    said = form.cleaned_data
    try:
        renewals.switch(
            customer=paying.customer_of(request), grant=said["grant"], on=said["on"], months=said["months"],
            now=utc_now(),
        )  # fmt: skip
    except PlatformError as error:
        return _again(request, reason(error))
    if said["on"]:
        messages.success(request, _("This pack renews by itself from your balance. We write to you five days before."))
    else:
        messages.success(request, _("This pack does not renew by itself any more."))
    return redirect("balance")


@login_required
@require_POST
def make_invite(request: HttpRequest) -> HttpResponse:
    """Make the customer's invitation."""
    if not settings.INVITE_PERCENT:
        raise Http404
    invitations.code_of(paying.customer_of(request))
    return redirect(f"{reverse('balance')}#invitation")


@require_safe
def invited(request: HttpRequest, code: str) -> HttpResponse:
    """Keep by whose invitation a visitor has come, until they sign up."""
    if not settings.INVITE_PERCENT or not InviteCode.objects.filter(code=code.upper()[:16]).exists():
        raise Http404
    answer = redirect("home" if request.user.is_authenticated else "account_signup")
    answer.set_signed_cookie(
        invitations.COOKIE, code.upper()[:16], max_age=invitations.COOKIE_S, httponly=True, samesite="Lax",
        secure=request.is_secure(),
    )  # fmt: skip
    return answer


@login_required
@never_cache
@require_safe
def prepayment(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show an order for the balance or for a gift code."""
    return render(request, "panel/prepayment.html", _prepayment(request, public_id))


@login_required
@never_cache
@require_safe
def prepayment_state(request: HttpRequest, public_id: str) -> HttpResponse:
    """Answer the part of its page that changes when the payment arrives."""
    return render(request, "panel/_prepayment_state.html", _prepayment(request, public_id))


def _to_pay(request: HttpRequest, order: Prepayment) -> HttpResponse:
    ways = attempts.ways_to_pay(paying.device_of(request))
    if len(ways) == 1 and attempts.can_be_paid(order, utc_now()):
        return paying.leave(request, order, *ways[0])
    return redirect("prepayment", public_id=order.public_id)


def _again(request: HttpRequest, why: str) -> HttpResponse:
    messages.error(request, why)
    return render(request, "panel/balance.html", _context(request), status=422)


def _context(request: HttpRequest) -> dict[str, Any]:
    customer, now = paying.customer_of(request), utc_now()
    switched = {one.root_id: one for one in AutoRenewal.objects.filter(customer=customer)}
    chains = []
    for tail in selectors.chain_tails(customer, now=now):
        chains.append({"tail": tail, "renewal": switched.get(tail.chain_root_id)})
    offered = {offer.node.slug: offer.node for plan in selectors.plans_on_sale() for offer in
               selectors.offers(plan=plan, customer=customer, now=now) if offer.refusal is None}  # fmt: skip
    invite = InviteCode.objects.filter(customer=customer).first()
    earned = Commission.objects.filter(inviter=customer)
    return {
        "balance": yuan(selectors.balance_fen(customer)),
        "lines": [
            {
                "at": line.entry.posted_at,
                "what": _moved(line.entry.kind),
                "amount": f"{'−' if line.amount_fen > 0 else '+'}¥{exact_yuan(abs(line.amount_fen))}",
            }
            for line in selectors.balance_lines(customer)[:LINES_SHOWN]
        ],
        "chains": chains,
        "months": range(MIN_MONTHS, MAX_MONTHS + 1),
        "plans": selectors.plans_on_sale(),
        "nodes": offered.values(),
        "orders": selectors.prepayments_of(customer)[:LINES_SHOWN],
        "least": yuan(settings.TOP_UP_LEAST_FEN),
        "most": yuan(settings.TOP_UP_MOST_FEN),
        "keys": [TopUpForm.new_key(), GiftForm.new_key()],
        "invite_percent": settings.INVITE_PERCENT,
        "invite_url": f"{settings.PANEL_URL}{reverse('invited', args=[invite.code])}" if invite is not None else "",
        "invited": customer.invited.count(),
        "held": yuan(sum(earned.filter(state=Commission.State.HELD).values_list("amount_fen", flat=True))),
        "paid": yuan(sum(earned.filter(state=Commission.State.PAID).values_list("paid_fen", flat=True))),
    }


def _moved(kind: str) -> str:
    """Return what an entry of the ledger means for who has the balance."""
    return {
        "payment": _("top-up"),
        "reserved": _("put aside for an order"),
        "released": _("given back: the order came to nothing"),
        "refund_done": _("paid back"),
        "refund_decided": _("goes back the way it came"),
        "commission_ended": _("commission for an invitation"),
        "dispute_held": _("held while a bank asks"),
        "dispute_hold_ended": _("what a bank asked for"),
    }.get(kind, kind)


def _prepayment(request: HttpRequest, public_id: str) -> dict[str, Any]:
    rows = Prepayment.objects.select_related("plan_version__plan", "customer")
    found = get_object_or_404(rows, public_id=public_id, customer=paying.customer_of(request))
    suspended = [fact.suspense for fact in found.facts.filter(outcome="suspense").select_related("suspense")]
    can_pay = attempts.can_be_paid(found, utc_now()) and all(one.state != "open" for one in suspended)
    context: dict[str, Any] = {
        "order": found,
        "title": attempts.title_of(found),
        "gift": getattr(found, "gift", None),
        "suspended": suspended,
        "refunds": [refund for fact in found.facts.all() for refund in fact.refunds.exclude(state="withdrawn")],
        "balance": yuan(selectors.balance_fen(found.customer)),
        **paying.waiting(found, can_pay=can_pay),
    }
    if can_pay:
        device = paying.device_of(request)
        context["ways"] = paying.shown_ways(device)
        context["open_in_browser"] = device == Device.WECHAT and "alipay" in gateways.names()
    return context
