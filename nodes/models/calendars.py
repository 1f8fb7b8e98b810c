"""Trading days as operators know them: those they have changed, and up to when the rest is published."""

from datetime import time
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from kernel.scope import MARKETS
from kernel.trading_days import TradingDay, allowed, fault_of
from nodes.models.words import MARKET_NAMES, WordField, word


class CalendarOverride(models.Model):
    """A trading day that an operator has changed: closed, full or half, and when it opens late or closes early."""

    class Kind(models.TextChoices):
        CLOSED = "closed", pgettext_lazy("market", "closed")
        FULL = "full", _("full day")
        HALF = "half", _("half day")

    lane = WordField(_("market"), max_length=8, words=MARKET_NAMES, choices=[(market, market) for market in MARKETS])
    day_on = models.DateField(_("day"))
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    opens_at = models.TimeField(
        _("opens late, at"),
        null=True,
        blank=True,
        help_text=_("When trading begins, like 13:30; its opening auction comes before it as on any day."),
    )
    closes_at = models.TimeField(
        _("closes early, at"), null=True, blank=True, help_text=_("When trading ends, like 13:55; without an auction.")
    )
    note = models.CharField(_("note"), max_length=200, blank=True)
    entered_by = models.CharField(_("entered by"), max_length=80, blank=True, editable=False)
    entered_at = models.DateTimeField(_("entered"), null=True, editable=False)

    class Meta:
        verbose_name = _("calendar override")
        verbose_name_plural = _("calendar overrides")
        ordering = ["-day_on", "lane"]
        constraints = [models.UniqueConstraint(fields=["lane", "day_on"], name="one_override_a_day")]

    def __str__(self) -> str:
        hours = ("" if at is None else f"{at:%H:%M}" for at in (self.opens_at, self.closes_at))
        times = " – ".join(hours) if self.opens_at or self.closes_at else ""
        said = f"{word(MARKET_NAMES, self.lane)} {self.day_on}: {self.get_kind_display()}"
        return f"{said} {times}".rstrip()

    @property
    def day(self) -> TradingDay:
        """Return what the market does on the day."""
        return TradingDay(self.kind, _minutes_of(self.opens_at), _minutes_of(self.closes_at))

    @staticmethod
    def fields_of(day: TradingDay) -> dict[str, Any]:
        """Return the fields that say what a day is."""
        opens, closes = (None if at is None else time(at // 60, at % 60) for at in (day.opens, day.closes))
        return {"kind": day.kind, "opens_at": opens, "closes_at": closes}

    def clean(self) -> None:
        """Refuse times that cannot be, each with what to write."""
        for name, at in (("opens_at", self.opens_at), ("closes_at", self.closes_at)):
            if at is not None and (at.second or at.microsecond):
                raise ValidationError({name: _("Trading begins and ends with a minute: write it like 13:30.")})
        if self.lane not in MARKETS or (fault := fault_of(self.lane, self.day)) is None:
            return
        texts = {
            "closed": _("A closed day has no times: leave this empty, or choose another kind."),
            "outside": _("It must lie inside trading, %(allowed)s; at the usual time leave it empty.")
            % {"allowed": allowed(self.lane, self.kind)},
            "order": _("It closes before it opens."),
        }
        raise ValidationError({f"{fault[0]}_at": texts[fault[1]]})


def _minutes_of(at: time | None) -> int | None:
    return None if at is None else at.hour * 60 + at.minute


class CalendarHorizon(models.Model):
    """Up to when operators have entered what a market's exchange has published; behind what came with the program."""

    lane = WordField(
        _("market"), max_length=8, unique=True, words=MARKET_NAMES, choices=[(market, market) for market in MARKETS]
    )
    until_on = models.DateField(
        _("known until"), help_text=_("Weekdays up to this day that are not overridden are trading days.")
    )
    entered_by = models.CharField(_("entered by"), max_length=80, blank=True, editable=False)
    entered_at = models.DateTimeField(_("entered"), null=True, editable=False)

    class Meta:
        verbose_name = _("known trading days")
        verbose_name_plural = _("known trading days")
        ordering = ["lane"]

    def __str__(self) -> str:
        return f"{word(MARKET_NAMES, self.lane)}: {self.until_on}"
