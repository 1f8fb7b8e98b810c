"""What a mail server says of a mail that it could not deliver: RFC 3464 reports, and refusals during SMTP."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.message import Message
from email.policy import default

MOST_BYTES = 2_000_000  # of a report; what it returns of our mail is longer only by mistake
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_MESSAGE_ID = re.compile(r"<([^<>\s@]{1,120}@[^<>\s]{1,200})>")
_GONE_WITHOUT_STATUS = frozenset({550, 551, 553, 556})


@dataclass(frozen=True, slots=True)
class Bounce:
    """One mail that did not arrive, for good.

    `message_ids` are those that the report names: ours is among them where it is about a mail of ours.
    """

    message_ids: frozenset[str]
    status: str
    reason: str


def is_gone(*, code: int, text: str) -> bool:
    """Tell whether a server's refusal means that there is no such mailbox, and will be none tomorrow.

    A full mailbox (x.2.2) empties, and what the server dislikes about us (x.7.x: relaying, a list, a signature) says
    nothing of the person: suppressing on it would end the mails of everybody at that server.

    Args:
        code: of SMTP, 550; 0 where only `text` says something.
        text: the server's words, with an enhanced status (RFC 3463) where it has one.
    """
    if code and not 500 <= code <= 599:
        return False
    found = _STATUS.search(text)
    if found is None:
        return code in _GONE_WITHOUT_STATUS
    kind, subject, detail = found.groups()
    if kind != "5":
        return False
    return subject == "1" or (subject, detail) in (("2", "0"), ("2", "1"), ("0", "0"), ("4", "4"))


def read_report(raw: bytes) -> list[Bounce]:
    """Return the mails that a delivery status report says have failed; none where it is no such report."""
    if len(raw) > MOST_BYTES:
        return []
    try:
        report = message_from_bytes(raw, policy=default)
        parts = list(report.walk())
    except (MessageError, ValueError, LookupError, RecursionError):
        return []
    statuses = [part for part in parts if part.get_content_type() == "message/delivery-status"]
    named = frozenset(_named(report, parts))
    bounces = []
    for fields in (fields for status in statuses for fields in _recipients(status)):
        action, status = _field(fields, "Action").lower(), _field(fields, "Status")
        said = f"{status} {_field(fields, 'Diagnostic-Code')}".strip()
        if action == "failed":
            bounces.append(Bounce(message_ids=named, status=status[:12], reason=said[:300]))
    return bounces


def _recipients(status: Message) -> Iterator[Message]:
    """Yield the groups of fields about one recipient each: all but the first, which is about the mail."""
    groups = status.get_payload()
    if isinstance(groups, list):
        yield from (one for one in groups[1:] if isinstance(one, Message))


def _named(report: Message, parts: Sequence[Message]) -> Iterator[str]:
    """Yield the Message-IDs of the mail that comes back: whole, its headers alone, or as what is answered."""
    for name in ("In-Reply-To", "References"):
        yield from _MESSAGE_ID.findall(_field(report, name))
    for part in parts:
        if part is not report and part.get_content_type() != "text/rfc822-headers":
            yield from _MESSAGE_ID.findall(_field(part, "Message-ID"))
        elif part.get_content_type() == "text/rfc822-headers":
            payload = part.get_payload(decode=True)
            headers = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
            for line in headers.splitlines():
                if line.lower().startswith(("message-id:", "message-id :")):
                    yield from _MESSAGE_ID.findall(line)


def _field(message: Message, name: str) -> str:
    """Return a header's text; "" where it is missing or cannot be read."""
    try:
        return " ".join(str(message.get(name, "")).split())
    except (ValueError, LookupError, IndexError, AttributeError, MessageError):
        return ""
