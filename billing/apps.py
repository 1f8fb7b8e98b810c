from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = _("Shop")

    def ready(self) -> None:
        from allauth.account.signals import user_signed_up
        from django.db.models.signals import post_save, pre_save

        from accounts.models import Customer
        from accounts.services import personal
        from billing import announcements as say
        from billing.gateways.sandbox import notices
        from billing.services import customers, entitlements, invitations, leaving, token_uses
        from billing.services.letters import books, orders, rights
        from nodes import announcements as nodes
        from outbox import kinds, report_kinds, restated
        from outbox.services import mailing
        from outbox.transports import task

        report_kinds.register("token_uses", handler=token_uses.record_uses)
        for name, label, write in (
            (say.ORDER, _("order that waits"), orders.order_waits),
            (say.TRANSFER, _("account to transfer to"), orders.order_to_transfer),
            (say.RECEIPT, _("receipt"), orders.receipt),
            (say.PREPAID, _("top-up or gift code"), orders.prepaid),
            (say.REFUND_DECIDED, _("refund decided"), orders.refund_decided),
            (say.REFUND, _("refund"), orders.refund_done),
            (say.FAPIAO, _("fapiao"), orders.fapiao_issued),
            (say.FAPIAO_RED, _("red-letter fapiao"), orders.fapiao_reversed),
            (say.TRIAL, _("end of a trial"), rights.trial_ends),
            (say.RENEWAL_AHEAD, _("renewal ahead"), rights.renewal_ahead),
            (say.RENEWED, _("renewal"), rights.renewed),
            (say.RENEWAL_FAILED, _("failed renewal"), rights.renewal_failed),
            (say.TOKEN_REPLACED, _("replaced token"), rights.token_replaced),
            (say.TOKEN_REVOKED, _("revoked token"), rights.token_revoked),
            (say.COMPENSATION, _("compensation"), rights.compensation),
            (say.TERMS_END, _("end of old terms"), rights.terms_end),
            (say.BOOKS_DIFFER, _("difference in the books"), books.books_differ),
        ):
            mailing.register(name, label=label, write=write)
        mailing.register(say.ENDS, label=_("end of a pack"), write=rights.chain_ends, reminder=True)
        mailing.register(say.WAY_BACK, label=_("way back"), write=rights.way_back, reminder=True)
        kinds.register(
            notices.KIND,
            label=_("notice of the sandbox gateway"),
            prepare=notices.prepare,
            transport=task.deliver,
        )
        restated.register(nodes.ENTITLEMENT, pieces=entitlements.restated_entitlements)
        restated.register(nodes.REVOCATION, pieces=entitlements.restated_revocations)
        personal.register(
            "billing", personal.Part(tables=leaving.tables, leaving=leaving.leaving, forget=leaving.forget)
        )
        # accounts does not know the shop, and its admin saves rows by itself.
        pre_save.connect(customers.note_activity, sender=Customer, dispatch_uid="billing.note_activity")
        user_signed_up.connect(invitations.note_sign_up, dispatch_uid="billing.note_sign_up")
        post_save.connect(customers.announce_activity, sender=Customer, dispatch_uid="billing.announce_activity")
