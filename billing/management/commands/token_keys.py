"""`manage.py token_keys list|create|rotate|remove KID`: the keys that sign tokens."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.services import keys
from kernel.clock import utc_now


class Command(BaseCommand):
    help = "Lists, creates, rotates and removes the keys that sign tokens (TOKEN_KEYS_DIR)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["list", "create", "rotate", "remove"])
        parser.add_argument("kid", nargs="?", default="", help="the key to remove")

    def handle(self, *args: Any, **options: Any) -> None:
        now = utc_now()
        if options["action"] == "create" and keys.key_ids():
            raise CommandError("There is a key already; rotate adds another one.")
        if options["action"] in ("create", "rotate"):
            kid = keys.create_key(now=now)
            self.stdout.write(f"{kid} is published; it signs from two minutes on, or at once when it is the only one.")
        elif options["action"] == "remove":
            try:
                keys.remove_key(kid=options["kid"])
            except ValueError as error:
                raise CommandError(str(error)) from None
            self.stdout.write(f"{options['kid']} is gone; tokens signed with it must be copied again.")
        else:
            signing = keys.signing_key_id(now=now) if keys.key_ids() else ""
            for kid in keys.key_ids():
                self.stdout.write(f"{kid}{'  signs' if kid == signing else ''}")
