from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = _("Shop")

    def ready(self) -> None:
        from billing import announcements as say
        from billing.gateways.sandbox import notices
        from billing.services import deliveries
        from outbox import kinds
        from outbox.transports import mail, task

        kinds.register(say.RECEIPT, label=_("receipt"), prepare=deliveries.receipt, transport=mail.deliver)
        kinds.register(
            notices.KIND,
            label=_("notice of the sandbox gateway"),
            prepare=notices.prepare,
            transport=task.deliver,
        )
