"""What is sold: the price list."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from billing.domain.pricing import yuan
from kernel.scope import INTERVALS, LEVELS, MARKETS, MAX_CONNS_CAP, MAX_SUBS_CAP, TYPES
from nodes.models import WordList, all_markets, first_level

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
            models.CheckConstraint(condition=Q(symbols__gt=0), name="plan_has_symbols"),
            models.CheckConstraint(condition=Q(price_fen__gt=0), name="plan_has_a_price"),
            models.CheckConstraint(condition=Q(max_connections__gt=0), name="plan_has_sockets"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """Return the name in the reader's language."""
        return self.name_zh if (get_language() or "").startswith("zh") else self.name_en

    @property
    def price(self) -> str:
        """Return the price a month in CNY, as people write it."""
        return yuan(self.price_fen)
