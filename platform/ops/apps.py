from django.apps import AppConfig, apps
from django.utils.translation import gettext_lazy as _


class OpsConfig(AppConfig):
    name = "ops"
    verbose_name = _("Operations")

    def ready(self) -> None:
        """Give each table's own pages the name that it has in the menu: what was clicked stands above what opens."""
        from ops.home import AREAS  # the models are there now alone

        for _title, tables in AREAS:
            for label, name in tables.items():
                apps.get_model(label)._meta.verbose_name_plural = name
