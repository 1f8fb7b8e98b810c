"""Facts about the markets that are committed with the code: which instruments there are, and when exchanges trade."""

from streaming.reference.calendars import PublishedDays, published_days
from streaming.reference.instruments import directory

__all__ = ["PublishedDays", "directory", "published_days"]
