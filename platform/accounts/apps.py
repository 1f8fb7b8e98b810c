from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("People")

    def ready(self) -> None:
        from allauth.account.signals import email_confirmed

        from accounts import announcements as say
        from accounts import services
        from accounts.services import personal
        from outbox.services import mailing

        mailing.register(say.PHONE_MOVED, label=_("mobile number that moved"), write=say.phone_moved_letter)
        mailing.register_account_mails(label=_("account and security"))

        personal.register(
            "accounts",
            personal.Part(
                tables=personal.tables_of_accounts,
                leaving=personal.leaving_of_accounts,
                forget=personal.forget_in_accounts,
            ),
        )
        email_confirmed.connect(services.address_works, dispatch_uid="accounts.address_works")
