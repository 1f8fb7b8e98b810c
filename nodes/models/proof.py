"""What was delivered to whom and what came in of each symbol, as nodes and ingest report it, by the exchange's day."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from nodes.models.words import MARKET_NAMES, WordField, shown


class Delivered(models.Model):
    """One customer's bars of one symbol and day, as one node delivered them; nobody but its reports writes it."""

    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="delivered", verbose_name=_("customer")
    )
    group = models.ForeignKey(
        "nodes.NodeGroup", models.PROTECT, related_name="+", verbose_name=pgettext_lazy("of nodes", "group")
    )
    node = models.CharField(_("node"), max_length=100)
    lane = WordField(_("market"), max_length=8, words=MARKET_NAMES)
    symbol = models.CharField(_("symbol"), max_length=16)
    day_on = models.DateField(_("day"))
    due = models.PositiveBigIntegerField(pgettext_lazy("bars", "due"), default=0)
    sent = models.PositiveBigIntegerField(pgettext_lazy("bars", "sent"), default=0)
    late = models.PositiveBigIntegerField(_("of these late"), default=0)

    class Meta:
        verbose_name = _("delivered bars")
        verbose_name_plural = _("delivered bars")
        ordering = ["-day_on", "symbol"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "day_on", "symbol", "group", "node"], name="one_row_a_customer_symbol_day_node"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["day_on"], name="delivered_by_day")]  # for forgetting

    def __str__(self) -> str:
        return f"{self.symbol} {self.day_on}: {self.sent} / {self.due}"


class UsedHour(models.Model):
    """What one customer's programs were sent on a group in an hour by the wall clock; nobody but its reports writes it.

    One row for all symbols of an hour: a row each would be fifty times as many, and nobody asks for them apart.
    """

    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="used_hours", verbose_name=_("customer")
    )
    group = models.ForeignKey(
        "nodes.NodeGroup", models.PROTECT, related_name="+", verbose_name=pgettext_lazy("of nodes", "group")
    )
    hour_at = models.DateTimeField(_("hour"), help_text=_("When it began."))
    bars = models.JSONField(_("bars sent by symbol"), default=dict)
    sent = models.PositiveBigIntegerField(pgettext_lazy("bars", "sent"), default=0)

    class Meta:
        verbose_name = _("hour of use")
        verbose_name_plural = _("hours of use")
        ordering = ["-hour_at"]
        constraints = [models.UniqueConstraint(fields=["customer", "group", "hour_at"], name="one_row_an_hour_of_use")]
        indexes: ClassVar = [models.Index(fields=["hour_at"], name="used_by_hour")]  # for forgetting

    def __str__(self) -> str:
        return f"{self.hour_at:%Y-%m-%d %H}: {self.sent}"


class DeliveredMonth(models.Model):
    """All customers' bars of one group's market in a month. It stays when the days of customers are forgotten."""

    group = models.ForeignKey(
        "nodes.NodeGroup", models.PROTECT, related_name="+", verbose_name=pgettext_lazy("of nodes", "group")
    )
    lane = WordField(_("market"), max_length=8, words=MARKET_NAMES)
    month_on = models.DateField(_("month"), help_text=_("Its first day."))
    due = models.PositiveBigIntegerField(pgettext_lazy("bars", "due"), default=0)
    sent = models.PositiveBigIntegerField(pgettext_lazy("bars", "sent"), default=0)
    late = models.PositiveBigIntegerField(_("of these late"), default=0)

    class Meta:
        verbose_name = _("delivered in a month")
        verbose_name_plural = _("delivered in a month")
        ordering = ["-month_on", "group", "lane"]
        constraints = [models.UniqueConstraint(fields=["group", "lane", "month_on"], name="one_row_a_market_month")]

    def __str__(self) -> str:
        return f"{self.group} {shown(self, 'lane')} {self.month_on:%Y-%m}: {self.sent} / {self.due}"


class TakenReport(models.Model):
    """A report of deliveries that was added up: one that comes again must not count twice."""

    report = models.CharField(_("report"), max_length=160, unique=True)  # <group> <its id>
    taken_at = models.DateTimeField(_("taken"), db_index=True)

    class Meta:
        verbose_name = _("report that was taken")
        verbose_name_plural = _("reports that were taken")

    def __str__(self) -> str:
        return self.report


class SymbolDay(models.Model):
    """What came in of one symbol on one day and what went out, as a group's ingest counted it."""

    group = models.ForeignKey(
        "nodes.NodeGroup", models.PROTECT, related_name="+", verbose_name=pgettext_lazy("of nodes", "group")
    )
    lane = WordField(_("market"), max_length=8, words=MARKET_NAMES)
    day_on = models.DateField(_("day"))
    symbol = models.CharField(_("symbol"), max_length=16)
    rows = models.PositiveBigIntegerField(_("rows in"))
    bars = models.PositiveIntegerField(_("bars out"))
    refused = models.PositiveBigIntegerField(_("refused"))
    copies = models.PositiveBigIntegerField(
        _("copies"), help_text=_("Told again, or by another line: nothing is wrong.")
    )
    reasons = models.JSONField(_("refused for"), default=dict)
    lines = models.JSONField(_("rows that counted, by line"), default=dict)
    gaps = models.PositiveIntegerField(_("gaps"), help_text=_("Of more than a minute while the market was open."))
    longest_gap_seconds = models.PositiveIntegerField(_("longest gap, s"))
    first_at = models.DateTimeField(_("first row"), null=True)
    last_at = models.DateTimeField(_("last row"), null=True)

    class Meta:
        verbose_name = _("symbol's day")
        verbose_name_plural = _("symbols' days")
        ordering = ["-day_on", "-gaps", "-refused", "symbol"]  # the worst of the newest day first
        constraints = [models.UniqueConstraint(fields=["group", "day_on", "symbol"], name="one_row_a_group_day_symbol")]
        indexes: ClassVar = [models.Index(fields=["-day_on", "-gaps", "-refused", "symbol"], name="worst_of_a_day")]

    def __str__(self) -> str:
        return f"{self.symbol} {self.day_on}"
