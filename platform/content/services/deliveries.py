"""What the outbox's row of an announcement says, as a command for a group's Redis."""

from datetime import UTC, datetime
from typing import Any

from content.models import AnnouncementUpdate
from nodes import selectors as node_selectors
from outbox.kinds import Payload
from outbox.transports.redis import Tell, Writes


def announcement(payload: Payload, now: datetime) -> Writes:
    """Tell a group's open sockets. Told twice it is the same update; who opens a socket later reads /status/."""
    said = AnnouncementUpdate.objects.select_related("announcement__group").get(pk=payload["update"])
    tell = Tell({"kind": "announcement", "group": _slug(said), "told": told(said)})
    return Writes(node_selectors.link_named(payload["group"]), (tell,))


def told(said: AnnouncementUpdate) -> dict[str, Any]:
    """Return an update as sockets hear it (docs/protocol.md)."""
    row = said.announcement
    return {
        "id": row.pk,
        "update": said.pk,
        "kind": "resolved" if said.resolves else row.kind,
        "market": row.market or None,
        "title": {"en": row.title_en, "zh": row.title_zh},
        "text": {"en": said.text_en, "zh": said.text_zh},
        "at": _iso(said.at),
        "starts_at": _iso(row.starts_at),
        "ends_at": _iso(row.ends_at) if row.ends_at else None,
    }


def _slug(said: AnnouncementUpdate) -> str:
    group = said.announcement.group
    return group.slug if group is not None else ""


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
