"""`manage.py read_replies`: answers to our mails about questions, from a pipe, a Maildir or an mbox."""

import logging
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kernel.clock import utc_now
from kernel.errors import PlatformError
from outbox.services import mailboxes
from support.domain.replies import MOST_BYTES
from support.services.tickets import take_reply

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Reads mails that answer ours about questions and puts each into its question: one from standard input, as a "
        "mail server's pipe gives it, every new one of a Maildir, or all of an mbox. Mails that were sent to no "
        "address of a question, come from strangers, or were written by programs are left alone and not answered."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("where", nargs="?", default="-", help="a Maildir or an mbox file; - or nothing: one mail")

    def handle(self, *args: Any, where: str, **options: Any) -> None:
        taken = 0

        def take(raw: bytes) -> None:
            nonlocal taken
            try:
                take_reply(raw, now=utc_now())
                taken += 1
            except PlatformError as error:
                # Neither address nor text: a log is no place for what strangers write.
                log.info("a mail was not taken as a reply: %s %s", error.code, error.fields.get("why", ""))

        try:
            read = mailboxes.each(where, take, most=MOST_BYTES + 1, pipe=sys.stdin.buffer)
        except mailboxes.NoMailbox as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{read} read, {taken} taken.")
