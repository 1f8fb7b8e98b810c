"""The mail of an announcement."""

from datetime import datetime

from django.utils.translation import gettext as _

from billing.services.letters import Facts, about_packs, instant, page
from content import selectors
from content.models import Announcement, AnnouncementUpdate
from nodes.models.words import MARKET_NAMES
from outbox.kinds import Payload
from outbox.transports.mail import Letter


def announcement(payload: Payload, now: datetime) -> Letter | None:
    """Tell a customer what was announced; None where something newer was said before this could leave."""
    said = AnnouncementUpdate.objects.select_related("announcement__group").get(pk=payload["update"])
    row = said.announcement
    if row.updates.filter(pk__gt=said.pk, mailed=True).exists():
        return None  # the newer one is on its way to the same people
    return letter_of(said, to=payload["to"])


def letter_of(said: AnnouncementUpdate, *, to: str) -> Letter:
    """Return the mail of an update in the active language; the update may be one that is not stored yet."""
    row = said.announcement
    head = {
        Announcement.Kind.PLANNED: _("Planned work: %(title)s"),
        Announcement.Kind.INCIDENT: _("Incident: %(title)s"),
    }.get(Announcement.Kind(row.kind), "%(title)s")
    if said.resolves:
        head = _("Resolved: %(title)s")
    times: Facts = ((_("Begins"), instant(row.starts_at)),) if row.kind == Announcement.Kind.PLANNED else ()
    if times and row.ends_at is not None:
        times = (*times, (_("Ends"), instant(row.ends_at)))
    scope = " · ".join(
        filter(None, (str(MARKET_NAMES.get(row.market, row.market)), row.group.title if row.group else ""))
    )
    return Letter(
        to=to,
        subject=head % {"title": selectors.in_language(row, "title")},
        paragraphs=tuple(filter(None, selectors.in_language(said, "text").splitlines())),
        facts=(*times, *(((_("Concerns"), scope),) if scope else ())),
        button=(_("How it stands now"), page("/status/")),
        about=about_packs(),
    )
