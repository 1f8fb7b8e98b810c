"""How a customer stands on each node group, in one word, one sentence and one button: every page says the same.

`standings` has one Standing for each group on which the customer ever had a grant, the newest first; `of_page` has the
one that a page with room for one shows. What only a browser can find out (a node that does not answer) is no state.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Customer
from billing import selectors
from billing.domain import stacking
from billing.domain.months import Chain
from billing.domain.pricing import MIN_MONTHS
from billing.models import Grant, Purchase
from billing.services.holdings import Holding, holdings

ENDS_SOON = timedelta(days=7)
_TOGETHER = timedelta(days=1)  # packs that ended within a day of the last one were what the buyer had


class State(StrEnum):
    """Where a customer stands on a node group."""

    NEVER_HAD = "never_had"  # no grant on any group, ever
    ACTIVE = "active"
    ENDING = "ending"  # active, and nothing is left within a week
    ENDED = "ended"
    PAUSED = "paused"  # not ended, and nothing may be followed now: a disputed payment, or it begins later
    REVOKED = "revoked"  # active, without a token that works
    DRAINING = "draining"  # active, with a token, and no node of the group takes connections
    DEACTIVATED = "deactivated"  # the account


@dataclass(frozen=True, slots=True)
class Renewal:
    """A pack that can be bought again; `address` is the subscription page with all of it chosen."""

    grant: Grant  # the last of its chain
    ends_at: datetime
    months: int
    address: str

    @property
    def name(self) -> str:
        """Return the pack's name in the reader's language."""
        return self.grant.purchase.plan.name


@dataclass(frozen=True, slots=True)
class Standing:
    """One customer on one group. `held` is None of who never had anything and of who is deactivated without a grant."""

    state: State
    at: datetime
    held: Holding | None = None
    ends_at: datetime | None = None  # when the last of it ends, or ended
    returns_at: datetime | None = None  # PAUSED: when something can be followed again, where that is known
    renewals: tuple[Renewal, ...] = ()

    @property
    def follows(self) -> bool:
        """Tell whether bars can be followed now: it has not ended, and there is a token and a node."""
        return self.state in (State.ACTIVE, State.ENDING)

    @property
    def days_left(self) -> int:
        """Return how many whole days are left, 0 within the last one and after the end."""
        return max(0, (self.ends_at - self.at).days) if self.ends_at is not None else 0

    @property
    def sentence(self) -> str:
        """Say it to the customer."""
        end = date_format(localtime(self.ends_at), "DATETIME_FORMAT") if self.ends_at is not None else ""
        if self.state == State.ENDING:
            return self._ending(end)
        if self.state == State.PAUSED and self.returns_at is not None:
            at = date_format(localtime(self.returns_at), "DATETIME_FORMAT")
            return _("Your pack begins on %(at)s.") % {"at": at}
        return {
            State.NEVER_HAD: _("You have no pack yet."),
            State.ACTIVE: _("Your pack runs until %(end)s."),
            State.ENDED: _("Your pack ended on %(end)s."),
            State.PAUSED: _("Your pack is paused while its payment is disputed. It runs until %(end)s."),
            State.REVOKED: _(
                "Your token was stopped. Your pack runs until %(end)s: make a new token to connect again."
            ),
            State.DRAINING: _(
                "The node of your pack is being serviced and takes no new connections. Your pack and your tokens stay "
                "as they are."
            ),
            State.DEACTIVATED: _("Your account is deactivated. Nothing can be followed until it is activated again."),
        }[self.state] % {"end": end}

    def _ending(self, end: str) -> str:
        assert self.ends_at is not None
        days = (localtime(self.ends_at).date() - localtime(self.at).date()).days
        if days == 0:
            return _("Your pack ends today, on %(end)s.") % {"end": end}
        if days == 1:
            return _("Your pack ends tomorrow, on %(end)s.") % {"end": end}
        told = ngettext("Your pack ends in %(n)d day, on %(end)s.", "Your pack ends in %(n)d days, on %(end)s.", days)
        return told % {"n": days, "end": end}

    @property
    def button(self) -> tuple[str, str]:
        """Return what the customer can do about it: label and address. An address of "" is the page itself, again."""
        token = f"{reverse('dashboard')}#tokens-{self.held.group.slug}" if self.held is not None else ""
        renew = self.renewals[0].address if self.renewals else reverse("subscribe")
        return {
            State.NEVER_HAD: (_("See the packs"), reverse("subscribe")),
            State.ACTIVE: (_("More symbols, or longer"), reverse("subscribe")),
            State.ENDING: (_("Renew"), renew),
            State.ENDED: (_("Renew"), renew),
            State.PAUSED: (_("See your orders"), f"{reverse('dashboard')}#purchases-title"),
            State.REVOKED: (_("Make a new token"), token),
            State.DRAINING: (_("Look again"), ""),
            State.DEACTIVATED: (_("Mails to you"), reverse("mails")),
        }[self.state]


def standings(customer: Customer, now: datetime) -> list[Standing]:
    """Return how a customer stands on each group, the group of the newest grant first; empty where there is none."""
    return [standing_of(held) for held in holdings(customer=customer, now=now)]


def of_page(customer: Customer, found: list[Standing], now: datetime) -> Standing:
    """Return the one that counts for a page with room for one: that can be followed, else that has not ended."""
    ranked = (State.ACTIVE, State.ENDING, State.DRAINING, State.REVOKED, State.PAUSED)
    some = (one for state in ranked for one in found if one.state == state)
    first = next(some, found[0] if found else None)
    if first is not None:
        return first
    return Standing(State.NEVER_HAD if customer.is_active else State.DEACTIVATED, now)


def standing_of(held: Holding) -> Standing:
    """Return how a customer stands on a group."""
    now, segments = held.at, held.timeline()
    present = segments[0].entitlement.max_subs
    later = next((one.from_at for one in segments[1:] if one.entitlement.max_subs), None)
    # Frozen grants give nothing and still end: their own ends count.
    ends_at = stacking.last_end(held.grants)
    over = ends_at is None or ends_at <= now
    if not held.customer.is_active:
        state = State.DEACTIVATED
    elif over:
        state = State.ENDED
    elif not present:
        state = State.PAUSED
    elif held.current is None:
        state = State.REVOKED
    elif not any(node.realtime for node in held.nodes):
        state = State.DRAINING
    else:
        assert ends_at is not None
        state = State.ENDING if ends_at - now < ENDS_SOON else State.ACTIVE
    return Standing(
        state=state,
        at=now,
        held=held,
        ends_at=ends_at,
        returns_at=later if state == State.PAUSED else None,
        renewals=tuple(_renewals(held, ends_at, now)),
    )


def _renewals(held: Holding, ends_at: datetime | None, now: datetime) -> list[Renewal]:
    """Return what can go on, the soonest end first; after the end, what there was at the end."""
    found = []
    for chain in selectors.chains_of(held.rows):
        paid = Chain.of(one.as_value() for one in chain)
        if paid is None or ends_at is None or paid.end_at <= min(now, ends_at - _TOGETHER):
            continue
        tail = chain[-1]
        months = max(MIN_MONTHS, tail.purchase.months)
        found.append(Renewal(tail, paid.end_at, months, _address(held, tail, months, paid.end_at > now, now)))
    return sorted(found, key=lambda one: (one.ends_at, one.grant.pk))


def _address(held: Holding, tail: Grant, months: int, running: bool, now: datetime) -> str:
    """Return the subscription page with an extension chosen, or behind the end a new pack like it."""
    plan, node = tail.purchase.plan, tail.purchase.node
    if not any(node.pk == one.pk for one in held.nodes) and held.nodes:
        node = held.nodes[0]
    chosen: dict[str, str | int] = {"plan": plan.slug, "months": months, "node": node.slug}
    # A trial was sold at a price of its own, and is no pack that goes on.
    if running and tail.purchase.plan_version.renewable(now) and tail.purchase.kind != Purchase.Kind.TRIAL:
        return f"{reverse('subscribe')}?{urlencode({**chosen, 'kind': 'extend', 'extends': tail.pk})}"
    if plan.on_sale:
        return f"{reverse('subscribe')}?{urlencode({**chosen, 'kind': 'stack'})}"
    return reverse("subscribe")
