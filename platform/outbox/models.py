"""Rows that wait to be delivered, and up to where the reports of each node group are read."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


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
