"""`manage.py prepare_roles`: the groups of staff, made where they are missing. `prepare_database` does the same."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.staff_roles import ROLES, prepare_roles


class Command(BaseCommand):
    help = "Make the groups support, finance, operator and owner where they are missing; --again ROLE resets one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--again", choices=tuple(ROLES), default="", help="give this role what this version says")

    def handle(self, *args: Any, **options: Any) -> None:
        made = prepare_roles(again=options["again"])
        self.stdout.write(f"made: {', '.join(made)}" if made else "every role is there; nothing was changed")
