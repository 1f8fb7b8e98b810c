"""What a customer has and uses: timelines, usage, and what renews by itself."""

from datetime import date

from django.utils.timezone import localdate
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import ApiKey
from billing import selectors
from billing.api.shop import shown
from billing.api.shop.base import ShopView, customer_of, described, said
from billing.api.shop.serializers import (
    RenewalRequest,
    RenewalShown,
    RenewalsShown,
    TimelineShown,
    UsageShown,
)
from billing.errors import BadPurchase, NotThatGrant
from billing.models import Grant
from billing.selectors import lists
from billing.services import renewals
from billing.services.holdings import holdings
from kernel.clock import utc_now
from nodes import selectors as node_selectors
from nodes.api import MOST_DAYS, days_asked
from nodes.errors import BadDeliveryQuery


class Timeline(ShopView):
    @described("shop_timeline", {200: TimelineShown})
    def get(self, request: Request) -> Response:
        """Tell for each node group what you may follow from now on, and which grants that comes from."""
        customer, now = customer_of(request), utc_now()
        grants: dict[int, list[Grant]] = {}
        for one in lists.present_grants(customer, now):
            grants.setdefault(one.group_id, []).append(one)
        return Response(
            {
                "items": [
                    {
                        "group": held.group.slug,
                        "name": held.group.name,
                        "segments": [shown.segment(one) for one in held.timeline()],
                        "grants": [shown.grant(one) for one in grants.get(held.group.pk, [])],
                    }
                    for held in holdings(customer=customer, now=now)
                ]
            }
        )


class Usage(ShopView):
    @described(
        "shop_usage",
        {200: UsageShown},
        errors=(BadDeliveryQuery,),
        parameters=[
            OpenApiParameter("from", date, description="first day, at the exchange; a week before `to`"),
            OpenApiParameter("to", date, description=f"last day, itself included; today. {MOST_DAYS} days at most"),
        ],
    )
    def get(self, request: Request) -> Response:
        """Tell by day what nodes reported that they had for you and sent, and what you may use now."""
        customer, now = customer_of(request), utc_now()
        asked = request.query_params
        first, last = days_asked(asked.get("from", ""), asked.get("to", ""), localdate(now))
        days = node_selectors.used_days(customer.pk, first, last)
        groups = []
        for held in holdings(customer=customer, now=now):
            present = held.timeline()[0].entitlement
            groups.append(
                {
                    "group": held.group.slug,
                    "symbols": present.max_subs,
                    "max_connections": present.max_connections,
                    "live": [f"{one.http_base}/v1/usage" for one in held.nodes],
                }
            )
        return Response(
            {
                "first": first.isoformat(),
                "last": last.isoformat(),
                "days": [
                    {
                        "day": one.day.isoformat(),
                        "symbols": one.symbols,
                        "due": one.due,
                        "sent": one.sent,
                        "late": one.late,
                    }
                    for one in days
                ],
                "groups": groups,
            }
        )


class Renewals(ShopView):
    @described("shop_renewals", {200: RenewalsShown})
    def get(self, request: Request) -> Response:
        """List what can renew by itself from your balance, and whether it does."""
        customer = customer_of(request)
        tails = selectors.chain_tails(customer, now=utc_now())
        return Response({"items": [_renewal(one) for one in lists.chain_ends(customer, tails)]})


class OneRenewal(ShopView):
    scopes = {"PUT": ApiKey.Scope.ORDERS}

    @described("shop_set_renewal", {200: RenewalShown}, errors=(NotThatGrant, BadPurchase), request=RenewalRequest)
    def put(self, request: Request, grant: int) -> Response:
        """Let the chain that a grant belongs to renew by itself, or no more."""
        customer, now = customer_of(request), utc_now()
        changed = renewals.switch(customer=customer, grant=grant, now=now, **said(RenewalRequest, request))
        tails = selectors.chain_tails(customer, now=now)
        ends = {one.renewal.pk: one for one in lists.chain_ends(customer, tails) if one.renewal is not None}
        if changed.pk not in ends:
            raise BadPurchase("this pack has ended: nothing of it can renew", grant=grant)
        return Response(_renewal(ends[changed.pk]))


def _renewal(one: lists.ChainEnd) -> shown.Json:
    on = one.renewal is not None and one.renewal.on
    return {
        "grant": one.tail.pk,
        "group": one.tail.group.slug,
        "plan": one.tail.purchase.plan.slug,
        "ends": shown.instant(one.ends_at),
        "on": on,
        "months": one.renewal.months if one.renewal is not None else 1,
        "renews": shown.instant(one.ends_at - renewals.BEFORE) if on else None,
    }
