"""Codes that rows hold and the words that people read in their place.

The words belong to the program and not to the table: a migration knows the code alone, so that another word needs none.
"""

from collections.abc import Mapping
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

MARKET_NAMES = {"CN": _("A-shares"), "HK": _("Hong Kong stocks"), "TEST": _("Test")}
BOARDS = {
    "main": _("Main board"), "star": _("STAR Market"), "chinext": _("ChiNext"), "bse": _("Beijing"),
    "b": _("B shares"), "fund": _("Funds"), "index": _("Indices"), "hk": _("Hong Kong"), "test": _("Test"),
}  # fmt: skip
KINDS = {"stock": _("stocks"), "etf": _("ETFs"), "lof": _("LOFs"), "reit": _("REITs"), "index": _("indices")}
TICKS = {
    "0.01": "0.01", "0.001": "0.001", "index": _("as indices"), "hkex": _("as shares in Hong Kong"),
    "hkex-etf": _("as funds in Hong Kong"),
}  # fmt: skip
ROLES = {
    "node": _("node"), "ingest": pgettext_lazy("a process", "ingest"), "history": pgettext_lazy("a process", "history"),
}  # fmt: skip
PHASES = {
    "pre_open": _("before the open"), "opening_auction": _("opening auction"), "open": pgettext_lazy("market", "open"),
    "lunch_break": _("lunch break"), "closing_auction": _("closing auction"), "after_hours": _("after hours"),
    "closed": pgettext_lazy("market", "closed"), "no_feed": _("no feed"),
}  # fmt: skip
FEEDS = {
    "live": pgettext_lazy("feed", "live"), "replay": pgettext_lazy("feed", "recording"),
    "simulated": pgettext_lazy("feed", "made up"), "test": pgettext_lazy("feed", "made up"),
}  # fmt: skip
STANDINGS = {
    "leading": _("leads"), "following": _("follows"), "waiting": _("has told nothing yet"), "mute": _("silent"),
    "refused": _("mostly refused"), "late": _("too late"), "delayed": _("delayed by its provider"),
    "drained": _("drained"),
}  # fmt: skip
# Why another line leads: what the one before had, or these.
SWITCHES = {
    **STANDINGS, "back": _("healthy again"), "preferred": _("preferred by an operator"), "removed": _("removed"),
    "start": _("at the start"),
}  # fmt: skip
CONNECTIONS = {
    "starting": _("is starting"), "not started": _("not started"), "connecting": _("connecting"),
    "live": _("connected"),
    "waiting": _("waits to connect again"), "refused": _("refused by the provider"), "ended": _("disconnected"),
}  # fmt: skip
# Why a row did not count, and what befell a connection.
REASONS = {
    "another_day": _("of another day"), "clock": _("at an impossible time"), "copy": _("a copy"),
    "crossed_book": _("bid above ask"), "held": _("held for the next one"), "late_copy": _("a late copy"),
    "not_asked": _("not asked for"), "older": _("older than the last one"), "picture": _("a picture of before"),
    "price": _("no price"), "price_jump": _("a jump of the price"), "queue_full": _("the queue was full"),
    "range": _("outside the day's range"), "repeated": _("told again"), "rolled_back": _("the day began anew"),
    "size": _("no size"), "standby": _("of a line that does not lead"), "told_again": _("told again"),
    "unit": _("units that do not fit"), "unknown_symbol": _("an unknown symbol"), "unreadable": _("unreadable"),
    "volume": _("no volume"), "volume_fell": _("the volume fell"), "waiting": _("waited for the line"),
    "yesterday": _("of the day before"), "connection_lost": _("connection lost"),
    "connection_silent": _("connection silent"), "connection_refused": _("connection refused"),
    "adapter_failed": _("its adapter failed"), "seconds_not_connected": _("seconds without a connection"),
}  # fmt: skip


class WordField(models.CharField):  # type: ignore[type-arg]  # not subscriptable at run time
    """A code that is shown as its word, in lists, filters and forms; one without a word is shown as it is.

    Args:
        words: what is read for each code.
    """

    def __init__(self, *args: Any, words: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        self.words = dict(words or {})
        super().__init__(*args, **kwargs)

    @property
    def flatchoices(self) -> list[tuple[str, Any]]:
        """(code, word) of each: what Django's admin looks a value up in."""
        codes = [code for code, _word in self.choices] if self.choices else list(self.words)
        return [(code, self.words.get(code, code)) for code in codes]

    def get_choices(self, *args: Any, **kwargs: Any) -> Any:
        """Return what a form offers, in words."""
        return [(code, self.words.get(code, word)) for code, word in super().get_choices(*args, **kwargs)]

    def deconstruct(self) -> Any:
        """Return a field of codes: migrations know no words."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs

    def clone(self) -> Any:
        """Return a copy, words and all: a model that inherits from another one has those."""
        _name, _path, args, kwargs = self.deconstruct()
        return type(self)(*args, words=self.words, **kwargs)


def shown(row: models.Model, name: str) -> str:
    """Return the word for what a row has in a field of words."""
    field = row._meta.get_field(name)
    return word(getattr(field, "words", {}), getattr(row, name))


def counted(words: Mapping[str, Any], counts: Mapping[str, Any]) -> str:
    """Return how many of each, in words: `unreadable 3 · silent 4`."""
    return " · ".join(f"{word(words, name)} {number}" for name, number in sorted(counts.items()))


def word(words: Mapping[str, Any], code: str) -> str:
    """Return a code's word, and the code itself where there is none."""
    return str(words.get(code, code))
