"""The panel's pages: read what was asked, one call, show the answer."""

from datetime import timedelta
from functools import cache
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe
from django.views.i18n import set_language

from accounts import services as people
from accounts.models import Customer
from billing import selectors
from billing.domain import drawing
from billing.domain.pricing import MAX_MONTHS, MIN_MONTHS, due_fen, yuan
from billing.domain.stacking import Segment
from billing.errors import IdempotencyKeyReused, PaymentsOff, PlanNotOnSale, TooManyTokens
from billing.models import GatewayNotice, Grant, Plan, Purchase
from billing.services import payments, purchases, tokens
from kernel.clock import utc_now
from kernel.errors import PlatformError
from nodes.errors import NodeNotOffered
from nodes.models import Node, NodeGroup
from panel.forms import BuyForm, ChoiceForm

CHAINS_SHOWN = 12


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Say what this is and what it costs."""
    return render(request, "panel/home.html", {"plans": selectors.plans_on_sale()})


def subscribe(request: HttpRequest) -> HttpResponse:
    """Show the packs, and take an order for one."""
    if request.method == "POST":
        return _buy(request)
    return render(request, "panel/subscribe.html", _choice(request, ChoiceForm(request.GET).chosen()))


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
@require_POST
def pay(request: HttpRequest, public_id: str) -> HttpResponse:
    """Send the buyer to the gateway again for a purchase that still waits."""
    found = get_object_or_404(Purchase, public_id=public_id, customer=_customer(request))
    try:
        return redirect(payments.start_payment(purchase=found, now=utc_now()))
    except PlatformError:
        messages.error(request, _("This purchase no longer waits for payment. Start a new one."))
        return redirect("purchase", public_id=public_id)


@login_required
@never_cache
@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    """Show what the buyer has, uses, and has bought."""
    customer, now = _customer(request), utc_now()
    groups = [_group(customer, group) for group in selectors.groups_of(customer)]
    context = {"groups": groups, "purchases": selectors.purchases_of(customer), "now": now}
    return render(request, "panel/dashboard.html", context)


@login_required
@never_cache
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """Draw the customer's bars as they arrive, from the node they bought on last."""
    customer, now = _customer(request), utc_now()
    for group in selectors.groups_of(customer):
        entitled = selectors.entitlement(customer, group, now).max_subs > 0
        node = group.nodes.filter(state=Node.State.ACTIVE, realtime=True).order_by("slug").first()
        if entitled and node is not None and (token := _token(customer, group)):
            return render(request, "streaming/live.html", {"node": node, "token": token, "made_up": _made_up()})
    return render(request, "streaming/live.html", {})


@login_required
@never_cache
@require_safe
def connect(request: HttpRequest, language: str = "native") -> HttpResponse:
    """Show programs that connect in one of the wire's languages, with the buyer's own address and token in them."""
    languages = _languages()
    if language not in languages:
        raise Http404
    customer = _customer(request)
    groups = [group for group in selectors.groups_of(customer) if selectors.current_token(customer, group) is not None]
    nodes = [node for group in groups for node in group.nodes.filter(state=Node.State.ACTIVE).order_by("slug")]
    node = next((one for one in nodes if one.slug == request.GET.get("node")), nodes[0] if nodes else None)
    context: dict[str, Any] = {"language": language, "languages": languages.items(), "nodes": nodes}
    context["title"] = languages[language]
    if node is not None:
        http = node.http_base
        context |= {"node": node, "token": _token(customer, node.group), "http": http, "ws": f"ws{http[4:]}"}
    return render(request, f"connect/{language}/page.html", context)


@cache
def _languages() -> dict[str, str]:
    """Return the languages that have a folder in templates/connect, ours first: name -> title."""
    folders = (settings.BASE_DIR / "templates" / "connect").iterdir()
    ours_first = sorted(folders, key=lambda one: (one.name != "native", one.name))
    return {one.name: (one / "title.txt").read_text().strip() for one in ours_first}


@login_required
@require_POST
def create_token(request: HttpRequest, group: str) -> HttpResponse:
    """Make a token where the last one was revoked."""
    try:
        tokens.issue_token(customer=_customer(request), group=_own_group(request, group), now=utc_now())
        messages.success(request, _("A new token is ready."))
    except TooManyTokens:
        messages.error(request, _("Too many tokens were made today. Make the next one tomorrow."))
    return redirect("dashboard")


@login_required
@require_POST
def rotate(request: HttpRequest, group: str) -> HttpResponse:
    """Replace the token of a group."""
    try:
        tokens.rotate_token(customer=_customer(request), group=_own_group(request, group), now=utc_now())
        messages.success(request, _("Here is your new token. The old one works for 24 hours more."))
    except TooManyTokens:
        why = _("Five tokens of this node group work already. Wait until a replaced one has ended, or revoke them all.")
        messages.error(request, why)
    return redirect("dashboard")


@login_required
@require_POST
def revoke(request: HttpRequest, group: str) -> HttpResponse:
    """End every token of a group at once, the ones that were rotated included."""
    tokens.revoke_tokens(customer=_customer(request), group=_own_group(request, group), now=utc_now())
    messages.success(request, _("The token is revoked; programs that use it are disconnected."))
    return redirect("dashboard")


def _buy(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return redirect_to_login(f"/subscribe/?{urlencode(_kept(request))}")
    form = BuyForm(request.POST)
    if not form.is_valid():
        return _ask_again(request, _("Please choose a pack, a node, and which of the two kinds you want."))
    data, now = form.cleaned_data, utc_now()
    try:
        placed = purchases.place_purchase(
            customer=_customer(request),
            plan=data["plan"],
            node=data["node"],
            months=data["months"],
            kind=data["kind"],
            extends=data["extends"],
            idempotency_key=str(data["key"]),
            gateway=settings.PAYMENT_GATEWAY,
            now=now,
        )
    except PlatformError as error:
        return _ask_again(request, _why(error))
    if placed.state != Purchase.State.PENDING:
        return redirect("purchase", public_id=placed.public_id)
    try:
        return redirect(payments.start_payment(purchase=placed, now=now))
    except PlatformError as error:
        messages.error(request, _why(error))
        return redirect("purchase", public_id=placed.public_id)


def _kept(request: HttpRequest) -> dict[str, str]:
    """Return what the visitor has chosen, so that it is still there after logging in."""
    return {name: request.POST[name] for name in ("plan", "months", "node", "kind") if name in request.POST}


def _ask_again(request: HttpRequest, why: str) -> HttpResponse:
    messages.error(request, why)
    # A fresh key: what is sent next may be another order.
    chosen = {**ChoiceForm(request.POST).chosen(), "key": ChoiceForm({}).chosen()["key"]}
    return render(request, "panel/subscribe.html", _choice(request, chosen), status=422)


def _why(error: PlatformError) -> str:
    if isinstance(error, NodeNotOffered):
        return _("This node cannot take this pack at present. Choose another one.")
    if isinstance(error, PlanNotOnSale):
        return _("This pack is not on sale any more.")
    if isinstance(error, IdempotencyKeyReused):
        return _("This form was sent before with another choice. Check your choice and send it again.")
    if isinstance(error, PaymentsOff):
        return _("This shop takes no payments at present.")
    return _("This purchase is not possible: %(why)s") % {"why": error.message}


def _choice(request: HttpRequest, chosen: dict[str, Any]) -> dict[str, Any]:
    """Return what the subscription page shows for what has been chosen so far."""
    customer = request.user if isinstance(request.user, Customer) else None
    now, plans = utc_now(), selectors.plans_on_sale()
    plan = next((one for one in plans if one.slug == chosen["plan"]), None)
    context: dict[str, Any] = {
        "plans": plans,
        "chosen": chosen,
        "plan": plan,
        "months": range(MIN_MONTHS, MAX_MONTHS + 1),
        "offers": [],
        "node": None,
        "made_up": _made_up(),
    }
    if plan is None:
        return context
    offers = selectors.offers(plan=plan, customer=customer, now=now)
    node = _preselected([offer for offer in offers if offer.refusal is None], chosen["node"])
    context |= {"offers": offers, "node": node, "due": yuan(due_fen(price_fen=plan.price_fen, months=chosen["months"]))}
    if node is not None:
        context |= _kinds(customer, plan, node, chosen)
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


def _kinds(customer: Customer | None, plan: Plan, node: Node, chosen: dict[str, Any]) -> dict[str, Any]:
    now, months = utc_now(), chosen["months"]
    tails = selectors.chain_tails(customer, now=now, group=node.group) if customer is not None else []
    chains = [tail for tail in tails if tail.purchase.plan_id == plan.pk][:CHAINS_SHOWN]
    named = next((tail for tail in chains if tail.pk == chosen["extends"]), chains[0] if chains else None)
    common = {"customer": customer, "plan": plan, "group": node.group, "months": months, "now": now}
    stack = selectors.preview(**common, extends=None)
    extend = selectors.preview(**common, extends=named) if named is not None else None
    return {
        "chains": chains,
        "extends": named,
        "other_chains": [tail for tail in tails if tail not in chains][:CHAINS_SHOWN],
        "only_stack": not tails,  # somebody's first pack: there is nothing that could last longer
        "stack": _drawn(stack),
        "extend": _drawn(extend) if extend is not None else None,
    }


def _drawn(preview: selectors.Preview) -> dict[str, Any]:
    until_at, most = drawing.scale(preview.before, preview.after)
    assert until_at is not None  # the purchase itself ends some day
    return {
        "preview": preview,
        "before": _ending(preview.before),
        "after": _ending(preview.after),
        "before_blocks": drawing.draw(preview.before, until_at=until_at, most=most),
        "after_blocks": drawing.draw(preview.after, until_at=until_at, most=most),
    }


def _ending(segments: list[Segment]) -> list[Segment]:
    """Leave out the nothing after the end: "5 until May" says it."""
    return [segment for segment in segments if segment.until_at is not None]


def _purchase(request: HttpRequest, public_id: str) -> dict[str, Any]:
    rows = Purchase.objects.select_related("plan", "node", "group", "customer")
    found = get_object_or_404(rows, public_id=public_id, customer=_customer(request))
    context: dict[str, Any] = {"purchase": found, "can_pay": selectors.can_be_paid(found, utc_now())}
    if found.state == Purchase.State.SETTLED:
        grant: Grant = found.grant
        # Where to connect now: the node it was bought on may drain, or have been retired.
        context |= {
            "grant": grant,
            "node": selectors.serving_node(found.node),
            "token": _token(found.customer, found.group),
        }
    else:
        odd = list(found.notices.filter(outcome=GatewayNotice.Outcome.AMOUNT_MISMATCH))
        context |= {"odd_notices": odd, "can_pay": context["can_pay"] and not odd}
    return context


def _token(customer: Customer, group: NodeGroup) -> str | None:
    """Return the current token, signed anew; None where it was revoked: looking at a page makes no new one."""
    if selectors.current_token(customer, group) is None:
        return None
    return tokens.issue_token(customer=customer, group=group, now=utc_now())


def _group(customer: Customer, group: NodeGroup) -> dict[str, Any]:
    now = utc_now()
    segments = selectors.timeline(customer, group, now)
    until_at, most = drawing.scale(segments)
    current = selectors.current_token(customer, group)
    return {
        "group": group,
        "present": segments[0].entitlement,
        "segments": _ending(segments),
        "blocks": drawing.draw(segments, until_at=until_at, most=most) if until_at is not None else [],
        "nodes": group.nodes.filter(state=Node.State.ACTIVE).order_by("slug"),
        "token": _token(customer, group),
        "current": current,
        "old_tokens": [one for one in selectors.working_tokens(customer, group, now) if one != current],
        "ends_soon": until_at is not None and until_at - now < timedelta(days=7),
    }


def _made_up() -> bool:
    """Return whether nodes run the simulated market, as far as this process was told when it started."""
    return bool(settings.FEED == "simulated")


def _own_group(request: HttpRequest, slug: str) -> NodeGroup:
    groups = NodeGroup.objects.filter(grants__customer=_customer(request)).distinct()
    return get_object_or_404(groups, slug=slug)


def _customer(request: HttpRequest) -> Customer:
    assert isinstance(request.user, Customer)  # login_required stands before every caller
    return request.user
