"""Writes a new version of a page's text."""

from datetime import datetime

from accounts.models import Customer
from content.models import TextVersion


def write(
    *, page: str, body_en: str, body_zh: str, checked: bool, note: str, by: Customer, now: datetime
) -> TextVersion:
    """Keep a text as the newest version of its page; the same words as before make no new one.

    Args:
        checked: the seller has read it and stands by it; until then the page says that it is a template.
    """
    bodies = {"body_en": _tidy(body_en), "body_zh": _tidy(body_zh), "checked": checked}
    newest = TextVersion.objects.filter(page=page).first()
    if newest is not None and all(getattr(newest, name) == value for name, value in bodies.items()):
        return newest
    return TextVersion.objects.create(page=page, **bodies, note=note.strip()[:200], by=by, at=now)


def _tidy(body: str) -> str:
    """Forms send lines with a carriage return."""
    return body.replace("\r\n", "\n").strip() + "\n"
