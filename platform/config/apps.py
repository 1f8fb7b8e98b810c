from django.apps import AppConfig


class ConfigApp(AppConfig):
    name = "config"

    def ready(self) -> None:
        # Importing is what registers: Celery's app becomes the current one in every Django process (the outbox sends
        # tasks by name), and the system checks become known.
        from config import celery, checks

        assert celery.app
        assert checks.__name__
