"""`manage.py prepare_database`: migrate, make the groups of staff, give the shop its rights. The owner runs it."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from config.database_roles import grant_application
from config.staff_roles import prepare_roles


class Command(BaseCommand):
    help = (
        "Bring the database up to date with DATABASE_URL as the owner's, and give DATABASE_APPLICATION_ROLE, where it "
        "is set, the right to read and write rows and no other."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        prepare_roles()
        role = settings.DATABASE_APPLICATION_ROLE
        if not role:
            return
        if connection.vendor != "postgresql":
            raise CommandError(f"DATABASE_APPLICATION_ROLE={role} needs PostgreSQL; this is {connection.vendor}")
        grant_application(role)
