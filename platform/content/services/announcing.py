"""Says something to everybody whom it concerns: on pages, in open sockets, and by mail where the operator wants it."""

from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import Customer
from content import announcements, selectors
from content.errors import AlreadyResolved, AlreadySaid, BadAnnouncement
from content.models import Announcement, AnnouncementUpdate
from nodes.models import NodeGroup

_AGAIN = timedelta(minutes=1)


@transaction.atomic
def announce(
    *,
    kind: str,
    title_en: str,
    title_zh: str,
    text_en: str,
    text_zh: str,
    by: Customer,
    now: datetime,
    market: str = "",
    group: NodeGroup | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    mail: bool = False,
) -> AnnouncementUpdate:
    """Announce something with its first text; return that.

    Args:
        market, group: whom it concerns; neither is everybody, both are who has the market on the group.
        starts_at: None for now.
        mail: also to everybody who has something in force in its scope, once each.

    Raises:
        AlreadySaid: the same was announced within the last minute.
        BadAnnouncement: it ends before it begins, or planned work has no end.
    """
    begins = starts_at or now
    if ends_at is not None and ends_at <= begins:
        raise BadAnnouncement("it ends before it begins")
    if kind == Announcement.Kind.PLANNED and ends_at is None:
        raise BadAnnouncement("planned work has an end")
    same = Announcement.objects.filter(title_en=title_en, title_zh=title_zh, kind=kind, at__gt=now - _AGAIN)
    if same.exists():
        raise AlreadySaid
    row = Announcement.objects.create(
        kind=kind, title_en=title_en, title_zh=title_zh, market=market, group=group, starts_at=begins,
        ends_at=ends_at, by=by, at=now,
    )  # fmt: skip
    return _say(row, text_en, text_zh, resolves=False, mail=mail, by=by, now=now)


@transaction.atomic
def update(
    *,
    announcement: Announcement,
    text_en: str,
    text_zh: str,
    by: Customer,
    now: datetime,
    resolves: bool = False,
    mail: bool = False,
) -> AnnouncementUpdate:
    """Say how an announcement goes on, or that it is over.

    Raises:
        AlreadyResolved: it is over.
        AlreadySaid: the same was said within the last minute.
    """
    # Lock before looking: two operators may resolve it at once.
    row = Announcement.objects.select_for_update(of=("self",)).get(pk=announcement.pk)
    if row.updates.filter(resolves=True).exists():
        raise AlreadyResolved
    if row.updates.filter(text_en=text_en, text_zh=text_zh, at__gt=now - _AGAIN).exists():
        raise AlreadySaid
    return _say(row, text_en, text_zh, resolves=resolves, mail=mail, by=by, now=now)


def _say(
    row: Announcement, text_en: str, text_zh: str, *, resolves: bool, mail: bool, by: Customer, now: datetime
) -> AnnouncementUpdate:
    said = AnnouncementUpdate.objects.create(
        announcement=row, text_en=text_en, text_zh=text_zh, resolves=resolves, mailed=mail, by=by, at=now
    )
    announcements.to_sockets(said)
    if mail:
        for customer in selectors.concerned(row, now):
            announcements.to_mailbox(said, customer)
    return said
