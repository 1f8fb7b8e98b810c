"""The rights that paid orders gave. They are only ever added to, never changed."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Customer
from billing.domain import stacking
from billing.models.append_only import AppendOnly
from billing.models.catalogue import restricted_intervals, restricted_types
from billing.models.orders import Purchase, SoldTerms
from nodes.models import NodeGroup


class Grant(AppendOnly, SoldTerms):
    """The right that a paid purchase gave: so many symbols on one node group, over [starts_at, ends_at)."""

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="grants", verbose_name=_("customer"))
    group = models.ForeignKey(NodeGroup, models.PROTECT, related_name="grants", verbose_name=_("node group"))
    purchase = models.OneToOneField(Purchase, models.PROTECT, related_name="grant", verbose_name=_("purchase"))
    # One-to-one: a chain never forks, so "the end of the chain" is one instant.
    extends = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="extended_by", verbose_name=_("extends")
    )
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"))

    class Meta:
        verbose_name = _("grant")
        verbose_name_plural = _("grants")
        ordering = ["starts_at", "id"]
        indexes: ClassVar = [models.Index(fields=["customer", "group", "ends_at"], name="grant_of_customer")]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="grant_period_is_not_empty"),
            models.CheckConstraint(condition=Q(symbols__gt=0, max_connections__gt=0), name="grant_gives_something"),
            models.CheckConstraint(condition=~Q(extends=F("id")), name="grant_does_not_extend_itself"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}: {self.symbols}"

    def as_value(self) -> stacking.Grant:
        """Return what the stacking rules need of it; `closure` should have been selected with it."""
        closure: GrantClosure | None = getattr(self, "closure", None)
        return stacking.Grant(
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            symbols=self.symbols,
            max_connections=self.max_connections,
            markets=frozenset(self.markets),
            levels=frozenset(self.levels),
            types=restricted_types(self.types),
            intervals=restricted_intervals(self.intervals),
            closed_at=closure.closed_at if closure else None,
        )


class GrantClosure(AppendOnly):
    """Ends a grant early."""

    grant = models.OneToOneField(Grant, models.PROTECT, related_name="closure", verbose_name=_("grant"))
    closed_at = models.DateTimeField(_("closed"))
    reason = models.CharField(_("reason"), max_length=200)

    class Meta:
        verbose_name = _("grant closure")
        verbose_name_plural = _("grant closures")

    def __str__(self) -> str:
        return f"#{self.grant_id}"


class EntitlementRev(models.Model):
    """Counts every change of what a customer may follow on a group; locked while it is raised."""

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+")
    group = models.ForeignKey(NodeGroup, models.PROTECT, related_name="+")
    rev = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["customer", "group"], name="one_rev_a_customer_and_group")]

    def __str__(self) -> str:
        return str(self.rev)
