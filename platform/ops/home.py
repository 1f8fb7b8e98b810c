"""The admin's home: what waits for a hand, how markets and nodes are, what was earned; then every table, by task."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.domain.pricing import yuan
from kernel.clock import utc_now
from nodes.models.words import FEEDS, MARKET_NAMES, PHASES
from ops import selectors

# Words of who works with them; a table that stands nowhere here is listed under System by its own name.
AREAS: tuple[tuple[Any, dict[str, Any]], ...] = (
    (_("Customers"), {
        "accounts.customer": _("Customers and staff"),
        "account.emailaddress": _("Their mail addresses"),
        "accounts.apikey": _("Their API keys"),
        "billing.accesstoken": _("Their access tokens"),
        "outbox.mailrecord": _("Mails sent to them"),
        "outbox.suppressedaddress": _("Addresses that do not work"),
        "accounts.smsmessage": _("Codes sent to phones"),
    }),
    (_("Sales and money"), {
        "billing.purchase": pgettext_lazy("admin", "Orders"),
        "billing.grant": _("What customers may follow"),
        "billing.grantclosure": _("Rights ended early"),
        "billing.plan": _("Packs and prices"),
        "billing.planversion": _("Former prices"),
        "billing.suspense": _("Money that matches nothing"),
        "billing.refund": _("Refunds"),
        "billing.banktransfer": _("Bank transfers"),
        "billing.dispute": _("Disputes at banks"),
        "billing.fapiaorequest": _("Fapiao"),
        "billing.prepayment": _("Top-ups and gifts"),
        "billing.autorenewal": _("Renewals from the balance"),
        "billing.paymentattempt": _("Tries to pay"),
        "billing.paymentfact": _("What gateways reported"),
        "billing.coupon": _("Coupons"),
        "billing.couponuse": _("Coupons used"),
        "billing.termdiscount": _("Discounts for long terms"),
        "billing.trialoffer": _("Trial offers"),
        "billing.trial": _("Trials taken"),
        "billing.giftbatch": _("Gift codes made at once"),
        "billing.giftcode": _("Gift codes"),
        "billing.invitation": _("Invitations"),
        "billing.commission": _("Commission for invitations"),
        "billing.compensation": _("Compensation for outages"),
        "billing.reconciliation": _("Checks of the books"),
        "billing.ledgeraccount": _("Accounts of the ledger"),
        "billing.ledgerentry": _("Entries of the ledger"),
    }),
    (_("Markets and feeds"), {
        "nodes.feedsetting": _("Feeds and their lines"),
        "nodes.lineswitch": _("When another line took over"),
        "nodes.datalicence": _("Data licences"),
        "nodes.calendaroverride": _("Changed trading days"),
        "nodes.calendarhorizon": _("Up to when days are known"),
        "nodes.instrument": _("Securities"),
        "nodes.instrumentlist": _("Published lists of securities"),
        "nodes.symbolday": _("What came in, by day and symbol"),
    }),
    (_("Nodes"), {
        "nodes.node": _("Nodes"),
        "nodes.nodegroup": _("Node groups"),
        "nodes.processhealth": _("Running processes"),
        "nodes.delivered": _("What was delivered, by day"),
        "nodes.deliveredmonth": _("What was delivered, by month"),
    }),
    (_("Texts and help"), {
        "support.ticket": _("Questions of customers"),
        "content.announcement": _("Announcements"),
        "content.textversion": _("Texts of pages"),
        "content.shopdetails": _("Company, contact and ICP number"),
    }),
    (pgettext_lazy("admin", "System"), {
        "auth.group": _("Roles of staff"),
        "mfa.authenticator": _("Second factors"),
        "outbox.outbox": _("Messages on their way"),
        "outbox.reportcheckpoint": _("Reports of node groups"),
    }),
)  # fmt: skip


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the home page shows (settings.UNFOLD): each part for those who may see the rows behind it."""
    now, allowed = utc_now(), request.user.has_perm
    hands = selectors.hands(now, allowed)
    seen: dict[str, Any] = {
        "now": now,
        "hands": hands,
        "grave": sum(hand.grave for hand in hands),
        "markets": None,
        "node_states": selectors.node_standings(now) if allowed("nodes.view_node") else None,
        "money": [],
        "customers": selectors.customers_now(now) if allowed("billing.view_grant") else None,
        "second_factor_off": not settings.STAFF_MFA,
        "areas": areas(context.get("available_apps") or context.get("app_list") or ()),
    }
    if allowed("nodes.view_processhealth"):
        seen["markets"] = [
            (
                one,
                MARKET_NAMES.get(one.market, one.market),
                PHASES.get(one.state, one.state),
                FEEDS.get(one.feed, one.feed),
            )
            for one in selectors.markets_now(now)
        ]
    if allowed("billing.view_revenue"):
        seen["money"] = [(one, yuan(one.left_fen), yuan(one.back_fen)) for one in selectors.money(now)]
    return {**context, **seen}


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the menu beside every page (settings.UNFOLD): the home, and the same tables as there, folded by task."""
    first = {"items": [{"title": _("What waits"), "link": reverse("admin:index"), "icon": "home"}]}
    shown = [
        {"title": name, "collapsible": True, "items": [{"title": one["name"], "link": one["url"]} for one in tables]}
        for name, tables in areas(admin.site.get_app_list(request))
    ]
    return [first, *shown]


def areas(apps: Iterable[dict[str, Any]]) -> list[tuple[Any, list[dict[str, Any]]]]:
    """Return the tables that somebody may see, by task and in words of who works with them.

    Args:
        apps: as the admin lists them, of those that the asking person may see alone.
    """
    open_to = {
        f"{app['app_label']}.{model['object_name'].lower()}": model for app in apps for model in app["models"]
        if model.get("admin_url")
    }  # fmt: skip
    known = {label for _title, tables in AREAS for label in tables}
    others = {label: model["name"] for label, model in open_to.items() if label not in known}
    found = []
    for position, (title, tables) in enumerate(AREAS, start=1):
        named = {**tables, **others} if position == len(AREAS) else tables
        rows = [
            {"name": name, "url": open_to[label]["admin_url"], "add_url": open_to[label].get("add_url")}
            for label, name in named.items()
            if label in open_to
        ]
        if rows:
            found.append((title, rows))
    return found
