"""By what right a shop sells what a provider tells."""

from datetime import date

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from kernel.scope import MARKETS
from nodes.models.rules import Rule
from nodes.models.words import MARKET_NAMES, WordField, word


class Provider(models.TextChoices):
    """Whose data a line can bring, beside what programs push. Each is asked under terms of its own."""

    SINA = "sina", _("Sina's free pages: for personal display by their terms, not for redistribution")
    TENCENT = "tencent", _("Tencent's free page: for personal display by its terms, not for redistribution")
    ITICK = "itick", _("iTick: a key; whether its plan allows redistribution stands in its contract")
    ALLTICK = "alltick", _("AllTick: a key; whether its plan allows redistribution stands in its contract")
    TICKDB = "tickdb", _("TickDB: a key; whether its plan allows redistribution stands in its contract")


class DataLicence(models.Model):
    """The right to sell a provider's data of a market: a contract, or an operator's word in writing that there is one.

    A market whose lines bring a provider's data is sold only while each of them is licensed.
    """

    lane = WordField(_("market"), max_length=8, words=MARKET_NAMES, choices=[(market, market) for market in MARKETS])
    provider = models.CharField(_("provider"), max_length=12, choices=Provider)
    contract = models.CharField(_("contract number"), max_length=120, blank=True)
    scope = models.TextField(
        _("scope"),
        max_length=2000,
        blank=True,
        help_text=_("What it allows, in its own words: to whom, in which form."),
    )
    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("last day"), null=True, blank=True, help_text=_("Left blank: until it is ended here."))
    insisted = models.TextField(
        _("in place of a contract"),
        max_length=2000,
        blank=True,
        help_text=_(
            "Without a contract number: write here by what right you sell it all the same. Your name stays beside it."
        ),
    )
    entered_by = models.CharField(_("entered by"), max_length=80, blank=True, editable=False)
    entered_at = models.DateTimeField(_("entered"), null=True, editable=False)

    class Meta:
        verbose_name = _("data licence")
        verbose_name_plural = _("data licences")
        ordering = ["lane", "provider", "-starts_on"]
        constraints = [
            Rule(
                condition=~Q(contract="") | ~Q(insisted=""),
                told=_("Write the contract's number, or by what right you sell this data without one."),
                name="licence_has_a_reason",
            ),
            Rule(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=models.F("starts_on")),
                told=_("It ends before it begins."),
                name="licence_period_has_days",
            ),
        ]

    def __str__(self) -> str:
        return f"{word(MARKET_NAMES, self.lane)} {self.provider} {self.starts_on}"

    def clean(self) -> None:
        """Refuse a licence that says by no right, and one that ends before it begins."""
        if not (self.contract.strip() or self.insisted.strip()):
            text = _("Write the contract's number, or by what right you sell this data without one.")
            raise ValidationError({"insisted": text})
        if self.ends_on is not None and self.starts_on is not None and self.ends_on < self.starts_on:
            raise ValidationError({"ends_on": _("It ends before it begins.")})

    def covers(self, on: date) -> bool:
        """Tell whether it holds on a day; both of its days belong to it."""
        return self.starts_on <= on and (self.ends_on is None or on <= self.ends_on)
