"""`manage.py seal_second_factors`: after SECRET_KEY has changed, and once for what is older than sealing."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.second_factors import seal_all


class Command(BaseCommand):
    help = (
        "Seal the secrets of all second factors with the present SECRET_KEY; SECRET_KEY_PREVIOUS opens those of the "
        "one before. Run it as often as you like."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.ROLE in ("node", "worker"):
            raise CommandError(f"TICKPACK_ROLE is {settings.ROLE}, without a SECRET_KEY of the shop; run it as panel")
        sealed, lost = seal_all()
        self.stdout.write(f"{sealed} sealed with the present SECRET_KEY")
        if lost:
            raise CommandError(
                f"{lost} were sealed with a key that is neither SECRET_KEY nor SECRET_KEY_PREVIOUS; set the one "
                "before, or remove them with reset_second_factor"
            )
