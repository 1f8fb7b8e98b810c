"""Questions of customers, and what was written to and fro."""

import secrets
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Customer
from billing.models import AccessToken, Purchase

MOST_SUBJECT, MOST_TEXT = 120, 5000  # characters
_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # none that is read as another


def new_number() -> str:
    """Return what a question is called on pages and in mails: T and eight characters."""
    return "T" + "".join(secrets.choice(_LETTERS) for _ in range(8))


class Ticket(models.Model):
    """A question of a customer. open: staff are to answer; answered: the customer may; closed until somebody writes."""

    class State(models.TextChoices):
        OPEN = "open", _("waits for our answer")
        ANSWERED = "answered", _("answered")
        CLOSED = "closed", pgettext_lazy("a question", "closed")

    number = models.CharField(_("number"), max_length=12, unique=True, default=new_number, editable=False)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="tickets", verbose_name=_("customer"))
    subject = models.CharField(_("subject"), max_length=MOST_SUBJECT)
    purchase = models.ForeignKey(
        Purchase, models.PROTECT, null=True, blank=True, related_name="tickets", verbose_name=_("order")
    )
    token = models.ForeignKey(
        AccessToken, models.PROTECT, null=True, blank=True, related_name="tickets", verbose_name=_("access token")
    )
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.OPEN)
    opened_at = models.DateTimeField(pgettext_lazy("a question", "opened"))
    moved_at = models.DateTimeField(_("last message"))
    # When staff were last written to about it, or are to be: a customer who writes line by line is one mail.
    staff_told_at = models.DateTimeField(_("staff told"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        ordering = ["-moved_at", "-id"]
        permissions: ClassVar = [("answer_ticket", "Can answer questions of customers, and close them")]
        indexes: ClassVar = [
            models.Index(fields=["customer", "-moved_at"], name="ticket_of_customer"),
            models.Index(fields=["moved_at"], condition=Q(state="open"), name="ticket_waiting"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=["open", "answered", "closed"]), name="ticket_state_is_known")
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.get_state_display()}"


class TicketMessage(models.Model):
    """One message of a question, by the customer or by staff."""

    class Via(models.TextChoices):
        PAGE = "page", _("on the page")
        MAIL = "mail", _("by mail")

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="messages", verbose_name=_("question"))
    by = models.ForeignKey(Customer, models.PROTECT, related_name="+", verbose_name=pgettext_lazy("a message", "by"))
    from_staff = models.BooleanField(_("by staff"), default=False)
    text = models.TextField(_("text"), max_length=MOST_TEXT)
    via = models.CharField(_("how it came"), max_length=4, choices=Via, default=Via.PAGE)
    # Of a mail: read twice it is one message.
    message_id = models.CharField(_("Message-ID"), max_length=255, null=True, blank=True, unique=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("message of a question")
        verbose_name_plural = _("messages of questions")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"#{self.pk}"
