"""Facts about the markets that are committed with the code: which instruments there are, and when exchanges trade."""

from streaming.reference.calendars import published_days
from streaming.reference.instruments import directory, remembered

__all__ = ["directory", "published_days", "remembered"]
