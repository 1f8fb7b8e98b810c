"""Facts about the markets that are committed with the code: which instruments there are, and when exchanges trade."""

from streaming.reference.calendars import PublishedDays, published_days
from streaming.reference.instruments import Directory, Instrument, directory

__all__ = ["Directory", "Instrument", "PublishedDays", "directory", "published_days"]
