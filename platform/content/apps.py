from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ContentConfig(AppConfig):
    name = "content"
    verbose_name = _("Texts and announcements")

    def ready(self) -> None:
        from content import announcements as say
        from content.services import deliveries, letters
        from outbox import kinds
        from outbox.services import mailing
        from outbox.transports import redis

        kinds.register(
            say.ANNOUNCEMENT, label=_("announcement"), prepare=deliveries.announcement, transport=redis.deliver
        )
        mailing.register(say.ANNOUNCEMENT_MAIL, label=_("announcement"), write=letters.announcement)
