"""What is sold, what an order would cost, and which problems there are."""

from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Customer
from billing import selectors
from billing.api.shop import shown
from billing.api.shop.base import RAISED, ShopView, customer_of, described, said
from billing.api.shop.serializers import (
    ConflictShown,
    PlansShown,
    PreviewRequest,
    PreviewShown,
    ProblemKinds,
)
from billing.errors import (
    BadPurchase,
    CouponRefused,
    MarketNotSold,
    NotThatGrant,
    PlanNotOnSale,
    TermsEnded,
    TooFarAhead,
    TrialRefused,
    UpgradeRefused,
)
from billing.models import Plan
from billing.selectors import lists
from billing.services import previews, trials
from billing.services.quotes import Wanted
from kernel import problems
from kernel.clock import utc_now
from nodes.errors import NodeNotOffered

# What both a preview and an order can be refused for.
ORDERING = (
    BadPurchase, NotThatGrant, PlanNotOnSale, TermsEnded, MarketNotSold, NodeNotOffered, TooFarAhead, UpgradeRefused,
    CouponRefused,
)  # fmt: skip


class Plans(ShopView):
    @described("shop_plans", {200: PlansShown})
    def get(self, request: Request) -> Response:
        """List what is on sale, with what longer terms save, whether you can try it, and where it can be bought."""
        customer, now = customer_of(request), utc_now()
        plans = selectors.plans_on_sale()
        held_back = selectors.plans_held_back(plans, now)
        offers = {plan.slug: selectors.offers(plan=plan, customer=customer, now=now) for plan in plans}
        return Response(
            {
                "items": [
                    {
                        "plan": plan.slug,
                        "name_en": plan.name_en,
                        "name_zh": plan.name_zh,
                        **{
                            name: getattr(plan, name)
                            for name in (
                                "price_fen", "symbols", "max_connections", "markets", "levels", "types", "intervals",
                            )
                        },
                        "held_back": plan.slug in held_back,
                        "discounts": [
                            {"months": months, "percent": percent} for months, percent in lists.term_discounts(plan)
                        ],
                        "trial": _trial(customer, plan),
                        "nodes": [
                            {
                                "node": one.node.slug,
                                "group": one.node.group.slug,
                                "region": one.node.region,
                                "refusal": one.refusal or "",
                            }
                            for one in offers[plan.slug]
                        ],
                    }
                    for plan in plans
                ]
            }
        )  # fmt: skip


def _trial(customer: Customer, plan: Plan) -> dict[str, Any] | None:
    days = trials.days_of(plan)
    if days is None:
        return None
    try:
        _, due_fen = trials.offer_for(customer, plan)
    except TrialRefused as error:
        return {"days": days, "due_fen": None, "refusal": error.fields["reason"]}
    return {"days": days, "due_fen": due_fen, "refusal": ""}


class Preview(ShopView):
    """Orders nothing, so that a key that reads may ask; a body, since what is wanted has many parts."""

    @described("shop_preview", {200: PreviewShown}, errors=ORDERING, request=PreviewRequest, problem=ConflictShown)
    def post(self, request: Request) -> Response:
        """Tell what an order would cost and change, and hold the price for 15 minutes by `quote`."""
        asked = said(PreviewRequest, request)
        found = previews.preview_order(
            customer=customer_of(request),
            wanted=wanted(asked),
            node=asked["node"],
            use_balance=asked["use_balance"],
            now=utc_now(),
        )
        return Response(shown.preview(found))


def wanted(asked: dict[str, Any]) -> Wanted:
    """Return what a body wants.

    Raises:
        BadPurchase: it names two grants, or one that its kind has no use for.
    """
    of_kind = {"extend": "extends", "upgrade": "replaces"}
    for kind, name in of_kind.items():
        if (asked[name] is not None) != (asked["kind"] == kind):
            raise BadPurchase(f"{name} names a grant for kind {kind}, and only then")
    grant = asked.get(of_kind.get(asked["kind"], ""))
    return Wanted(asked["plan"], asked["months"], asked["kind"], grant, asked["with_later"], asked["coupon"])


class Problems(ShopView):
    """What the `type` of a problem leads to."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()

    @described("shop_problems", {200: ProblemKinds}, public=True)
    def get(self, request: Request) -> Response:
        """List the codes of problems; docs/shop-api.md says what to do about each."""
        ours = {code: (error.http_status, error.message) for code, error in RAISED.items()}
        kinds = sorted({**problems.HTTP, **ours}.items())
        return Response(
            {"items": [{"code": code, "status": status, "title": title} for code, (status, title) in kinds]}
        )


class Nothing(ShopView):
    """Every other address below the API's own: a problem, not a page."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound
