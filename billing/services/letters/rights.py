"""Letters about what a customer has: it ends, it is renewed or not, tokens, and what was given."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from billing import selectors
from billing.domain import stacking
from billing.models import AccessToken, Grant, PlanVersion, Purchase
from billing.services.letters import (
    Facts,
    Letter,
    about_packs,
    day,
    instant,
    money,
    order_facts,
    page,
    page_of,
    period,
)
from outbox.kinds import Payload

WEEK, DAY, TODAY, WAY_BACK = "week", "day", "today", "way_back"  # of a chain's end; they stand in rows


def chain_ends(payload: Payload, now: datetime) -> Letter | None:
    """Remind a customer that a pack ends, and of what really changes then; None where it goes on meanwhile."""
    tail, ends_at, step = _tail(payload), _at(payload["ends_at"]), payload["step"]
    if not still_ends(tail, ends_at) or ends_at <= now:
        return None
    before, after = change_at(tail, ends_at)
    if after.max_subs >= before.max_subs:
        return None
    plan, left = tail.purchase.plan.name, after.max_subs
    lead = {
        WEEK: _("%(plan)s ends in a week, on %(at)s."),
        DAY: _("%(plan)s ends tomorrow, on %(at)s."),
        TODAY: _("%(plan)s ends today, on %(at)s."),
    }[step] % {"plan": plan, "at": instant(ends_at)}
    subject = {WEEK: _("%(plan)s ends in a week"), DAY: _("%(plan)s ends tomorrow"), TODAY: _("%(plan)s ends today")}
    then = (
        _("From then on you can follow %(after)s symbols at once instead of %(before)s.")
        % {"after": left, "before": before.max_subs}
        if left
        else _("From then on your programs are disconnected. After a renewal they go on with the token they have.")
    )
    paid = was_paid(tail)
    renew = _renewal(tail, now) if paid else None
    return Letter(
        to=tail.customer.email,
        subject=subject[step] % {"plan": plan},
        paragraphs=(lead, then) if paid else (lead, then, _("It was given to you by the shop.")),
        facts=((_("Pack"), plan), (_("Ends"), instant(ends_at)), *_change(before.max_subs, left)),
        button=(_("Renew it"), renew) if renew else (_("Your packs"), page("/dashboard/")),
        after=(_("Renewed before its end it goes on without a gap, at the price that you bought it for."),)
        if renew
        else (),
        about=about_packs(),
    )


def way_back(payload: Payload, now: datetime) -> Letter | None:
    """Write once to somebody whose pack has ended; None where they have something again."""
    tail, ends_at = _tail(payload), _at(payload["ends_at"])
    if not still_ends(tail, ends_at) or selectors.has_something(tail.customer, now):
        return None
    plan = tail.purchase.plan.name
    return Letter(
        to=tail.customer.email,
        subject=_("%(plan)s has ended. This is the way back") % {"plan": plan},
        paragraphs=(
            _("It ended on %(at)s. Nothing is lost: with a new pack your programs go on with the token they have.")
            % {"at": instant(ends_at)},
        ),
        facts=((_("Pack"), plan), (_("Ended"), instant(ends_at))),
        button=(_("See the packs"), page("/subscribe/")),
        after=(_("We do not write about it again."),),
        about=_("You get this mail because you had a pack at %(shop)s.") % {"shop": settings.SHOP_NAME},
    )


def trial_ends(payload: Payload, now: datetime) -> Letter | None:
    """Tell somebody who tries that it ends, and that nothing is charged by itself."""
    grant = _tail(payload)
    if grant.as_value().until_at <= now:
        return None
    return Letter(
        to=grant.customer.email,
        subject=_("Your trial ends on %(day)s") % {"day": day(grant.ends_at)},
        paragraphs=(
            _("Nothing is charged: without an order it simply ends. With one your programs go on with their token."),
        ),
        facts=((_("Symbols at once"), str(grant.symbols)), *period(grant)),
        button=(_("See the packs"), page("/subscribe/")),
        about=about_packs(),
    )


def renewal_ahead(payload: Payload, now: datetime) -> Letter | None:
    """Tell a customer before a renewal by itself what is charged and when, and how to stop it."""
    grant, renews_at = _tail(payload), _at(payload["renews_at"])
    if renews_at <= now:
        return None
    plan = grant.purchase.plan.name
    return Letter(
        to=grant.customer.email,
        subject=_("%(plan)s is renewed on %(day)s") % {"plan": plan, "day": day(renews_at)},
        paragraphs=(
            _("As you have agreed, it is renewed by itself on %(at)s. You can stop that at any time before.")
            % {"at": instant(renews_at)},
        ),
        facts=(
            (_("Pack"), plan),
            (_("Months"), str(payload["months"])),
            (_("Renewed"), instant(renews_at)),
            (_("Amount"), money(payload["amount_fen"])),
        ),
        button=(_("Look at it, or stop it"), page("/balance/")),
        about=about_packs(),
    )


def renewed(payload: Payload, now: datetime) -> Letter | None:
    """Tell a customer that a pack was renewed by itself; its receipt comes with its own letter."""
    purchase = Purchase.objects.select_related("plan", "customer", "grant").get(public_id=payload["purchase"])
    return Letter(
        to=purchase.customer.email,
        subject=_("%(plan)s was renewed") % {"plan": purchase.plan.name},
        paragraphs=(_("It goes on without a gap; your programs need no change."),),
        facts=(*order_facts(purchase), *period(purchase.grant)),
        button=(_("To the order"), page_of(purchase)),
        after=(_("You can stop renewals by themselves at %(url)s") % {"url": page("/balance/")},),
        about=about_packs(),
    )


def renewal_failed(payload: Payload, now: datetime) -> Letter | None:
    """Tell a customer that a renewal by itself did not work, why, and until when the pack lasts."""
    grant = _tail(payload)
    why = {
        "gateway_refused": _("The payment was declined."),
        "balance_too_small": _("Your balance was too small."),
        "terms_ended": _("The pack is not continued on its old terms."),
        "plan_not_on_sale": _("The pack is not on sale at present."),
        "market_not_sold": _("The pack is not on sale at present."),
        "gateway_unavailable": _("The payment provider could not be reached."),
    }.get(payload["why"], _("The payment did not come about."))
    plan, until_at = grant.purchase.plan.name, grant.as_value().until_at
    lasts = _("What you have lasts until %(at)s.") if until_at > now else _("What you had has ended on %(at)s.")
    return Letter(
        to=grant.customer.email,
        subject=_("%(plan)s could not be renewed") % {"plan": plan},
        paragraphs=(why, lasts % {"at": instant(until_at)}),
        facts=((_("Pack"), plan), (_("Ends"), instant(until_at))),
        button=(_("Renew it yourself"), _renewal(grant, now) or page("/subscribe/")),
        about=about_packs(),
    )


def token_replaced(payload: Payload, now: datetime) -> Letter | None:
    """Tell a customer that a token was replaced, and how long the old one works."""
    token = AccessToken.objects.select_related("customer", "group").get(jti=payload["jti"])
    if token.works_until_at is None or token.works_until_at <= now or token.revoked_at is not None:
        return None
    return Letter(
        to=token.customer.email,
        subject=_("Your token was replaced"),
        paragraphs=(_("The old one works for another day, so that programs can be changed one by one."),),
        facts=(*_token_facts(token), (_("The old one works until"), instant(token.works_until_at))),
        button=(_("The new token"), page("/dashboard/")),
        after=(_not_you(),),
        about=about_packs(),
    )


def token_revoked(payload: Payload, now: datetime) -> Letter | None:
    """Tell a customer that tokens were revoked: programs that use them are disconnected."""
    token = AccessToken.objects.select_related("customer", "group").get(jti=payload["jti"])
    if token.revoked_at is None:
        return None
    several = payload.get("count", 1) > 1
    return Letter(
        to=token.customer.email,
        subject=_("Your tokens were revoked") if several else _("Your token was revoked"),
        paragraphs=(_("Programs that used it are disconnected, and nobody can connect with it any more."),),
        facts=(*_token_facts(token), (_("Revoked"), instant(token.revoked_at))),
        button=(_("Make a new token"), page("/dashboard/")),
        after=(_not_you(),),
        about=about_packs(),
    )


def compensation(payload: Payload, now: datetime) -> Letter | None:
    """Tell a customer what was given for an outage, and why.

    Raises:
        Purchase.DoesNotExist: there is no such purchase.
    """
    row = Purchase.objects.select_related("customer", "plan", "grant").get(public_id=payload["purchase"])
    return Letter(
        to=row.customer.email,
        subject=_("%(hours)s hours for you") % {"hours": payload["hours"]},
        paragraphs=(
            _("We have added %(hours)s hours to what you have. You need not do anything.")
            % {"hours": payload["hours"]},
        ),
        facts=((_("Why"), payload["reason"]), (_("Pack"), row.plan.name), (_("Ends now"), instant(row.grant.ends_at))),
        button=(_("Your packs"), page("/dashboard/")),
        about=about_packs(),
    )


def terms_end(payload: Payload, now: datetime) -> Letter | None:
    """Tell a buyer that a plan has changed, and until when the old terms can be extended.

    Raises:
        PlanVersion.DoesNotExist: there is no such version.
    """
    terms = PlanVersion.objects.select_related("plan").get(pk=payload["version"])
    if terms.renewable_until_at is None or terms.renewable_until_at <= now:
        return None
    plan = terms.plan.name
    return Letter(
        to=payload["to"],
        subject=_("%(plan)s has changed; yours has not") % {"plan": plan},
        paragraphs=(
            _("What you have stays as it is. Until then you can extend it at the price and with the content of old."),
        ),
        facts=(
            (_("Pack"), plan),
            (_("Price a month"), money(terms.price_fen)),
            (_("Can be extended until"), instant(terms.renewable_until_at)),
        ),
        button=(_("Extend it"), page("/subscribe/")),
        about=about_packs(),
    )


def still_ends(tail: Grant, ends_at: datetime) -> bool:
    """Tell whether a chain still ends then: nothing was bought behind it, and it was not ended early."""
    found = selectors.chain_end(tail)
    return found is not None and found == ends_at


def change_at(tail: Grant, ends_at: datetime) -> tuple[stacking.Entitlement, stacking.Entitlement]:
    """Return what the customer has on the group just before a chain's end, and from it on."""
    held = selectors.grants_of(tail.customer, tail.group)
    # Edges are whole seconds, so a second before is before.
    return stacking.entitlement_at(held, ends_at - timedelta(seconds=1)), stacking.entitlement_at(held, ends_at)


def was_paid(tail: Grant) -> bool:
    """Tell whether something in a grant's chain was bought; else all of it was given."""
    return Purchase.objects.filter(grant__in=selectors.chain_of(tail), paid_fen__gt=0).exists()


def _tail(payload: Payload) -> Grant:
    rows = Grant.objects.select_related("customer", "group", "purchase__plan", "purchase__plan_version", "closure")
    return rows.prefetch_related("freezes").get(pk=payload["grant"])


def _at(text: str) -> datetime:
    at = parse_datetime(text)
    assert at is not None  # written by isoformat()
    return at


def _renewal(tail: Grant, now: datetime) -> str | None:
    """Return the page that renews a chain, with everything chosen; None where its terms are not renewable."""
    purchase = tail.purchase
    if not purchase.plan_version.renewable(now) or selectors.not_sold_at_present(purchase.plan_version.markets, now):
        return None
    return page(f"/subscribe/?plan={purchase.plan.slug}&kind=extend&extends={tail.pk}&node={purchase.node.slug}")


def _change(before: int, after: int) -> Facts:
    if not after:
        return ()
    return ((_("Symbols at once"), _("%(before)s, then %(after)s") % {"before": before, "after": after}),)


def _token_facts(token: AccessToken) -> Facts:
    return (_("Token"), f"{token.jti[:8]}…"), (_("Node group"), token.group.title)


def _not_you() -> str:
    return _("If this was not you or your shop, change your password at once: %(url)s") % {
        "url": page("/accounts/password/change/")
    }
