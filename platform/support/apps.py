from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SupportConfig(AppConfig):
    name = "support"
    verbose_name = _("Help")

    def ready(self) -> None:
        from accounts.services import personal
        from outbox.services import mailing
        from support import announcements as say
        from support.services import leaving

        mailing.register(say.ANSWERED, label=_("answer to a question"), write=say.answered_letter)
        mailing.register(say.ASKED, label=_("question of a customer, to staff"), write=say.asked_letter)
        personal.register(
            "support", personal.Part(tables=leaving.tables, leaving=leaving.leaving, forget=leaving.forget)
        )
