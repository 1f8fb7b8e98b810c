"""Rows that wait to be delivered, mails to people, and up to where the reports of each node group are read."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


def new_key() -> str:
    """Return 32 random hexadecimal digits."""
    return uuid.uuid4().hex


class Outbox(models.Model):
    """What must still follow a commit. Written in the transaction that causes it, delivered at least once."""

    # No choices: a row that another version of the program has written keeps its kind and waits.
    kind = models.CharField(_("kind"), max_length=40)
    payload = models.JSONField(_("payload"))
    language = models.CharField(_("language"), max_length=10, blank=True)
    created_at = models.DateTimeField(_("created"))
    due_at = models.DateTimeField(_("due"))
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    last_error = models.CharField(_("last error"), max_length=300, blank=True)
    delivered_at = models.DateTimeField(_("delivered"), null=True, blank=True)

    class Meta:
        verbose_name = _("outbox message")
        verbose_name_plural = _("outbox")
        ordering = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["due_at", "id"], condition=models.Q(delivered_at=None), name="outbox_waiting")
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"


class ReportCheckpoint(models.Model):
    """Up to where the reports of one node group are read; locked by whoever reads them."""

    group = models.SlugField(_("node group"), max_length=40, unique=True)
    entry_id = models.CharField(_("last entry"), max_length=48, default="0-0")
    # How many entries the stream had ever taken up to that one: a stream that counts less was lost.
    position = models.PositiveBigIntegerField(_("entries passed"), default=0)
    handled = models.PositiveBigIntegerField(_("handled"), default=0)
    skipped = models.PositiveBigIntegerField(_("skipped"), default=0)
    missed = models.PositiveBigIntegerField(_("missed"), default=0, help_text=_("Trimmed before they were read."))
    lost = models.PositiveIntegerField(_("lost"), default=0, help_text=_("How often the whole stream was gone."))
    last_skipped = models.CharField(_("last skipped"), max_length=300, blank=True)
    read_at = models.DateTimeField(_("last read"), null=True, blank=True)

    class Meta:
        verbose_name = _("report checkpoint")
        verbose_name_plural = _("report checkpoints")
        ordering = ["group"]

    def __str__(self) -> str:
        return self.group


class MailRecord(models.Model):
    """A mail to a person: written in the transaction that causes it, and marked when it was handed to the server.

    waiting -> sent -> bounced, or -> bounced | suppressed | dropped. Sent, it is never sent again.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waits to be sent")
        SENT = "sent", _("has been sent")
        SUPPRESSED = "suppressed", _("not sent: the address does not work")
        BOUNCED = "bounced", _("came back")
        DROPPED = "dropped", _("not needed any more")

    # Its Message-ID's first half, and what a link in it is known by: nobody guesses one.
    key = models.CharField(_("key"), max_length=32, unique=True, default=new_key, editable=False)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="mails",
        verbose_name=_("customer"),
    )  # fmt: skip
    kind = models.CharField(_("kind"), max_length=40)
    language = models.CharField(_("language"), max_length=10, blank=True)
    to = models.EmailField(pgettext_lazy("of a mail", "to"), max_length=254, blank=True)
    subject = models.CharField(_("subject"), max_length=200, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WAITING)
    message_id = models.CharField(_("Message-ID"), max_length=255, blank=True)
    outbox_row = models.BigIntegerField(_("outbox row"), null=True, blank=True, unique=True)
    said_at = models.DateTimeField(_("said"))
    sent_at = models.DateTimeField(pgettext_lazy("when", "sent"), null=True, blank=True)
    why = models.CharField(_("what the mail server said"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("mail to a customer")
        verbose_name_plural = _("mails to customers")
        ordering = ["-id"]
        indexes: ClassVar = [models.Index(fields=["customer", "-id"], name="mail_of_customer")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "sent", "suppressed", "bounced", "dropped"]),
                name="mail_state_is_known",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="sent") | models.Q(sent_at__isnull=False),
                name="mail_that_was_sent_has_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk} {self.get_state_display()}"


class SuppressedAddress(models.Model):
    """An address that does not exist any more, as its mail server said: only what guards an account is sent there."""

    address = models.EmailField(_("address"), max_length=254, unique=True)  # in lower case
    reason = models.CharField(_("reason"), max_length=300)
    since_at = models.DateTimeField(_("since"))
    mail = models.ForeignKey(
        MailRecord, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("mail")
    )

    class Meta:
        verbose_name = _("address that does not work")
        verbose_name_plural = _("addresses that do not work")
        ordering = ["-since_at"]
        permissions: ClassVar = [("lift_suppression", "Can let mails go to an address again")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(address=Lower("address")), name="suppressed_address_is_in_lower_case"
            )
        ]

    def __str__(self) -> str:
        return self.address


class MailChoice(models.Model):
    """What a person wants no mails about. Nobody without a row has said anything, and gets all."""

    customer = models.OneToOneField(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", primary_key=True)
    reminders = models.BooleanField(_("reminders that packs end"), default=True)

    class Meta:
        verbose_name = _("choice of mails")
        verbose_name_plural = _("choices of mails")

    def __str__(self) -> str:
        return f"#{self.pk}"
