"""What is sold: the price list."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.admin import display
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from billing.domain import stacking
from billing.domain.pricing import yuan
from kernel.scope import INTERVALS, LEVELS, MARKETS, MAX_CONNS_CAP, MAX_SUBS_CAP, TYPES
from nodes.models import WordList, all_markets, first_level
from nodes.models.rules import Rule

# Every interval that could be sold before 3m, 1h, 2h and 4h could be: whoever bought all of them has all.
FORMERLY_ALL_INTERVALS = frozenset({"1.5s", "1m", "5m", "15m", "30m", "1d", "1w", "1M"})


def all_types() -> list[str]:
    return list(TYPES)


def all_intervals() -> list[str]:
    return list(INTERVALS)


def not_formerly_all(value: Any) -> None:
    """Refuse the one choice of intervals that would not restrict: it is what older sales mean by all of them."""
    if isinstance(value, list) and frozenset(map(str, value)) == FORMERLY_ALL_INTERVALS:
        raise ValidationError(
            _("Exactly these eight intervals are what earlier sales mean by all; choose all, or one more or fewer.")
        )


def restricted_types(sold: Iterable[str]) -> frozenset[str] | None:
    """Return what types a sold right is restricted to; None where it has all."""
    return None if frozenset(sold) >= frozenset(TYPES) else frozenset(sold)


def restricted_intervals(sold: Iterable[str]) -> frozenset[str] | None:
    """Return what intervals a sold right is restricted to; None where it has all."""
    found = frozenset(sold)
    return None if found >= frozenset(INTERVALS) or found == FORMERLY_ALL_INTERVALS else found


class SoldTerms(models.Model):
    """What was sold, copied from the plan at that moment."""

    symbols = models.PositiveIntegerField(_("symbols"))
    max_connections = models.PositiveIntegerField(_("sockets at once"))
    markets = models.JSONField(_("markets"))
    levels = models.JSONField(_("levels"))
    types = models.JSONField(_("types"))
    intervals = models.JSONField(_("intervals"))

    class Meta:
        abstract = True


class Plan(models.Model):
    """A row of the price list. Editing it never changes what was sold: a purchase keeps its own copy."""

    slug = models.SlugField(_("slug"), max_length=40, unique=True)
    name_en = models.CharField(_("name in English"), max_length=60)
    name_zh = models.CharField(_("name in Chinese"), max_length=60)
    symbols = models.PositiveIntegerField(
        _("symbols"), validators=[MinValueValidator(1), MaxValueValidator(MAX_SUBS_CAP)]
    )
    price_fen = models.PositiveIntegerField(_("price a month, in fen"), validators=[MinValueValidator(1)])
    markets = models.JSONField(_("markets"), default=all_markets, validators=[WordList(*MARKETS)])
    levels = models.JSONField(_("levels"), default=first_level, validators=[WordList(*LEVELS)])
    types = models.JSONField(_("types"), default=all_types, validators=[WordList(*TYPES)])
    intervals = models.JSONField(
        _("intervals"), default=all_intervals, validators=[WordList(*INTERVALS), not_formerly_all]
    )
    max_connections = models.PositiveIntegerField(
        _("sockets at once"), validators=[MinValueValidator(1), MaxValueValidator(MAX_CONNS_CAP)]
    )
    on_sale = models.BooleanField(_("on sale"), default=True)

    class Meta:
        verbose_name = _("plan")
        verbose_name_plural = _("plans")
        ordering = ["symbols", "slug"]
        constraints = [
            Rule(
                condition=Q(symbols__gt=0),
                told=_("A pack has one symbol or more."),
                name="plan_has_symbols",
            ),
            Rule(
                condition=Q(price_fen__gt=0),
                told=_("A price is above nothing."),
                name="plan_has_a_price",
            ),
            Rule(
                condition=Q(max_connections__gt=0),
                told=_("A pack has one socket or more."),
                name="plan_has_sockets",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """Return the name in the reader's language."""
        return self.name_zh if (get_language() or "").startswith("zh") else self.name_en

    @property
    @display(description=_("price a month"))
    def price(self) -> str:
        """Return the price a month in CNY, as people write it."""
        return yuan(self.price_fen)


TERMS = ("symbols", "max_connections", "markets", "levels", "types", "intervals")  # of SoldTerms


def as_grant(terms: "Plan | PlanVersion", starts_at: datetime, ends_at: datetime) -> stacking.Grant:
    """Return what terms would give over a period, as the stacking rules take it."""
    return stacking.Grant(
        starts_at=starts_at,
        ends_at=ends_at,
        symbols=terms.symbols,
        max_connections=terms.max_connections,
        markets=frozenset(terms.markets),
        levels=frozenset(terms.levels),
        types=restricted_types(terms.types),
        intervals=restricted_intervals(terms.intervals),
    )


class PlanVersion(SoldTerms):
    """Price and content of a plan as they were sold together. Made when a plan is sold for the first time after a
    change; an extension has both from the version that was bought.
    """

    plan = models.ForeignKey(Plan, models.PROTECT, related_name="versions", verbose_name=_("plan"))
    number = models.PositiveIntegerField(_("version"))
    price_fen = models.PositiveIntegerField(_("price a month, in fen"))
    since_at = models.DateTimeField(_("since"))
    renewable_until_at = models.DateTimeField(
        _("renewable until"),
        null=True,
        blank=True,
        help_text=_("Whoever bought these terms can extend them until then; empty: as long as they like."),
    )

    class Meta:
        verbose_name = _("plan version")
        verbose_name_plural = _("plan versions")
        ordering = ["plan", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "number"], name="one_plan_version_a_number"),
            Rule(
                condition=Q(price_fen__gt=0, symbols__gt=0),
                told=_("A pack has one symbol or more, and a price above nothing."),
                name="plan_version_sells_something",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan} v{self.number}"

    @property
    @display(description=_("price a month"))
    def price(self) -> str:
        """Return the price a month in CNY, as people write it."""
        return yuan(self.price_fen)

    def renewable(self, at: datetime) -> bool:
        """Tell whether these terms can be extended at an instant."""
        return self.renewable_until_at is None or at < self.renewable_until_at
