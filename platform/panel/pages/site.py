"""What every page shows around its own content: who sells, and what is announced."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest

from accounts.models import Customer
from content import selectors
from content.models import ShopDetails
from content.selectors import Told
from kernel.clock import utc_now


@dataclass(frozen=True)
class Site:
    """Looked up when a template asks, once a page: an answer without a frame asks nothing."""

    request: HttpRequest

    @cached_property
    def details(self) -> ShopDetails:
        """Return who sells; nobody while the database is away: a page that needs none of it must not fail for that."""
        try:
            return selectors.details()
        except (OperationalError, InterfaceError):
            return ShopDetails(mail=settings.REPLY_TO_EMAIL)

    @cached_property
    def announcements(self) -> list[Told]:
        """Return what is announced to whom looks at the page."""
        user = getattr(self.request, "user", None)
        try:
            return selectors.shown(utc_now(), user if isinstance(user, Customer) and not user.is_staff else None)
        except (OperationalError, InterfaceError):
            return []


def site(request: HttpRequest) -> dict[str, Any]:
    """Give templates `frame`, and the number of the request (settings.TEMPLATES)."""
    # Not "site": login pages have one of their own.
    return {"frame": Site(request), "request_id": getattr(request, "request_id", "")}
