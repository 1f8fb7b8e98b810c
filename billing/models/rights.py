"""The rights that paid orders gave. They are only ever added to, never changed."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Customer
from billing.domain import stacking
from billing.models.append_only import AppendOnly
from billing.models.catalogue import SoldTerms, restricted_intervals, restricted_types
from billing.models.orders import Purchase
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
    # Of what an upgrade replaced: its months go on to begin on that day (billing.domain.months.Chain).
    month_day = models.PositiveSmallIntegerField(_("day on which its months begin"), null=True, blank=True)
    # Of a chain's last grant, as `selectors.chain_tails` returns it: up to when it is paid for, and its first grant.
    chain_ends_at: datetime
    chain_root_id: int

    class Meta:
        verbose_name = _("grant")
        verbose_name_plural = _("grants")
        ordering = ["starts_at", "id"]
        permissions: ClassVar = [
            ("give_comp", "Can give grants for nothing"),
            ("close_grant", "Can end grants early"),
        ]
        indexes: ClassVar = [models.Index(fields=["customer", "group", "ends_at"], name="grant_of_customer")]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="grant_period_is_not_empty"),
            models.CheckConstraint(condition=Q(symbols__gt=0, max_connections__gt=0), name="grant_gives_something"),
            models.CheckConstraint(condition=~Q(extends=F("id")), name="grant_does_not_extend_itself"),
        ]

    def __str__(self) -> str:
        return f"{self.customer} · {self.purchase.plan.name} #{self.pk}"

    def as_value(self) -> stacking.Grant:
        """Return what the stacking rules need; `closure` should have been selected with it, `freezes` prefetched."""
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
            month_day=self.month_day,
            frozen=tuple((freeze.frozen_at, freeze.lifted_at) for freeze in self.freezes.all()),
        )


class GrantClosure(AppendOnly):
    """Ends a grant early."""

    grant = models.OneToOneField(Grant, models.PROTECT, related_name="closure", verbose_name=_("grant"))
    closed_at = models.DateTimeField(pgettext_lazy("a grant", "closed"))
    reason = models.CharField(_("reason"), max_length=200)
    replaced_by = models.ForeignKey(
        Purchase, models.PROTECT, null=True, blank=True, related_name="replaced", verbose_name=_("replaced by")
    )

    class Meta:
        verbose_name = _("grant closure")
        verbose_name_plural = _("grant closures")

    def __str__(self) -> str:
        return f"{self.grant}: {self.reason}"


class GrantFreeze(models.Model):
    """A grant gives nothing from `frozen_at` until it is lifted: its payment is disputed. Its end stays as it is."""

    grant = models.ForeignKey(Grant, models.PROTECT, related_name="freezes", verbose_name=_("grant"))
    frozen_at = models.DateTimeField(_("frozen"))
    lifted_at = models.DateTimeField(_("lifted"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=200)

    class Meta:
        verbose_name = _("freeze")
        verbose_name_plural = _("freezes")
        constraints = [
            models.UniqueConstraint(fields=["grant"], condition=Q(lifted_at=None), name="one_freeze_at_a_time"),
        ]

    def __str__(self) -> str:
        return f"#{self.grant_id}: {self.reason}"


class Compensation(AppendOnly):
    """Time that was given to everybody for an outage. What each got is a purchase of kind `comp`."""

    key = models.CharField(_("key"), max_length=80, unique=True, help_text=_("The same key gives once."))
    hours = models.PositiveSmallIntegerField(_("hours"))
    group = models.ForeignKey(NodeGroup, models.PROTECT, null=True, related_name="+", verbose_name=_("node group"))
    node = models.ForeignKey("nodes.Node", models.PROTECT, null=True, related_name="+", verbose_name=_("node"))
    market = models.CharField(_("market"), max_length=8, blank=True)
    reason = models.CharField(_("reason"), max_length=200)
    by = models.ForeignKey(Customer, models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("compensation")
        verbose_name_plural = _("compensations")
        ordering = ["-id"]
        permissions: ClassVar = [("compensate", "Can give everybody time after an outage")]
        constraints = [models.CheckConstraint(condition=Q(hours__gt=0), name="compensation_gives_time")]

    def __str__(self) -> str:
        return f"{self.key}: {self.hours} h"


class EntitlementRev(models.Model):
    """Counts every change of what a customer may follow on a group; locked while it is raised."""

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+")
    group = models.ForeignKey(NodeGroup, models.PROTECT, related_name="+")
    rev = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["customer", "group"], name="one_rev_a_customer_and_group")]

    def __str__(self) -> str:
        return str(self.rev)
