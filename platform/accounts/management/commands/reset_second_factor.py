"""`manage.py reset_second_factor EMAIL`: for who has lost the phone and the recovery codes, and for whom nobody can."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Customer
from accounts.services import reset_second_factor


class Command(BaseCommand):
    help = "Remove a person's authenticator app and recovery codes, and log them out everywhere; they set it up anew."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        person = Customer.objects.filter(email__iexact=options["email"].strip()).first()
        if person is None:
            raise CommandError(f"nobody has the address {options['email']!r}")
        removed = reset_second_factor(customer=person)
        self.stdout.write(f"{person.email}: {removed} removed; the next page of the admin asks for a new one")
