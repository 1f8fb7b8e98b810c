"""The list of instruments that operators keep, and that list as it was last published."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from kernel.listing import BOARDS, CURRENCIES, FIELDS, KINDS, TICKS, Row, complete, faults
from nodes.models import words
from nodes.models.rules import Rule
from nodes.models.words import WordField


class Instrument(models.Model):
    """One product. All rows together are the list; `services.instruments` writes and publishes them."""

    class State(models.TextChoices):
        TRADING = "trading", _("trading")
        SUSPENDED = "suspended", _("suspended")
        DELISTED = "delisted", _("delisted")

    symbol = models.CharField(_("symbol"), max_length=16, unique=True, help_text=_("Like 600519.SH or 00700.HK."))
    place = models.PositiveIntegerField(_("place in the list"), default=2**31 - 1, editable=False)
    name_zh = models.CharField(_("Chinese name"), max_length=60, blank=True)
    name_en = models.CharField(_("English name"), max_length=120, blank=True)
    board = WordField(_("board"), max_length=10, words=words.BOARDS, choices=[(one, one) for one in BOARDS])
    kind = WordField(_("kind"), max_length=10, words=words.KINDS, choices=[(one, one) for one in KINDS])
    currency = models.CharField(_("currency"), max_length=3, choices=[(one, one) for one in CURRENCIES])
    lot = models.PositiveIntegerField(
        _("lot"), validators=[MinValueValidator(1), MaxValueValidator(10**9)], help_text=_("Shares of a board lot.")
    )
    tick_table = WordField(_("price steps"), max_length=10, words=words.TICKS, choices=[(one, one) for one in TICKS])
    prev_close_e4 = models.PositiveBigIntegerField(
        _("start price of the simulation, in 1/10,000"),
        default=0,
        validators=[MaxValueValidator(10**12)],
        help_text=_("0: the simulated market does not move it."),
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.TRADING)
    sector = models.CharField(_("sector"), max_length=40, blank=True)
    listed_on = models.DateField(_("listed"), null=True, blank=True)
    delisted_on = models.DateField(_("delisted on"), null=True, blank=True)
    pinyin = models.CharField(_("pinyin"), max_length=200, blank=True, help_text=_("Left blank, made of the name."))
    initials = models.CharField(_("initials"), max_length=60, blank=True, help_text=_("Left blank, made of the name."))
    aliases = models.CharField(_("also written as"), max_length=120, blank=True)
    former_codes = models.CharField(
        _("former codes"),
        max_length=120,
        blank=True,
        help_text=_("Like 430047.BJ, with spaces between: who asks for one is led here."),
    )
    former_names = models.CharField(_("former names"), max_length=300, blank=True)
    entered_by = models.CharField(_("entered by"), max_length=80, blank=True, editable=False)
    entered_at = models.DateTimeField(_("entered"), null=True, editable=False)

    class Meta:
        verbose_name = _("instrument")
        verbose_name_plural = _("instruments")
        ordering = ["place", "symbol"]
        constraints = [
            Rule(
                condition=models.Q(state__in=["trading", "suspended", "delisted"]),
                told=_("This state is none of a security."),
                name="instrument_state_is_known",
            )
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.name_zh or self.name_en}"

    def as_row(self) -> Row:
        """Return the row of the list (kernel.listing)."""
        days = {name: at.isoformat() if (at := getattr(self, name)) else "" for name in ("listed_on", "delisted_on")}
        return {name: getattr(self, name) for name in FIELDS} | days

    @staticmethod
    def fields_of(row: Row) -> dict[str, Any]:
        """Return the model's fields of a row."""
        return row | {name: row[name] or None for name in ("listed_on", "delisted_on")}

    def clean(self) -> None:
        """Refuse what cannot stand in a list, with what to write."""
        try:
            row = complete(self.as_row())
        except Exception as error:  # no symbol: BadSymbol has the sentence
            raise ValidationError({"symbol": str(getattr(error, "message", error))}) from None
        self.symbol = row["symbol"]
        if found := faults(row):
            raise ValidationError("; ".join(found))


class InstrumentList(models.Model):
    """The list as it is published: one row, and none before anybody has changed anything."""

    rev = models.PositiveIntegerField(_("number"), default=0)
    packed = models.TextField(_("packed"), blank=True)
    rows = models.PositiveIntegerField(_("rows"), default=0)
    published_at = models.DateTimeField(_("published"), null=True)
    published_by = models.CharField(_("published by"), max_length=80, blank=True)

    class Meta:
        verbose_name = _("published list of instruments")
        verbose_name_plural = _("published lists of instruments")

    def __str__(self) -> str:
        return f"{self.rev}: {self.rows}"
