"""Tries to pay, what gateways told of money, what matched nothing, what was paid back, and disputes."""

from typing import ClassVar

from django.contrib.admin import display
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Customer
from billing.domain.pricing import yuan
from billing.models import words
from billing.models.append_only import AppendOnly
from billing.models.orders import Purchase
from billing.models.prepaid import Prepayment
from nodes.models.words import WordField, shown


class PaymentAttempt(models.Model):
    """One try to pay an order (a purchase or a prepayment) through one gateway, under a number of its own.

    open -> paid|declined|closed.

    Closed or declined, money that arrives under its number is still taken: it is what the provider says that counts.
    """

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("a try to pay", "open")
        PAID = "paid", _("paid")
        DECLINED = "declined", _("declined")
        CLOSED = "closed", pgettext_lazy("a try to pay", "closed")

    purchase = models.ForeignKey(
        Purchase, models.PROTECT, null=True, blank=True, related_name="attempts", verbose_name=_("purchase")
    )
    prepayment = models.ForeignKey(
        Prepayment, models.PROTECT, null=True, blank=True, related_name="attempts", verbose_name=_("prepayment")
    )
    gateway = WordField(_("gateway"), max_length=20, words=words.GATEWAYS)
    method = WordField(_("method"), max_length=10, words=words.METHODS)
    order_no = models.CharField(_("order number"), max_length=32, unique=True)
    due_fen = models.PositiveIntegerField(_("due, in fen"))
    currency = models.CharField(_("currency"), max_length=3)
    started_at = models.DateTimeField(_("started"))
    expires_at = models.DateTimeField(_("expires"))
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.OPEN)
    shown = models.JSONField(_("shown to the buyer"), null=True, blank=True)
    kept = models.CharField(_("number at the gateway"), max_length=255, blank=True)
    asks = models.PositiveSmallIntegerField(_("times asked"), default=0)
    asked_at = models.DateTimeField(_("last asked"), null=True, blank=True)
    next_ask_at = models.DateTimeField(_("asked next"), null=True, blank=True)

    class Meta:
        verbose_name = _("payment attempt")
        verbose_name_plural = _("payment attempts")
        ordering = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["next_ask_at"], condition=Q(next_ask_at__isnull=False), name="attempt_to_ask")
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["open", "paid", "declined", "closed"]), name="attempt_state_is_known"
            ),
            models.CheckConstraint(condition=Q(due_fen__gt=0), name="attempt_is_for_something"),
            models.CheckConstraint(
                condition=Q(purchase__isnull=False, prepayment__isnull=True)
                | Q(purchase__isnull=True, prepayment__isnull=False),
                name="attempt_pays_one_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_no} {self.get_state_display()}"

    @property
    @display(description=_("to pay"))
    def due(self) -> str:
        """What is due in yuan, as people write it."""
        return yuan(self.due_fen)

    @property
    def order(self) -> Purchase | Prepayment:
        """Return what it pays."""
        order = self.purchase or self.prepayment
        assert order is not None  # attempt_pays_one_order
        return order


class PaymentFact(AppendOnly):
    """What happened to money, as its provider says. Once by (provider, kind, reference), whoever tells it."""

    class Source(models.TextChoices):
        NOTICE = "notice", _("notice")
        QUERY = "query", _("query")
        BILL = "bill", _("bill")
        PERSON = "person", _("a person")
        SHOP = "shop", _("the shop: paid from a balance")

    class Outcome(models.TextChoices):
        SETTLED = "settled", _("settled")
        SUSPENSE = "suspense", _("in suspense")
        NOTED = "noted", _("noted")

    provider = WordField(_("provider"), max_length=20, words=words.GATEWAYS)
    kind = WordField(_("kind"), max_length=20, words=words.FACTS)
    reference = models.CharField(_("reference"), max_length=255)
    transaction_id = models.CharField(_("transaction"), max_length=255, blank=True)
    order_no = models.CharField(_("order number"), max_length=64, blank=True)
    refund_no = models.CharField(_("refund number"), max_length=64, blank=True)
    event_id = models.CharField(_("event"), max_length=255, blank=True)
    attempt = models.ForeignKey(
        PaymentAttempt, models.PROTECT, null=True, blank=True, related_name="facts", verbose_name=_("payment attempt")
    )
    purchase = models.ForeignKey(
        Purchase, models.PROTECT, null=True, blank=True, related_name="facts", verbose_name=_("purchase")
    )
    prepayment = models.ForeignKey(
        Prepayment, models.PROTECT, null=True, blank=True, related_name="facts", verbose_name=_("prepayment")
    )
    amount_fen = models.BigIntegerField(_("amount, in fen"))
    currency = models.CharField(_("currency"), max_length=8)
    at = models.DateTimeField(_("at"))
    received_at = models.DateTimeField(_("received"))
    source = models.CharField(_("source"), max_length=8, choices=Source)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome)

    class Meta:
        verbose_name = _("payment fact")
        verbose_name_plural = _("payment facts")
        ordering = ["-id"]
        indexes: ClassVar = [models.Index(fields=["provider", "transaction_id"], name="fact_of_transaction")]
        constraints = [
            models.UniqueConstraint(fields=["provider", "kind", "reference"], name="one_payment_fact"),
            models.CheckConstraint(condition=Q(amount_fen__gte=0), name="fact_amount_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{shown(self, 'provider')} {shown(self, 'kind')} {self.reference[:24]}"

    @property
    @display(description=_("amount"))
    def amount(self) -> str:
        """The amount in yuan, as people write it."""
        return yuan(self.amount_fen)


class Suspense(models.Model):
    """Money that was taken and matches nothing that was due. open -> refunding -> refunded, or -> used."""

    class Reason(models.TextChoices):
        SECOND_PAYMENT = "second_payment", _("paid a second time")
        WRONG_AMOUNT = "wrong_amount", _("another amount than was due")
        WRONG_CURRENCY = "wrong_currency", _("another currency")
        UNKNOWN_ORDER = "unknown_order", _("nobody knows the order")
        CANCELLED = "cancelled", _("the order was cancelled before")
        NO_ROOM = "no_room", _("paid late, and the node is full")
        BALANCE_SPENT = "balance_spent", _("paid late, and the balance that was to pay the rest is spent")
        COUPON_USED = "coupon_used", _("paid late, and the coupon is used up or has ended")
        CHANGED = "changed", _("what was to be upgraded has changed since")

    class State(models.TextChoices):
        OPEN = "open", _("waits for a decision")
        REFUNDING = "refunding", _("is paid back")
        REFUNDED = "refunded", _("was paid back")
        USED = "used", _("was used for an order")

    fact = models.OneToOneField(PaymentFact, models.PROTECT, related_name="suspense", verbose_name=_("payment fact"))
    reason = models.CharField(_("reason"), max_length=16, choices=Reason)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    opened_at = models.DateTimeField(_("opened"))
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decided_by = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    why = models.CharField(_("why"), max_length=200, blank=True)
    used_for = models.ForeignKey(
        Purchase, models.PROTECT, null=True, blank=True, related_name="paid_from", verbose_name=_("used for")
    )

    class Meta:
        verbose_name = _("money in suspense")
        verbose_name_plural = _("money in suspense")
        ordering = ["-id"]
        permissions: ClassVar = [("decide_suspense", "Can pay money in suspense back, or use it for an order")]
        indexes: ClassVar = [models.Index(fields=["opened_at"], condition=Q(state="open"), name="suspense_open")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["open", "refunding", "refunded", "used"]), name="suspense_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state="used", used_for__isnull=False) | (~Q(state="used") & Q(used_for__isnull=True)),
                name="suspense_used_for_a_purchase",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.fact.amount} {self.fact.currency}: {self.get_reason_display()}"


class Refund(models.Model):
    """Money that goes back. Its number is stored before anybody is asked, and never changes.

    asked -> decided -> sent -> done | failed, or asked -> withdrawn; done -> failed where the provider takes it back.
    """

    class State(models.TextChoices):
        ASKED = "asked", _("waits for a second person")
        WITHDRAWN = "withdrawn", _("withdrawn")
        DECIDED = "decided", pgettext_lazy("a refund", "decided")
        SENT = "sent", _("sent to the gateway")
        DONE = "done", _("paid back")
        FAILED = "failed", _("failed")

    class Effect(models.TextChoices):
        KEEP = "keep", _("the buyer keeps everything")
        SHORTEN = "shorten", _("ends earlier")
        CLOSE = "close", _("ends at once")

    class Fault(models.TextChoices):
        BUYER = "buyer", _("the buyer's wish")
        SELLER = "seller", _("the shop's fault")
        RULE = "rule", _("by rule")
        CONSOLE = "console", _("made at the gateway")

    refund_no = models.CharField(_("refund number"), max_length=32, unique=True)
    payment = models.ForeignKey(PaymentFact, models.PROTECT, related_name="refunds", verbose_name=_("payment"))
    purchase = models.ForeignKey(
        Purchase, models.PROTECT, null=True, blank=True, related_name="refunds", verbose_name=_("purchase")
    )
    amount_fen = models.PositiveIntegerField(_("amount, in fen"))
    currency = models.CharField(_("currency"), max_length=8)
    fault = models.CharField(_("fault"), max_length=8, choices=Fault)
    effect = models.CharField(_("effect"), max_length=8, choices=Effect, default=Effect.KEEP)
    shorten_to_at = models.DateTimeField(_("ends then"), null=True, blank=True)
    with_extensions = models.BooleanField(_("with what extends it"), default=False)
    reason = models.CharField(_("reason"), max_length=200)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ASKED)
    asked_at = models.DateTimeField(_("asked"))
    asked_by = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("asked by")
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decided_by = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    done_at = models.DateTimeField(pgettext_lazy("when", "paid back"), null=True, blank=True)
    refund_id = models.CharField(_("number at the gateway"), max_length=255, blank=True)
    by_hand = models.CharField(
        _("transferred by hand"), max_length=80, blank=True, help_text=_("The bank's reference.")
    )
    why = models.CharField(_("what the gateway said"), max_length=200, blank=True)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    next_try_at = models.DateTimeField(_("tried next"), null=True, blank=True)

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        ordering = ["-id"]
        permissions: ClassVar = [
            ("ask_refund", "Can ask for refunds, and withdraw what nobody has decided"),
            ("decide_refund", "Can decide on refunds, and send a failed one again"),
            ("pay_refund_by_hand", "Can note that a refund was transferred by hand"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["next_try_at"], condition=Q(next_try_at__isnull=False), name="refund_to_try")
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="refund_pays_something_back"),
            models.CheckConstraint(
                condition=Q(state__in=["asked", "withdrawn", "decided", "sent", "done", "failed"]),
                name="refund_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(effect="shorten", shorten_to_at__isnull=False)
                | (~Q(effect="shorten") & Q(shorten_to_at__isnull=True)),
                name="refund_shortens_to_an_instant",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.refund_no} {self.get_state_display()}"

    @property
    def order(self) -> Purchase | Prepayment | None:
        """Return whose payment goes back; None of money that matches no order."""
        return self.purchase or self.payment.prepayment

    @property
    @display(description=_("amount"))
    def amount(self) -> str:
        """The amount in yuan, as people write it."""
        return yuan(self.amount_fen)


class Dispute(models.Model):
    """A buyer's bank asks its money back. While it is open the grant is frozen and nothing is refunded."""

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("a dispute", "open")
        WON = "won", _("won")
        LOST = "lost", pgettext_lazy("a dispute", "lost")

    provider = WordField(_("provider"), max_length=20, words=words.GATEWAYS)
    dispute_id = models.CharField(_("dispute"), max_length=255)
    payment = models.ForeignKey(
        PaymentFact, models.PROTECT, null=True, blank=True, related_name="disputes", verbose_name=_("payment")
    )
    purchase = models.ForeignKey(
        Purchase, models.PROTECT, null=True, blank=True, related_name="disputes", verbose_name=_("purchase")
    )
    amount_fen = models.PositiveIntegerField(_("amount, in fen"))
    state = models.CharField(_("state"), max_length=6, choices=State, default=State.OPEN)
    opened_at = models.DateTimeField(pgettext_lazy("a dispute", "opened"))
    ended_at = models.DateTimeField(pgettext_lazy("a dispute", "ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("dispute")
        verbose_name_plural = _("disputes")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["provider", "dispute_id"], name="one_dispute")]

    def __str__(self) -> str:
        return f"{shown(self, 'provider')} {self.dispute_id[:24]}: {self.get_state_display()}"


class BankTransfer(models.Model):
    """Money that a person saw on the bank's statement, for an attempt that was to be paid so."""

    class State(models.TextChoices):
        ASKED = "asked", _("waits for a second person")
        CONFIRMED = "confirmed", _("confirmed")
        WITHDRAWN = "withdrawn", _("withdrawn")

    attempt = models.ForeignKey(
        PaymentAttempt, models.PROTECT, related_name="transfers", verbose_name=_("payment attempt")
    )
    reference = models.CharField(_("the bank's reference"), max_length=80)
    amount_fen = models.PositiveIntegerField(_("amount, in fen"))
    came_at = models.DateTimeField(_("came"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ASKED)
    asked_at = models.DateTimeField(_("asked"))
    asked_by = models.ForeignKey(Customer, models.PROTECT, related_name="+", verbose_name=_("asked by"))
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decided_by = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )

    class Meta:
        verbose_name = _("bank transfer")
        verbose_name_plural = _("bank transfers")
        ordering = ["-id"]
        permissions: ClassVar = [
            ("note_transfer", "Can note bank transfers, and withdraw what nobody has confirmed"),
            ("confirm_transfer", "Can confirm bank transfers"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["reference"], condition=~Q(state="withdrawn"), name="one_bank_transfer_a_reference"
            ),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="bank_transfer_brings_something"),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.get_state_display()}"

    @property
    @display(description=_("amount"))
    def amount(self) -> str:
        """The amount in yuan, as people write it."""
        return yuan(self.amount_fen)
