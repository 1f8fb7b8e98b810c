"""`manage.py token_keys list|create|rotate|remove KID`: the keys that sign tokens."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.services import keys
from kernel.clock import utc_now


class Command(BaseCommand):
    help = "Lists, creates, rotates and removes the keys that sign tokens (TOKEN_KEYS_DIR)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["list", "create", "rotate", "remove"])
        parser.add_argument("--algorithm", choices=keys.ALGORITHMS, default=keys.EDDSA, help="of the key to make")
        parser.add_argument("kid", nargs="?", default="", help="the key to remove")

    def handle(self, *args: Any, **options: Any) -> None:
        now, algorithm = utc_now(), options["algorithm"]
        if options["action"] == "create" and keys.key_ids(algorithm):
            raise CommandError("There is a key already; rotate adds another one.")
        if options["action"] in ("create", "rotate"):
            kid = keys.create_key(now=now, algorithm=algorithm)
            self.stdout.write(f"{kid} is published; it signs from two minutes on, or at once when it is the only one.")
        elif options["action"] == "remove":
            try:
                keys.remove_key(kid=options["kid"])
            except ValueError as error:
                raise CommandError(str(error)) from None
            self.stdout.write(f"{options['kid']} is gone; tokens signed with it must be copied again.")
        else:
            signing = {keys.signing_key_id(now=now, algorithm=one) for one in keys.ALGORITHMS if keys.key_ids(one)}
            for kid in keys.key_ids():
                self.stdout.write(f"{kid}  {keys.algorithm_of(kid)}{'  signs' if kid in signing else ''}")
