"""What was ordered, as it was sold."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Customer, new_id
from billing.domain.pricing import MAX_MONTHS, MIN_MONTHS, yuan
from billing.models.catalogue import Plan
from nodes.models import Node, NodeGroup


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


class Purchase(SoldTerms):
    """An order for one plan. pending -> settled, or -> expired | failed; money that comes after those still settles.

    Settled, only its node may change (within its group); PostgreSQL refuses the rest, whoever asks.
    """

    class Kind(models.TextChoices):
        STACK = "stack", _("More symbols now")
        EXTEND = "extend", _("Same symbols, longer")

    class State(models.TextChoices):
        PENDING = "pending", _("waiting for payment")
        SETTLED = "settled", _("paid")
        EXPIRED = "expired", _("expired")
        FAILED = "failed", _("failed")

    public_id = models.CharField(_("number"), max_length=32, unique=True, default=new_id, editable=False)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="purchases", verbose_name=_("customer"))
    idempotency_key = models.CharField(_("idempotency key"), max_length=80)
    body_hash = models.CharField(_("body hash"), max_length=64)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="purchases", verbose_name=_("plan"))
    node = models.ForeignKey(Node, models.PROTECT, related_name="purchases", verbose_name=_("node"))
    group = models.ForeignKey(NodeGroup, models.PROTECT, related_name="purchases", verbose_name=_("node group"))
    extends = models.ForeignKey(
        "Grant", models.PROTECT, null=True, blank=True, related_name="extending_purchases", verbose_name=_("extends")
    )
    months = models.PositiveSmallIntegerField(_("months"))
    price_fen = models.PositiveIntegerField(_("price a month, in fen"))
    due_fen = models.PositiveIntegerField(_("due, in fen"))
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    gateway = models.CharField(_("gateway"), max_length=20)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PENDING)
    placed_at = models.DateTimeField(_("placed"))
    price_until_at = models.DateTimeField(_("price holds until"))
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    paid_fen = models.PositiveIntegerField(_("paid, in fen"), null=True, blank=True)

    class Meta:
        verbose_name = _("purchase")
        verbose_name_plural = _("purchases")
        ordering = ["-id"]
        indexes: ClassVar = [models.Index(fields=["price_until_at"], condition=Q(state="pending"), name="purchase_due")]
        constraints = [
            models.UniqueConstraint(fields=["customer", "idempotency_key"], name="one_purchase_a_key"),
            models.CheckConstraint(
                condition=Q(months__gte=MIN_MONTHS, months__lte=MAX_MONTHS), name="purchase_months_in_range"
            ),
            models.CheckConstraint(condition=Q(due_fen__gt=0, price_fen__gt=0), name="purchase_costs_something"),
            models.CheckConstraint(condition=Q(symbols__gt=0, max_connections__gt=0), name="purchase_buys_something"),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "settled", "expired", "failed"]), name="purchase_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state="settled", settled_at__isnull=False, paid_fen=F("due_fen"))
                | (~Q(state="settled") & Q(settled_at__isnull=True, paid_fen__isnull=True)),
                name="purchase_settled_means_paid_in_full",
            ),
            models.CheckConstraint(
                condition=Q(kind="stack", extends__isnull=True) | Q(kind="extend", extends__isnull=False),
                name="purchase_extends_a_grant_or_stacks",
            ),
            models.CheckConstraint(condition=Q(price_until_at__gt=F("placed_at")), name="purchase_price_is_pinned"),
        ]

    def __str__(self) -> str:
        return f"{self.public_id[:8]} {self.state}"

    @property
    def due(self) -> str:
        """Return what is due in CNY, as people write it."""
        return yuan(self.due_fen)
