"""`manage.py read_bounces`: what mail servers say of mails that did not arrive, from a pipe, a Maildir or an mbox."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kernel.clock import utc_now
from outbox.domain.bounces import MOST_BYTES
from outbox.services import mailboxes, mailing


class Command(BaseCommand):
    help = (
        "Reads delivery status reports (RFC 3464) and sends nothing more to addresses that do not exist: one report "
        "from standard input, as a mail server's pipe gives it, every new one of a Maildir, or all of an mbox. What "
        "is about no mail of ours is left alone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("where", nargs="?", default="-", help="a Maildir or an mbox file; - or nothing: one report")

    def handle(self, *args: Any, where: str, **options: Any) -> None:
        gone = 0

        def take(raw: bytes) -> None:
            nonlocal gone
            gone += mailing.take_report(raw, now=utc_now())

        try:
            read = mailboxes.each(where, take, most=MOST_BYTES + 1, pipe=sys.stdin.buffer)
        except mailboxes.NoMailbox as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{read} read, {gone} addresses suppressed.")
