"""Questions about texts and announcements. Nothing here writes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max, Q, QuerySet
from django.utils.translation import get_language

from accounts.models import Customer
from billing.models import Grant
from content.documents import first_text
from content.domain import announced, markdown
from content.models import Announcement, AnnouncementUpdate, Page, ShopDetails, TextVersion

LANGUAGES = ("en", "zh")  # that texts are kept in
STATUS_DAYS = 90
_OPEN_MOST = 20  # shown at once


@dataclass(frozen=True, slots=True)
class Text:
    """What a page says in one language, as Markdown; `at` is None for the text that came with the program."""

    page: str
    body: str
    checked: bool
    at: datetime | None

    def html(self) -> str:
        """Return it as HTML, with the seller's name and how to reach them in it."""
        return markdown.render(self.body, values(details()))

    def questions(self) -> list[tuple[str, str]]:
        """Return its questions and their answers (HTML)."""
        return markdown.questions(self.body)


@dataclass(frozen=True, slots=True)
class Told:
    """An announcement in the visitor's language, with what was said of it, oldest first."""

    row: Announcement
    updates: list[AnnouncementUpdate]

    @property
    def over_at(self) -> datetime | None:
        """Return when somebody said that it is over."""
        return next((one.at for one in self.updates if one.resolves), None)

    @property
    def ended_at(self) -> datetime | None:
        """Return when it was over, by word or by its own end."""
        return self.over_at or self.row.ends_at

    @property
    def kind(self) -> str:
        """Return its kind, `resolved` for what is over."""
        return announced.RESOLVED if self.over_at else str(self.row.kind)

    @property
    def title(self) -> str:
        """Return its title in the active language."""
        return in_language(self.row, "title")

    @property
    def text(self) -> str:
        """Return what was said last."""
        return in_language(self.updates[-1], "text") if self.updates else ""

    @property
    def lines(self) -> list[tuple[AnnouncementUpdate, str]]:
        """Return what was said, newest first, in the active language."""
        return [(one, in_language(one, "text")) for one in reversed(self.updates)]

    def is_shown(self, now: datetime) -> bool:
        """Tell whether pages show it now."""
        row = self.row
        return announced.is_shown(
            kind=row.kind, starts_at=row.starts_at, ends_at=row.ends_at, over_at=self.over_at, now=now
        )


def in_language(row: Announcement | AnnouncementUpdate, field: str) -> str:
    """Return a text of a row in the active language."""
    return str(getattr(row, f"{field}_{language()}"))


def language() -> str:
    """Return the active language as texts are kept in it: zh or en."""
    return "zh" if (get_language() or "").startswith("zh") else "en"


def text_of(page: str, in_: str | None = None) -> Text:
    """Return what a page says: its newest version, else what came with the program.

    Args:
        in_: en or zh; None for the active language.
    """
    short = in_ or language()
    row = TextVersion.objects.filter(page=page).first()
    if row is None:
        return Text(page, first_text(page, short), checked=False, at=None)
    return Text(page, str(getattr(row, f"body_{short}")), checked=row.checked, at=row.at)


def newest_versions() -> dict[str, TextVersion]:
    """Return the newest version of each page that somebody has written, by the page, with who wrote it."""
    newest = TextVersion.objects.order_by().values("page").annotate(last=Max("pk")).values("last")
    return {row.page: row for row in TextVersion.objects.filter(pk__in=newest).select_related("by")}


def unchecked_pages() -> list[str]:
    """Return the pages that still call themselves templates, in the order of their menu."""
    written = newest_versions()
    return [page.value for page in Page if page.value not in written or not written[page.value].checked]


@dataclass(frozen=True, slots=True)
class PageState:
    """How a page's text stands: its newest version, None for the one that came with the program; and what is empty."""

    page: Page
    version: TextVersion | None
    first: frozenset[str]  # languages, en and zh, that still say what came with the program
    unfilled: list[str]

    @property
    def checked(self) -> bool:
        """Tell whether the seller stands by it."""
        return self.version is not None and self.version.checked


def page_states() -> list[PageState]:
    """Return how each page's text stands, in the order of their menu."""
    written, found = newest_versions(), details()
    states = []
    for page in Page:
        row = written.get(page.value)
        bodies = {short: getattr(row, f"body_{short}") if row else first_text(page.value, short) for short in LANGUAGES}
        first = {short for short, body in bodies.items() if body.strip() == first_text(page.value, short).strip()}
        states.append(PageState(page, row, frozenset(first), unfilled(" ".join(bodies.values()), found)))
    return states


def unfilled(body: str, found: ShopDetails) -> list[str]:
    """Return the {{names}} in a text that stand for nothing yet, or for nothing that is known here."""
    # A shop that has not said who it is goes by the program's name.
    known = values(found) | {"seller": found.company}
    return [name for name in markdown.names(body) if not known.get(name)]


def version_before(row: TextVersion, in_: str) -> str:
    """Return what a page said before a version: the version before it, else what came with the program."""
    before = TextVersion.objects.filter(page=row.page, pk__lt=row.pk).first()
    return str(getattr(before, f"body_{in_}")) if before else first_text(row.page, in_)


def details() -> ShopDetails:
    """Return who sells; what nobody has entered in the admin is as settings say it, and else empty."""
    found = ShopDetails.objects.first() or ShopDetails()
    found.mail = found.mail or settings.SUPPORT_EMAIL or settings.REPLY_TO_EMAIL
    found.phone = found.phone or settings.SHOP_PHONE
    found.address = found.address or settings.SHOP_ADDRESS
    return found


def values(found: ShopDetails) -> dict[str, str]:
    """Return what {{names}} in a text stand for."""
    return {
        "seller": found.company or settings.SHOP_NAME,
        "contact": found.mail,
        "phone": found.phone,
        "address": found.address,
        "delivery_days": str(settings.DELIVERY_DAYS),
    }


def told(rows: Iterable[Announcement]) -> list[Told]:
    """Return announcements with their updates; one question for all of them."""
    rows = list(rows)
    found: dict[int, list[AnnouncementUpdate]] = {row.pk: [] for row in rows}
    if rows:
        for update in AnnouncementUpdate.objects.filter(announcement__in=rows):
            found[update.announcement_id].append(update)
    return [Told(row, found[row.pk]) for row in rows]


def shown(now: datetime, customer: Customer | None = None) -> list[Told]:
    """Return what pages tell now, newest first.

    Args:
        customer: only what concerns them; somebody without anything in force, and a visitor, hear all.
    """
    fresh = Q(updates__resolves=True, updates__at__gt=now - announced.FRESH)
    rows = Announcement.objects.filter(~Q(updates__resolves=True) | fresh).select_related("group")
    rows = rows.exclude(Q(kind__in=["info", "planned"]) & Q(ends_at__lte=now)).distinct()[:_OPEN_MOST]
    found = [one for one in told(rows) if one.is_shown(now)]
    if customer is None or not any(one.row.market or one.row.group for one in found):
        return found
    holdings = [(grant.group.slug, frozenset(grant.markets)) for grant in in_force(now).filter(customer=customer)]
    return [one for one in found if _scope(one.row).concerns(holdings)]


def history(now: datetime) -> list[Told]:
    """Return the announcements of the last 90 days, and those that are still open, newest first."""
    since = now - timedelta(days=STATUS_DAYS)
    rows = Announcement.objects.filter(Q(at__gt=since) | Q(ends_at__gt=since) | ~Q(updates__resolves=True))
    return told(rows.select_related("group").distinct().order_by("-starts_at", "-id")[:200])


def concerned(announcement: Announcement, now: datetime) -> list[Customer]:
    """Return who has something in force in an announcement's scope, each once."""
    rows = in_force(now)
    if announcement.group_id is not None:
        rows = rows.filter(group_id=announcement.group_id)
    people = {
        grant.customer_id: grant.customer
        for grant in rows.filter(customer__is_active=True).select_related("customer")
        if not announcement.market or announcement.market in grant.markets
    }
    return [people[pk] for pk in sorted(people)]


def in_force(now: datetime) -> QuerySet[Grant]:
    """Return the grants that cover an instant."""
    rows = Grant.objects.filter(starts_at__lte=now, ends_at__gt=now).exclude(closure__closed_at__lte=now)
    return rows.select_related("group")


def _scope(row: Announcement) -> announced.Scope:
    return announced.Scope(market=row.market, group=row.group.slug if row.group else "")
