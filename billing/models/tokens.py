"""Which tokens were handed out."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Customer, new_id
from nodes.models import NodeGroup


class AccessToken(models.Model):
    """A token that was handed out, without its text: it is signed again, same jti, whenever it is shown."""

    # "" is the one that comes with the first pack; pages call it the main one in the reader's language.
    name = models.CharField(_("name"), max_length=40, blank=True)
    # Canonical symbols, the only ones that it follows; empty: whatever the customer may.
    symbols = models.JSONField(_("only these symbols"), default=list, blank=True)
    jti = models.CharField(_("jti"), max_length=32, unique=True, default=new_id, editable=False)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="tokens", verbose_name=_("customer"))
    group = models.ForeignKey(NodeGroup, models.PROTECT, related_name="tokens", verbose_name=_("node group"))
    issued_at = models.DateTimeField(_("issued"))
    expires_at = models.DateTimeField(_("expires"), help_text=_("The latest expiry that was ever signed."))
    works_until_at = models.DateTimeField(_("works until"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)  # as nodes report it, to the minute

    class Meta:
        verbose_name = _("access token")
        verbose_name_plural = _("access tokens")
        ordering = ["-id"]
        permissions: ClassVar = [("revoke_token", "Can revoke customers' tokens")]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "group", "name"],
                condition=Q(works_until_at=None, revoked_at=None),
                name="one_current_token_a_name",
            )
        ]

    def __str__(self) -> str:
        return self.jti[:8]

    @property
    def title(self) -> str:
        """Return what a page calls it."""
        return self.name or gettext("Main token")
