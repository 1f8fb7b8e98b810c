"""What was ordered, as it was sold."""

from typing import ClassVar

from django.contrib.admin import display
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Customer, new_id
from billing.domain.pricing import MAX_MONTHS, MIN_MONTHS, yuan
from billing.models import words
from billing.models.append_only import AppendOnly
from billing.models.catalogue import Plan, PlanVersion, SoldTerms
from nodes.models import Node, NodeGroup
from nodes.models.words import WordField, shown


class Purchase(SoldTerms):
    """An order for one plan, what a gift code gave, or what was given by hand for nothing (`comp`).

    `due_fen` is what it costs after discounts and, for an upgrade, after what was credited; `balance_fen` of it is paid
    from the customer's balance and the rest through a gateway.

    pending -> settled, or -> expired | failed | cancelled; money that comes after expired or failed still settles where
    there is room. Settled, only its node may change (within its group); PostgreSQL refuses the rest, whoever asks.
    """

    class Kind(models.TextChoices):
        STACK = "stack", _("More symbols now")
        EXTEND = "extend", _("Same symbols, longer")
        UPGRADE = "upgrade", _("A larger pack instead")
        TRIAL = "trial", _("Trial")
        GIFT = "gift", _("Gift code")
        COMP = "comp", _("Given by the shop")

    class State(models.TextChoices):
        PENDING = "pending", _("waiting for payment")
        SETTLED = "settled", _("paid")
        EXPIRED = "expired", _("expired")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    public_id = models.CharField(_("number"), max_length=32, unique=True, default=new_id, editable=False)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="purchases", verbose_name=_("customer"))
    idempotency_key = models.CharField(_("idempotency key"), max_length=80)
    body_hash = models.CharField(_("body hash"), max_length=64)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="purchases", verbose_name=_("plan"))
    plan_version = models.ForeignKey(
        PlanVersion, models.PROTECT, related_name="purchases", verbose_name=_("plan version")
    )
    node = models.ForeignKey(Node, models.PROTECT, related_name="purchases", verbose_name=_("node"))
    group = models.ForeignKey(NodeGroup, models.PROTECT, related_name="purchases", verbose_name=_("node group"))
    extends = models.ForeignKey(
        "Grant", models.PROTECT, null=True, blank=True, related_name="extending_purchases", verbose_name=_("extends")
    )
    replaces = models.ForeignKey(
        "Grant", models.PROTECT, null=True, blank=True, related_name="replacing_purchases", verbose_name=_("replaces"),
        help_text=_("Upgrades take the place of a grant, and of what extends it where the buyer chose so."),
    )  # fmt: skip
    with_later = models.BooleanField(_("replaces what extends it too"), default=False)
    months = models.PositiveSmallIntegerField(_("months"))
    days = models.PositiveSmallIntegerField(_("days"), default=0, help_text=_("Of a trial."))
    price_fen = models.PositiveIntegerField(_("price a month, in fen"))
    priced_at = models.DateTimeField(_("priced for"), null=True, blank=True, help_text=_("The instant of a quote."))
    credit_fen = models.PositiveIntegerField(_("credited, in fen"), default=0)  # unused cash of what it replaces
    discount_fen = models.PositiveIntegerField(_("discount, in fen"), default=0)
    rounding_fen = models.PositiveSmallIntegerField(_("rounded off, in fen"), default=0)
    due_fen = models.PositiveIntegerField(_("due, in fen"))
    balance_fen = models.PositiveIntegerField(_("from the balance, in fen"), default=0)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    gateway = WordField(_("gateway"), max_length=20, blank=True, words=words.GATEWAYS)  # that took the money
    placed_from = models.GenericIPAddressField(_("placed from"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PENDING)
    placed_at = models.DateTimeField(_("placed"))
    price_until_at = models.DateTimeField(_("price holds until"))
    settled_at = models.DateTimeField(pgettext_lazy("when", "settled"), null=True, blank=True)
    paid_fen = models.PositiveIntegerField(_("paid, in fen"), null=True, blank=True)

    class Meta:
        verbose_name = _("purchase")
        verbose_name_plural = _("purchases")
        ordering = ["-id"]
        permissions: ClassVar = [
            ("cancel_purchase", "Can cancel orders that wait for payment"),
            ("view_revenue", "Can view revenue"),
        ]
        indexes: ClassVar = [models.Index(fields=["price_until_at"], condition=Q(state="pending"), name="purchase_due")]
        constraints = [
            models.UniqueConstraint(fields=["customer", "idempotency_key"], name="one_purchase_a_key"),
            models.CheckConstraint(
                condition=Q(months__gte=MIN_MONTHS, months__lte=MAX_MONTHS)
                | Q(kind__in=["comp", "upgrade"], months=0)
                | Q(kind="trial", months=0, days__gt=0),
                name="purchase_months_in_range",
            ),
            models.CheckConstraint(
                condition=Q(~Q(kind__in=["comp", "trial"]), price_fen__gt=0)
                | Q(kind="comp", due_fen=0, price_fen=0)
                | Q(kind="trial", price_fen=0),
                name="purchase_has_a_price_or_was_given",
            ),
            models.CheckConstraint(
                condition=Q(balance_fen__lte=F("due_fen"), rounding_fen__lte=1), name="purchase_parts_fit_what_is_due"
            ),
            models.CheckConstraint(condition=Q(symbols__gt=0, max_connections__gt=0), name="purchase_buys_something"),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "settled", "expired", "failed", "cancelled"]),
                name="purchase_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(state="settled", settled_at__isnull=False, paid_fen=F("due_fen"))
                | (~Q(state="settled") & Q(settled_at__isnull=True, paid_fen__isnull=True)),
                name="purchase_settled_means_paid_in_full",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["stack", "trial", "upgrade"], extends__isnull=True)
                | Q(kind="extend", extends__isnull=False)
                | Q(kind__in=["comp", "gift"]),
                name="purchase_extends_a_grant_or_stacks",
            ),
            models.CheckConstraint(
                condition=Q(kind="upgrade", replaces__isnull=False)
                | Q(~Q(kind__in=["upgrade", "comp"]), replaces__isnull=True, with_later=False)
                | Q(kind="comp"),
                name="purchase_replaces_a_grant_or_none",
            ),
            models.CheckConstraint(condition=Q(price_until_at__gt=F("placed_at")), name="purchase_price_is_pinned"),
        ]

    def __str__(self) -> str:
        return f"{self.public_id[:8]} {self.get_state_display()}"

    @property
    @display(description=_("to pay"))
    def due(self) -> str:
        """Return what is due in CNY, as people write it."""
        return yuan(self.due_fen)

    @property
    def cash_fen(self) -> int:
        """Return what a gateway has to bring."""
        return self.due_fen - self.balance_fen

    @property
    def list_fen(self) -> int:
        """Return what it costs before discounts and rounding."""
        return self.due_fen + self.discount_fen + self.rounding_fen


class PurchaseEvent(AppendOnly):
    """A step in a purchase's life: who took it, when and why. Each state is reached once at most."""

    purchase = models.ForeignKey(Purchase, models.PROTECT, related_name="events", verbose_name=_("purchase"))
    at = models.DateTimeField(_("at"))
    from_state = WordField(_("from"), max_length=10, blank=True, words=dict(Purchase.State.choices))
    to_state = WordField(_("to"), max_length=10, words=dict(Purchase.State.choices))
    by = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by"),
        help_text=_("Empty: the shop itself, or a payment gateway."),
    )  # fmt: skip
    why = models.CharField(_("why"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("purchase event")
        verbose_name_plural = _("purchase events")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["purchase", "to_state"], name="one_purchase_event_a_state")]

    def __str__(self) -> str:
        return f"{shown(self, 'from_state')} -> {shown(self, 'to_state')}"
