from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = _("Shop")

    def ready(self) -> None:
        from django.db.models.signals import post_save, pre_save

        from accounts.models import Customer
        from billing import announcements as say
        from billing.gateways.sandbox import notices
        from billing.services import customers, deliveries, entitlements
        from nodes import announcements as nodes
        from outbox import kinds, restated
        from outbox.transports import mail, task

        kinds.register(say.RECEIPT, label=_("receipt"), prepare=deliveries.receipt, transport=mail.deliver)
        kinds.register(
            notices.KIND,
            label=_("notice of the sandbox gateway"),
            prepare=notices.prepare,
            transport=task.deliver,
        )
        restated.register(nodes.ENTITLEMENT, pieces=entitlements.restated_entitlements)
        restated.register(nodes.REVOCATION, pieces=entitlements.restated_revocations)
        # accounts does not know the shop, and its admin saves rows by itself.
        pre_save.connect(customers.note_activity, sender=Customer, dispatch_uid="billing.note_activity")
        post_save.connect(customers.announce_activity, sender=Customer, dispatch_uid="billing.announce_activity")
