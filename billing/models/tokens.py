"""Which tokens were handed out."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Customer, new_id
from nodes.models import NodeGroup


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
