"""The panel's pages: read what was asked, one call, show the answer."""

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe
from django.views.i18n import set_language

from accounts import services as people
from accounts.models import Customer
from billing import gateways, selectors
from billing.domain.pricing import MAX_MONTHS, MIN_MONTHS
from billing.errors import PaymentsOff
from billing.gateways.protocol import Device
from billing.models import Grant, Purchase
from billing.services import attempts, purchases
from kernel.clock import utc_now
from kernel.errors import PlatformError
from nodes import selectors as node_selectors
from nodes.models import Node, NodeGroup
from panel.forms import BuyForm, ChoiceForm, TrialForm
from panel.pages import buying, paying, terminal
from panel.pages.dashboard import shortened
from panel.pages.reasons import reason
from panel.standing import standings

CHAINS_SHOWN = 12


def subscribe(request: HttpRequest) -> HttpResponse:
    """Show the packs, and take an order for one."""
    if isinstance(request.user, Customer):
        request.session.pop(people.CHOSEN, None)  # whoever gets here has found it again
    if request.method == "POST":
        return _buy(request)
    if isinstance(request.user, Customer) and _is_ordered(request.user, request.GET.get("chosen_at", "")):
        return redirect("dashboard")
    return render(request, "panel/subscribe.html", _choice(request, ChoiceForm(request.GET).chosen()))


@require_POST
def trial(request: HttpRequest) -> HttpResponse:
    """Take an order to try a pack for some days."""
    if not request.user.is_authenticated:
        return _log_in_first(request)
    form = TrialForm(request.POST)
    if not form.is_valid():
        return _ask_again(request, _("Please choose a pack, a node, and what you want of it."))
    try:
        placed = purchases.place_trial(
            customer=paying.customer_of(request),
            plan=form.cleaned_data["plan"],
            node=form.cleaned_data["node"],
            idempotency_key=str(form.cleaned_data["key"]),
            placed_from=request.META.get("REMOTE_ADDR") or None,
            now=utc_now(),
        )
    except PlatformError as error:
        return _ask_again(request, reason(error))
    return redirect("purchase", public_id=placed.public_id)


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Show pages in another language, and write to who is logged in in it from now on."""
    if isinstance(request.user, Customer):
        people.choose_language(customer=request.user, language=request.POST.get("language", ""))
    return set_language(request)


@require_GET
def choice(request: HttpRequest) -> HttpResponse:
    """Answer the part of the subscription page that depends on what has been chosen so far."""
    return render(request, "panel/_choice.html", _choice(request, ChoiceForm(request.GET).chosen()))


@login_required
@never_cache
@require_safe
def purchase(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show one purchase: waiting, or what it gave."""
    return render(request, "panel/purchase.html", _purchase(request, public_id))


@login_required
@never_cache
@require_safe
def purchase_state(request: HttpRequest, public_id: str) -> HttpResponse:
    """Answer the part of the purchase's page that changes when the payment arrives."""
    return render(request, "panel/_purchase_state.html", _purchase(request, public_id))


@login_required
@never_cache
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """Show the terminal: the customer's lists and charts, from the node they bought on last."""
    now = utc_now()
    context = terminal.shown(paying.customer_of(request), now)
    if "group" in context:
        context["made_up"] = _made_up(context["group"], now)
    return render(request, "streaming/live.html", context)


def _buy(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return _log_in_first(request)
    form = BuyForm(request.POST)
    if not form.is_valid():
        return _ask_again(request, _("Please choose a pack, a node, and what you want of it."))
    data, now = form.cleaned_data, utc_now()
    try:
        placed = purchases.place_purchase(
            customer=paying.customer_of(request),
            plan=data["plan"],
            node=data["node"],
            months=data["months"],
            kind=data["kind"],
            extends=data["extends"],
            replaces=data["replaces"],
            with_later=data["with_later"],
            coupon=data["coupon"],
            use_balance=data["use_balance"],
            quote=data["quote"],
            idempotency_key=str(data["key"]),
            placed_from=request.META.get("REMOTE_ADDR") or None,
            go_on_with_waiting=True,
            now=now,
        )
    except PlatformError as error:
        return _ask_again(request, reason(error))
    ways = attempts.ways_to_pay(paying.device_of(request))
    if not ways:
        messages.error(request, reason(PaymentsOff()))
    if len(ways) == 1 and selectors.can_be_paid(placed, now):
        return paying.leave(request, placed, *ways[0])
    return redirect("purchase", public_id=placed.public_id)


def _log_in_first(request: HttpRequest) -> HttpResponse:
    """Lead a visitor to the login; what they have chosen is there again afterwards, by whichever door they come."""
    chosen = f"{reverse('subscribe')}?{urlencode(_kept(request))}"
    request.session[people.CHOSEN] = chosen
    return redirect_to_login(chosen)


def _is_ordered(customer: Customer, chosen_at: str) -> bool:
    """Tell whether an order was placed since something was chosen without an account.

    The way back to the choice stands in a mail, too, which may be opened after the payment: it invites nobody to pay
    twice.
    """
    if re.fullmatch(r"\d{1,10}", chosen_at, re.ASCII) is None:
        return False
    return selectors.ordered_since(customer, datetime.fromtimestamp(int(chosen_at), UTC))


def _kept(request: HttpRequest) -> dict[str, str]:
    """Return what the visitor has chosen; a price that was shown was nobody's, and is made again for who logs in."""
    kept = (name for name in ChoiceForm.base_fields if name not in ("key", "quote"))
    chosen = {name: request.POST[name][:40] for name in kept if request.POST.get(name)}
    return {**chosen, "chosen_at": str(int(utc_now().timestamp()))}


def _ask_again(request: HttpRequest, why: str) -> HttpResponse:
    messages.error(request, why)
    # A fresh key: what is sent next may be another order.
    chosen = {**ChoiceForm(request.POST).chosen(), "key": ChoiceForm({}).chosen()["key"]}
    return render(request, "panel/subscribe.html", _choice(request, chosen), status=422)


def _choice(request: HttpRequest, chosen: dict[str, Any]) -> dict[str, Any]:
    """Return what the subscription page shows for what has been chosen so far."""
    customer = request.user if isinstance(request.user, Customer) else None
    now = utc_now()
    plans = [*selectors.plans_on_sale(), *selectors.plans_to_renew(customer, now)]
    held_back = selectors.plans_held_back(plans, now)
    plan = next((one for one in plans if one.slug == chosen["plan"] and one.slug not in held_back), None)
    context: dict[str, Any] = {
        "plans": plans,
        "held_back": held_back,
        "chosen": chosen,
        "plan": plan,
        "months": range(MIN_MONTHS, MAX_MONTHS + 1),
        "offers": [],
        "node": None,
        "made_up": _made_up(None, now),
        "chosen_at": int(now.timestamp()),
    }
    if plan is None:
        return context
    offers = selectors.offers(plan=plan, customer=customer, now=now)
    node = _preselected([offer for offer in offers if offer.refusal is None], chosen["node"])
    context |= {"offers": offers, "node": node}
    if node is not None:
        context["made_up"] = _made_up(node.group, now)
        context |= buying.kinds(customer, plan, node, chosen)
        context["other_groups"] = [offer for offer in offers if offer.present and offer.node.group_id != node.group_id]
    return context


def _preselected(offered: list[selectors.Offer], asked: str) -> Node | None:
    """Return the node asked for, else the buyer's present one, else the only one there is."""
    for offer in offered:
        if offer.node.slug == asked:
            return offer.node
    present = [offer.node for offer in offered if offer.present]
    if present:
        return present[0]
    return offered[0].node if len(offered) == 1 else None


def _purchase(request: HttpRequest, public_id: str) -> dict[str, Any]:
    rows = Purchase.objects.select_related("plan", "node", "group", "customer")
    found = get_object_or_404(rows, public_id=public_id, customer=paying.customer_of(request))
    can_pay = selectors.can_be_paid(found, utc_now())
    context: dict[str, Any] = {
        "purchase": found,
        "again": buying.again(found),
        "refunds": found.refunds.exclude(state="withdrawn"),
    }
    suspended = [fact.suspense for fact in found.facts.filter(outcome="suspense").select_related("suspense")]
    context["suspended"] = suspended
    # While a person looks into a sum nobody is asked to pay another one.
    can_pay = can_pay and all(one.state != "open" for one in suspended)
    context |= paying.waiting(found, can_pay=can_pay)
    if found.state == Purchase.State.SETTLED:
        grant: Grant = found.grant
        # Where to connect now: the node it was bought on may drain, or have been retired.
        context |= {"grant": grant, "node": selectors.serving_node(found.node), **_connection(found)}
    elif can_pay:
        device = paying.device_of(request)
        context["ways"] = paying.shown_ways(device)
        context["open_in_browser"] = device == Device.WECHAT and "alipay" in gateways.names()
    return context


def _connection(settled: Purchase) -> dict[str, Any]:
    """Return how the buyer stands on the group of an order now, and the token to connect with."""
    now = utc_now()
    found = standings(settled.customer, now)
    standing = next(one for one in found if one.held is not None and one.held.group == settled.group)
    text, current = (standing.held.token(), standing.held.current) if standing.held is not None else (None, None)
    short = shortened(text, current)["short"] if text is not None and current is not None else ""
    return {"standing": standing, "token": text, "short": short}


def _made_up(group: NodeGroup | None, now: datetime) -> bool:
    """Return whether a group runs made-up markets: as it says itself, else as this process was told at its start."""
    said = node_selectors.runs_made_up(group, now) if group is not None else None
    return bool(settings.FEED in node_selectors.MADE_UP_FEEDS) if said is None else said
