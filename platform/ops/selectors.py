"""What waits for the hands of staff, how markets and nodes are, and what was earned. Nothing here writes.

Each question is asked for who may see the rows that it counts, and of all rows at once: a home page of a hundred nodes
costs as many queries as one of two.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Max, Min, QuerySet, Sum
from django.urls import reverse
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import selectors as accounts
from billing import selectors as billing
from billing.models import BankTransfer, Dispute, FapiaoRequest, Grant, Reconciliation, Refund, Suspense
from billing.services.revenue import revenue
from content import selectors as content
from content.models import Announcement, ShopDetails
from nodes import selectors as nodes
from nodes.admin.sentences import said
from nodes.models import DataLicence, Node, ProcessHealth
from nodes.models.words import MARKET_NAMES, word
from outbox import selectors as outbox
from support import selectors as support

LICENCE_DAYS = 30  # ahead, that a licence ends
_SILENT = timedelta(seconds=60)  # processes report every 5 s
_LATE_MS = 10_000  # windows end every 1.5 s, and an auction's print may take its time

LINE_STATES = {
    "mute": gettext_lazy("tells nothing any more"), "refused": gettext_lazy("what it tells is refused"),
    "late": gettext_lazy("is slower than others"), "delayed": gettext_lazy("tells what is long past"),
}  # fmt: skip
Allowed = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Hand:
    """Something that waits for somebody.

    Args:
        key: what it is, for tests and styles.
        text: a sentence without the number.
        count: of what the page behind `url` lists.
        since: when the oldest of it began; None where nobody can say.
        until: the day on which something ends; None for what is wrong or waits now.
        grave: customers feel it now.
    """

    key: str
    text: str
    count: int
    url: str
    since: datetime | None = None
    until: date | None = None
    grave: bool = False


@dataclass(frozen=True, slots=True)
class MarketNow:
    """A market of a group, as its processes said last; `lag_ms` is how long ago its newest window ended."""

    group: str
    market: str
    state: str
    feed: str
    lag_ms: int | None
    reported_at: datetime
    silent: bool

    @property
    def late(self) -> bool:
        """Tell whether the newest window is older than it may be while trading goes on."""
        trading = self.state in ("open", "opening_auction", "closing_auction", "after_hours")
        return trading and self.lag_ms is not None and self.lag_ms > _LATE_MS

    @property
    def seconds(self) -> str:
        """Return the age of the newest window, for people; "" where the wall clock does not tell."""
        return "" if self.lag_ms is None else f"{self.lag_ms / 1000:.1f}"


@dataclass(frozen=True, slots=True)
class Money:
    """What orders brought in fen, less what went back."""

    title: str
    left_fen: int
    back_fen: int
    url: str


def hands(now: datetime, allowed: Allowed) -> list[Hand]:
    """Return what waits, the grave things first; only of what somebody may see.

    Args:
        allowed: whether who asks has a permission, like "billing.view_suspense".
    """
    found = [hand for permission, ask in _ASKED if allowed(permission) for hand in ask(now) if hand.count]
    return sorted(found, key=lambda hand: not hand.grave)


def markets_now(now: datetime) -> list[MarketNow]:
    """Return each market that a group's processes reported within a day, TEST too; the newest word of each counts."""
    found: dict[tuple[str, str], MarketNow] = {}
    for row in ProcessHealth.objects.select_related("group").order_by("reported_at"):
        for market, state in row.markets.items():
            found[row.group.slug, market] = MarketNow(
                group=row.group.title,
                market=market,
                state=state,
                feed=row.feeds.get(market, ""),
                lag_ms=row.lag_ms.get(market),
                reported_at=row.reported_at,
                silent=now - row.reported_at > _SILENT,
            )
    return [found[key] for key in sorted(found, key=lambda key: (key[0], key[1] == "TEST", key[1]))]


def node_standings(now: datetime) -> list[billing.Standing]:
    """Return how each node stands that is not retired."""
    held = billing.sockets_held(now)
    rows = Node.objects.exclude(state=Node.State.RETIRED).select_related("group")
    return [billing.standing(node, held, now) for node in rows]


def money(now: datetime) -> list[Money]:
    """Return what came in today and in the last seven days, today among them; days are Shanghai's."""
    today = localdate(now)
    page = reverse("admin:billing_purchase_revenue")
    found = []
    for title, days in ((_("Today"), 1), (_("Last 7 days"), 7)):
        since = today - timedelta(days=days - 1)
        made = revenue(since=since, until=today)
        asked = urlencode({"since": since.isoformat(), "until": today.isoformat()})
        found.append(Money(title, made.paid_fen - made.back_fen, made.back_fen, f"{page}?{asked}"))
    return found


def customers_now(now: datetime) -> tuple[int, int, str]:
    """Return how many customers have something in force, how many symbols that is, and where they are listed."""
    live = Grant.objects.filter(starts_at__lte=now, ends_at__gt=now).exclude(closure__closed_at__lte=now)
    sums = live.order_by().aggregate(people=Count("customer", distinct=True), symbols=Sum("symbols"))
    return sums["people"], sums["symbols"] or 0, _listed("billing_grant", state="active")


def _feeds(now: datetime) -> Iterator[Hand]:
    for trouble in nodes.feeds_in_trouble():
        where = f"{trouble.market} ({trouble.group})" if trouble.group else trouble.market
        problem = LINE_STATES.get(trouble.problem) or said(trouble.problem)
        named = {"market": where, "line": trouble.line, "problem": problem}
        if trouble.line:
            text = _("%(market)s: line %(line)s: %(problem)s") % named
        elif trouble.problem:
            text = _("%(market)s: the feed says: %(problem)s") % named
        else:
            text = _("%(market)s: no worker runs this market") % named
        url = _listed("nodes_feedsetting", lane__exact=trouble.market)
        yield Hand("feed", text, 1, url, since=trouble.since, grave=not trouble.line)


def _nodes(now: datetime) -> Iterator[Hand]:
    count, since = _counted(nodes.unseen(now), "last_seen_at")
    text = ngettext("node is not seen", "nodes are not seen", count)
    yield Hand("nodes", text, count, _listed("nodes_node", seen="no"), since=since, grave=True)


def _processes(now: datetime) -> Iterator[Hand]:
    """A group whose processes have all stopped to report says nothing of its markets any more."""
    last = ProcessHealth.objects.order_by().values("group__slug").annotate(last=Max("reported_at"))
    silent = [row["last"] for row in last if now - row["last"] > _SILENT]
    text = ngettext("node group reports nothing any more", "node groups report nothing any more", len(silent))
    url = _listed("nodes_processhealth", reported_at__lt=(now - _SILENT).isoformat())
    yield Hand("processes", text, len(silent), url, since=min(silent, default=None), grave=True)


def _unlicensed(now: datetime) -> Iterator[Hand]:
    for line in nodes.unlicensed_lines(localdate(now)):
        named = {"market": line.setting.lane, "name": line.name, "provider": line.source}
        text = _("%(market)s is not sold: its line %(name)s brings data of %(provider)s, and no data licence holds.")
        asked = urlencode({"lane": line.setting.lane, "provider": line.source})
        url = f"{reverse('admin:nodes_datalicence_add')}?{asked}"
        yield Hand("unlicensed", text % named, 1, url, grave=True)


def _licences(now: datetime) -> Iterator[Hand]:
    today = localdate(now)
    last: dict[tuple[str, str], date | None] = {}
    for row in DataLicence._default_manager.filter(starts_on__lte=today + timedelta(days=LICENCE_DAYS)):
        key, known = (row.lane, row.provider), last.get((row.lane, row.provider), date.min)
        last[key] = None if row.ends_on is None or known is None else max(known, row.ends_on)
    ending = [end for end in last.values() if end and today <= end <= today + timedelta(days=LICENCE_DAYS)]
    text = ngettext("data licence ends within 30 days", "data licences end within 30 days", len(ending))
    asked = {"ends_on__gte": today.isoformat(), "ends_on__lte": (today + timedelta(days=LICENCE_DAYS)).isoformat()}
    yield Hand("licences", text, len(ending), _listed("nodes_datalicence", **asked), until=min(ending, default=None))


def _calendars(now: datetime) -> Iterator[Hand]:
    for market, until in nodes.ending_calendars(localdate(now)).items():
        text = _(
            "Trading days of %(market)s are known until %(day)s; weekdays after it are presumed. "
            "Bring the exchange's notice: manage.py import_calendar FILE"
        )
        url = reverse("admin:nodes_calendarhorizon_changelist")
        yield Hand(
            "calendar", text % {"market": word(MARKET_NAMES, market), "day": until.isoformat()}, 1, url, until=until
        )


def _suspense(now: datetime) -> Iterator[Hand]:
    count, since = _counted(Suspense.objects.filter(state=Suspense.State.OPEN), "opened_at")
    text = ngettext("payment matches nothing and waits for a decision", "payments match nothing and wait", count)
    yield Hand("suspense", text, count, _listed("billing_suspense", state__exact="open"), since=since)


def _refunds(now: datetime) -> Iterator[Hand]:
    failed, since = _counted(Refund.objects.filter(state=Refund.State.FAILED), "asked_at")
    text = ngettext("refund has failed", "refunds have failed", failed)
    yield Hand(
        "refunds-failed", text, failed, _listed("billing_refund", state__exact="failed"), since=since, grave=True
    )
    asked, since = _counted(Refund.objects.filter(state=Refund.State.ASKED), "asked_at")
    text = ngettext("refund waits for a second signature", "refunds wait for a second signature", asked)
    yield Hand("refunds", text, asked, _listed("billing_refund", state__exact="asked"), since=since)


def _transfers(now: datetime) -> Iterator[Hand]:
    count, since = _counted(BankTransfer.objects.filter(state=BankTransfer.State.ASKED), "asked_at")
    text = ngettext("bank transfer waits for a second signature", "bank transfers wait for a second signature", count)
    yield Hand("transfers", text, count, _listed("billing_banktransfer", state__exact="asked"), since=since)


def _disputes(now: datetime) -> Iterator[Hand]:
    count, since = _counted(Dispute.objects.filter(state=Dispute.State.OPEN), "opened_at")
    text = ngettext("dispute is open at a bank", "disputes are open at banks", count)
    yield Hand("disputes", text, count, _listed("billing_dispute", state__exact="open"), since=since)


def _books(now: datetime) -> Iterator[Hand]:
    newest = Reconciliation.objects.order_by().values("provider").annotate(last=Max("pk")).values("last")
    differ = [row for row in Reconciliation.objects.filter(pk__in=newest) if row.differences]
    text = ngettext("look over the books found differences", "looks over the books found differences", len(differ))
    since = min((row.at for row in differ), default=None)
    url = _listed("billing_reconciliation", pk__in=",".join(str(row.pk) for row in differ))
    yield Hand("books", text, len(differ), url, since=since, grave=True)


def _questions(now: datetime) -> Iterator[Hand]:
    count, since = _counted(support.waiting(), "moved_at")
    text = ngettext("question of a customer waits for an answer", "questions of customers wait for an answer", count)
    yield Hand("questions", text, count, _listed("support_ticket", state__exact="open"), since=since)


def _fapiao(now: datetime) -> Iterator[Hand]:
    count, since = _counted(FapiaoRequest.objects.filter(state=FapiaoRequest.State.ASKED), "asked_at")
    text = ngettext("fapiao is to be issued", "fapiao are to be issued", count)
    yield Hand("fapiao", text, count, _listed("billing_fapiaorequest", state__exact="asked"), since=since)


def _outbox(now: datetime) -> Iterator[Hand]:
    tried, since = _counted(outbox.in_trouble(), "created_at")
    text = ngettext("message was tried in vain", "messages were tried in vain", tried)
    url = _listed("outbox_outbox", delivered_at__isempty="1", attempts__gt="0")
    yield Hand("outbox", text, tried, url, since=since, grave=True)
    unknown, since = _counted(outbox.of_unknown_kind(), "created_at")
    text = ngettext("message is of a kind that this version does not know", "messages are of unknown kinds", unknown)
    yield Hand("outbox-unknown", text, unknown, _listed("outbox_outbox", delivered_at__isempty="1"), since=since)


def _codes(now: datetime) -> Iterator[Hand]:
    if (full_at := accounts.sms_full_at(now)) is not None:
        text = _("No more codes go out to phones today: the day's cap (SMS_DAILY_CAP_FEN) is spent.")
        yield Hand("sms-full", text, 1, reverse("admin:accounts_smsmessage_changelist"), since=full_at, grave=True)


def _incidents(now: datetime) -> Iterator[Hand]:
    rows = Announcement.objects.filter(kind=Announcement.Kind.INCIDENT).exclude(updates__resolves=True)
    count, since = _counted(rows, "starts_at")
    text = ngettext("incident is announced and not over", "incidents are announced and not over", count)
    yield Hand(
        "incidents", text, count, _listed("content_announcement", over="no", kind__exact="incident"), since=since
    )


def _texts(now: datetime) -> Iterator[Hand]:
    unchecked = content.unchecked_pages()
    text = ngettext("page says that it is a template", "pages say that they are templates", len(unchecked))
    yield Hand("texts", text, len(unchecked), reverse("admin:content_textversion_changelist"))


def _contact(now: datetime) -> Iterator[Hand]:
    found = content.details()
    if not (found.mail or found.phone):
        text = _("Customers are told no address: enter a contact mail or telephone.")
        yield Hand("contact", text, 1, _details_page(), grave=True)


_ASKED: tuple[tuple[str, Callable[[datetime], Iterator[Hand]]], ...] = (
    ("nodes.view_feedsetting", _feeds),
    ("nodes.view_node", _nodes),
    ("nodes.view_processhealth", _processes),
    ("nodes.view_marketline", _unlicensed),
    ("billing.view_refund", _refunds),
    ("billing.view_reconciliation", _books),
    ("billing.view_dispute", _disputes),
    ("billing.view_suspense", _suspense),
    ("billing.view_banktransfer", _transfers),
    ("support.view_ticket", _questions),
    ("billing.view_fapiaorequest", _fapiao),
    ("content.view_announcement", _incidents),
    ("outbox.view_outbox", _outbox),
    ("accounts.view_smsmessage", _codes),
    ("content.change_shopdetails", _contact),
    ("nodes.view_datalicence", _licences),
    ("nodes.view_calendaroverride", _calendars),
    ("content.write_text", _texts),
)


def _details_page() -> str:
    found = ShopDetails.objects.first()
    name = "admin:content_shopdetails"
    return reverse(f"{name}_add") if found is None else reverse(f"{name}_change", args=[found.pk])


def _counted(rows: QuerySet[Any], began: str) -> tuple[int, datetime | None]:
    found = rows.order_by().aggregate(number=Count("pk", distinct=True), first=Min(began))
    return found["number"], found["first"]


def _listed(table: str, **asked: str) -> str:
    """Return the address of a table's list with a filter, as the admin spells it."""
    return f"{reverse(f'admin:{table}_changelist')}?{urlencode(asked)}"
