"""What is sold, what was paid, and the rights that it gave. Rights are only ever added to, never changed."""

from typing import Any, ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.models import Customer, new_id
from billing.domain import stacking
from billing.domain.pricing import MAX_MONTHS, MIN_MONTHS, yuan
from kernel.scope import LEVELS, MARKETS, MAX_CONNS_CAP, MAX_SUBS_CAP
from nodes.models import Node, NodeGroup, WordList, all_markets, first_level

TYPES = ("kline", "quote", "tick", "depth")
INTERVALS = ("1.5s", "1m", "5m", "15m", "30m", "60m", "1d", "1w", "1M")


def all_types() -> list[str]:
    return list(TYPES)


def all_intervals() -> list[str]:
    return list(INTERVALS)


class AppendOnly(models.Model):
    """A row that is written once. The database refuses the rest by a trigger where it can (PostgreSQL)."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError(f"{type(self).__name__} is append-only: a correction is another row")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError(f"{type(self).__name__} is append-only: a correction is another row")


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
    intervals = models.JSONField(_("intervals"), default=all_intervals, validators=[WordList(*INTERVALS)])
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


class Sold(models.Model):
    """What was sold, copied from the plan at that moment."""

    symbols = models.PositiveIntegerField(_("symbols"))
    sockets = models.PositiveIntegerField(_("sockets at once"))
    markets = models.JSONField(_("markets"))
    levels = models.JSONField(_("levels"))
    types = models.JSONField(_("types"))
    intervals = models.JSONField(_("intervals"))

    class Meta:
        abstract = True


class Purchase(Sold):
    """An order for one plan. pending -> settled, or -> expired | failed; money that comes after those still settles."""

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
            models.CheckConstraint(condition=Q(symbols__gt=0, sockets__gt=0), name="purchase_buys_something"),
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


class Grant(AppendOnly, Sold):
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
            models.CheckConstraint(condition=Q(symbols__gt=0, sockets__gt=0), name="grant_gives_something"),
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
            sockets=self.sockets,
            markets=frozenset(self.markets),
            levels=frozenset(self.levels),
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


class AccessToken(models.Model):
    """A token that was handed out, without its text: it is signed again, same jti, whenever it is shown."""

    jti = models.CharField(_("jti"), max_length=32, unique=True, default=new_id, editable=False)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="tokens", verbose_name=_("customer"))
    group = models.ForeignKey(NodeGroup, models.PROTECT, related_name="tokens", verbose_name=_("node group"))
    issued_at = models.DateTimeField(_("issued"))
    expires_at = models.DateTimeField(_("expires"), help_text=_("The latest expiry that was ever signed."))
    works_until_at = models.DateTimeField(_("works until"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("access token")
        verbose_name_plural = _("access tokens")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "group"],
                condition=Q(works_until_at=None, revoked_at=None),
                name="one_current_token_a_group",
            )
        ]

    def __str__(self) -> str:
        return self.jti[:8]


class GatewayNotice(models.Model):
    """What a payment gateway told us, once an event, whatever became of it."""

    class Outcome(models.TextChoices):
        SETTLED = "settled", _("settled")
        ALREADY_SETTLED = "already_settled", _("was already settled")
        AMOUNT_MISMATCH = "amount_mismatch", _("another amount")
        UNKNOWN_PURCHASE = "unknown_purchase", _("unknown purchase")
        DECLINED = "declined", _("declined")

    provider = models.CharField(_("provider"), max_length=20)
    event_id = models.CharField(_("event"), max_length=80)
    purchase = models.ForeignKey(
        Purchase, models.PROTECT, null=True, related_name="notices", verbose_name=_("purchase")
    )
    order_id = models.CharField(_("order"), max_length=64)
    amount_fen = models.BigIntegerField(_("amount, in fen"))
    currency = models.CharField(_("currency"), max_length=8)
    paid_at = models.DateTimeField(_("paid"))
    received_at = models.DateTimeField(_("received"))
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome)

    class Meta:
        verbose_name = _("gateway notice")
        verbose_name_plural = _("gateway notices")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["provider", "event_id"], name="one_notice_an_event")]

    @property
    def amount(self) -> str:
        """The amount in yuan, as people write it."""
        return yuan(self.amount_fen)

    def __str__(self) -> str:
        return f"{self.provider} {self.event_id[:12]}: {self.outcome}"
